"""Resolve a secret reference into its value, at the moment it is needed."""

import re
from pathlib import Path

from pipeline.secrets_manager import SecretsManager, SecretUnavailable

_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+")
_SECRETS = SecretsManager()


class SecretError(RuntimeError):
    """A secret that can't be read; the message names the reference, never the value."""


def resolve(reference: str) -> str:
    """Return the secret behind `file:/absolute/path` or an ARN; raise SecretError if there is none."""
    if _ARN.fullmatch(reference):
        return _from_secrets_manager(reference)
    if not reference.startswith("file:/"):
        # It may be a password pasted where its reference belongs, so it is not printed.
        raise SecretError("a secret reference of unknown kind: file:/absolute/path or a Secrets Manager ARN")
    try:
        value = Path(reference.removeprefix("file:")).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"secret {reference}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SecretError(f"secret {reference}: the file is not UTF-8 text") from None
    if not value:
        raise SecretError(f"secret {reference}: the file is empty")
    return value


def refused(reference: str) -> bool:
    """Forget a value that was refused; tell whether resolving it again may find another one."""
    return _SECRETS.forget(reference)


def _from_secrets_manager(arn: str) -> str:
    try:
        value = _SECRETS.value(arn)
    except SecretUnavailable as error:
        raise SecretError(f"secret {arn}: {error}") from None
    if not value:
        raise SecretError(f"secret {arn}: is empty")
    return value

"""Resolve a secret reference into its value, at the moment it is needed."""

from pathlib import Path


class SecretError(RuntimeError):
    """A secret that can't be read; the message names the reference, never the value."""


def resolve(reference: str) -> str:
    """Return the secret behind `file:/absolute/path`; raise SecretError if there is none."""
    if not reference.startswith("file:/"):
        raise SecretError(f"{_kind(reference)}: only file:/absolute/path can be resolved here")
    try:
        value = Path(reference.removeprefix("file:")).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"secret {reference}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SecretError(f"secret {reference}: the file is not UTF-8 text") from None
    if not value:
        raise SecretError(f"secret {reference}: the file is empty")
    return value


def _kind(reference: str) -> str:
    # Anything else may be a password pasted where its reference belongs, so it is not printed.
    return f"secret {reference}" if reference.startswith("arn:aws:") else "a secret reference of unknown kind"

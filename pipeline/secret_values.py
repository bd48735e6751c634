"""Resolve a secret reference into its value, at the moment it is needed."""

from pathlib import Path


class SecretError(RuntimeError):
    """A secret that can't be read; the message names the reference, never the value."""


def resolve(reference: str) -> str:
    """Return the secret behind `file:/absolute/path`; raise SecretError if there is none."""
    scheme, _, rest = reference.partition(":")
    if scheme != "file":
        raise SecretError(f"secret reference of kind {scheme!r}: only file:/absolute/path can be resolved here")
    try:
        value = Path(rest).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"secret {reference}: {error.strerror or error}") from None
    if not value:
        raise SecretError(f"secret {reference}: the file is empty")
    return value

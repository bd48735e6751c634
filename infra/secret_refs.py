"""References to secrets: `as_env()` carries these, never the secret itself."""

import re
from typing import Annotated

from pydantic import AfterValidator

_ALLOWED = re.compile(r"file:/.+|arn:aws[a-z-]*:secretsmanager:.+")


def _check(value: str) -> str:
    if not _ALLOWED.fullmatch(value):
        # The value itself is kept out of the message: a password pasted by mistake would be printed.
        raise ValueError("must be a reference: file:/absolute/path or arn:aws:secretsmanager:…, not a secret")
    return value


SecretRef = Annotated[str, AfterValidator(_check)]
"""`file:/absolute/path` (embedded, local) or a Secrets Manager ARN (aws)."""

OptionalSecretRef = Annotated[str, AfterValidator(lambda value: value and _check(value))]
"""The same, or empty where there is no such secret."""

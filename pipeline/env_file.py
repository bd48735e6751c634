"""Files of NAME=value lines, each value taken literally: no quotes, no escapes, no comment after it.

A path may hold a space, a `#`, a `$` or a quote; dotenv's rules would cut or expand it.
"""

VARIABLE = "ECOM_ENV_FILE"


def parse(text: str) -> dict[str, str]:
    """Return the variables; a blank line or one that begins with `#` says nothing."""
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}

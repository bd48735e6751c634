"""Secrets of AWS Secrets Manager: fetched when needed, kept for minutes, forgotten when they are refused."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

# A connection is opened for each partition of each micro-batch; a request for each would cost time and money.
KEPT_S = 300.0


class SecretUnavailable(RuntimeError):
    """A secret that can't be fetched; the message is AWS's code, never a value."""


@dataclass
class SecretsManager:
    """Values by ARN. A process has one of it; it is safe to share between threads."""

    kept_s: float = KEPT_S
    _values: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def value(self, arn: str) -> str:
        """Return the secret's current value; raise SecretUnavailable."""
        with self._lock:
            fetched, value = self._values.get(arn, (float("-inf"), ""))
            if time.monotonic() - fetched > self.kept_s:
                value = _password(_fetch(arn))
                self._values[arn] = (time.monotonic(), value)
            return value

    def forget(self, arn: str) -> bool:
        """Drop a value that was refused; tell whether there was one, so that asking again makes sense."""
        with self._lock:
            return self._values.pop(arn, None) is not None


def _fetch(arn: str) -> str:
    # Here, because the embedded and the local environment need no boto3.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # The ARN's own region: a process that runs elsewhere may still read it.
        client: Any = boto3.client("secretsmanager", region_name=arn.split(":")[3])
        return str(client.get_secret_value(SecretId=arn)["SecretString"])
    except ClientError as error:
        raise SecretUnavailable(error.response["Error"]["Code"]) from None
    except (BotoCoreError, KeyError) as error:
        raise SecretUnavailable(str(error) or type(error).__name__) from None


def _password(text: str) -> str:
    """Return the password out of the JSON that RDS keeps its own in; any other text is the password."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return str(found["password"]) if isinstance(found, dict) and "password" in found else text

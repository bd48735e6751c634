"""The account that the provider works on: boto3 clients whose every call is checked, and a store beside."""

import os
import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.aws_provider import strict
from tests.aws_provider.store import Store

STORE_VARIABLE = "ECOM_TEST_AWS_STORE"
ACCOUNT = "123456789012"


class Cloud:
    """`call` goes to moto; `pretend` is for what moto lacks: checked likewise, and kept in the store."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.store = Store(Path(os.environ[STORE_VARIABLE]))
        self._session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=region
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.RLock()

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                client = self._session.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
                client.meta.events.register("before-parameter-build", _check)
                self._clients[service] = client
            return self._clients[service]

    def call(self, service: str, method: str, /, **params: Any) -> dict[str, Any]:
        # moto's backends are no more thread-safe than dictionaries are.
        with self._lock:
            answer: dict[str, Any] = getattr(self.client(service), method)(**without_none(params))
            return answer

    def there(self, service: str, method: str, /, **params: Any) -> bool:
        """Tell whether describing something succeeds with an answer that is not empty."""
        try:
            answer = self.call(service, method, **params)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            text = f"{error.response['Error'].get('Code')} {status}"
            if any(word in text for word in ("NotFound", "NoSuch", "404", "DoesNotExist", "NotFoundFault")):
                return False
            raise
        found = {key: value for key, value in answer.items() if key not in ("ResponseMetadata", "failures")}
        return any(value not in ([], {}, None) for value in found.values()) or not found

    def pretend(self, service: str, operation: str, /, **params: Any) -> None:
        model = self.client(service).meta.service_model.operation_model(operation)
        strict.check(model, without_none(params))

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"


def _check(params: dict[str, Any], model: Any, **_: Any) -> None:
    strict.check(model, params)


def without_none(value: Any) -> Any:
    """Return the same without what is None, at any depth."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value if item is not None]
    return value

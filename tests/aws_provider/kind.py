"""What the provider has to know about a kind of resource, and the register of all kinds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from tests.aws_provider.cloud import Cloud

Props = dict[str, Any]
Made = tuple[str, Props]


# Tags are no matter of a test's update, and the others are the provider's own and never sent to AWS.
_NOT_AWSS = {"tags", "tagsAll", "forceDelete", "forceDestroy", "waitForSteadyState"}


class Kind(ABC):
    """One kind.

    `replaces` cannot be changed in place, `renews` are outputs that an update changes, `autoname` is the
    property that Pulumi makes up, and its length.
    """

    replaces: ClassVar[frozenset[str]] = frozenset()
    autoname: ClassVar[tuple[str, int] | None] = None
    renews: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def create(self, cloud: Cloud, want: Props) -> Made:
        """Make it; return its id and what AWS made up."""

    def update(self, cloud: Cloud, identity: str, old: Props, want: Props) -> Props:
        """Bring it to what is wanted; return what AWS made up anew. Only tags may differ by default."""
        changed = {key for key in {*old, *want} if old.get(key) != want.get(key)} - _NOT_AWSS
        if changed & set(want):
            raise NotImplementedError(f"{type(self).__name__}: no update of {', '.join(sorted(changed))}")
        return {}

    @abstractmethod
    def exists(self, cloud: Cloud, identity: str, state: Props) -> bool:
        """Tell whether it is there."""

    def found(self, cloud: Cloud, identity: str, state: Props) -> Props:
        """Return those inputs that are asked for anew, as they are; most kinds ask for none."""
        return {}

    @abstractmethod
    def delete(self, cloud: Cloud, identity: str, state: Props) -> None:
        """Remove it."""


# Outputs that are not known before a resource is made; others than a kind's own mean nothing to the SDK.
MADE_UP = (
    "address",
    "allocationId",
    "arn",
    "arnSuffix",
    "bootstrapBrokersSaslIam",
    "dnsName",
    "endpoint",
    "keyId",
    "latestRevision",
    "masterUserSecrets",
    "repositoryUrl",
    "revision",
    "versionId",
    "webserverUrl",
    "zoneId",
)

KINDS: dict[str, Kind] = {}
INVOKES: dict[str, Callable[[Cloud, Props], Props]] = {}
K = TypeVar("K", bound=type[Kind])
F = TypeVar("F", bound=Callable[[Cloud, Props], Props])


def kind(token: str) -> Callable[[K], K]:
    """Register a kind under Pulumi's token, e.g. `ec2/vpc:Vpc`."""

    def register(made: K) -> K:
        KINDS[f"aws:{token}"] = made()
        return made

    return register


def invoke(token: str) -> Callable[[F], F]:
    """Register a function that looks something up."""

    def register(made: F) -> F:
        INVOKES[f"aws:{token}"] = made
        return made

    return register


def tags(want: Props, key: str = "Key", value: str = "Value") -> list[dict[str, str]] | None:
    """Return tags as most of AWS wants them."""
    given: dict[str, str] = want.get("tags") or {}
    return [{key: name, value: text} for name, text in sorted(given.items())] or None


def pick(want: Props, **names: str) -> Props:
    """Return `AwsName=pulumiName` pairs that are set."""
    return {aws: want[ours] for aws, ours in names.items() if want.get(ours) is not None}


def pascal(value: Any) -> Any:
    """Return nested properties with the first letter of each key large, as many of AWS's structures are."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: pascal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascal(item) for item in value]
    return value


def first(items: Iterable[Any]) -> Any:
    """Return the only one that a description has."""
    return next(iter(items))

"""Pulumi's mocks: every resource that the program registers, with its inputs, and no engine."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks

# What the random provider would make up; a test looks for it where it must not be.
MADE_UP = "made-up-by-the-random-provider"


@dataclass
class Recorder(mocks.Mocks):
    """Answers like the providers, and remembers what was asked."""

    resources: dict[str, mocks.MockResourceArgs] = field(default_factory=dict)
    protected: dict[str, bool] = field(default_factory=dict)
    after: dict[str, set[str]] = field(default_factory=dict)
    retained: set[str] = field(default_factory=set)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources[args.name] = args
        answer = dict(args.inputs)
        if args.typ.endswith((":RandomPassword", ":RandomBytes")):
            answer |= {"result": f"{MADE_UP}-{args.name}", "base64": f"{MADE_UP}-{args.name}+/"}
        if args.typ.endswith(":RandomString"):
            answer["result"] = "a" * int(args.inputs["length"])
        if args.typ.endswith(":RemoteImage"):
            answer["imageId"] = f"sha256:{args.name}"
        if args.typ.endswith(":Container"):
            answer |= {"exitCode": 0, "containerLogs": ""}
        return f"{args.name}-id", answer

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the inputs of every resource of a kind, e.g. `Container`, by name."""
        return {
            name: args.inputs
            for name, args in self.resources.items()
            if args.typ.endswith(f":{kind}") and args.custom
        }


class Monitor(mocks.MockMonitor):
    """Remembers the options too, which Pulumi's mocks are not told."""

    def RegisterResource(self, request: Any) -> Any:
        self.mocks.protected[request.name] = request.protect  # type: ignore[attr-defined]
        if request.retainOnDelete:
            self.mocks.retained.add(f"{request.type} {request.name}")  # type: ignore[attr-defined]
        # Several resources may share a name.
        self.mocks.protected[f"{request.type} {request.name}"] = request.protect  # type: ignore[attr-defined]
        names = {urn.rsplit("::", 1)[1] for urn in request.dependencies}
        for key in (request.name, f"{request.type} {request.name}"):
            self.mocks.after[key] = names  # type: ignore[attr-defined]
        return super().RegisterResource(request)


def run(make: Callable[[], Any], recorder: Recorder | None = None) -> Recorder:
    """Run a program under mocks to its end and return what it registered; what it raises is raised."""
    recorder = recorder or Recorder()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(recorder, project="ecom", stack="test", preview=False, monitor=Monitor(recorder))
        # This decorator waits for everything that was registered, or a test would pass before it is.
        pulumi.runtime.test(lambda: make() and None)()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return recorder

"""Pulumi's provider protocol, over gRPC, for every kind that is registered."""

import random
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.aws_provider import kinds, wire
from tests.aws_provider.cloud import Cloud
from tests.aws_provider.kind import INVOKES, KINDS, MADE_UP, Kind, Props
from tests.aws_provider.references import dangling

assert kinds
_SUFFIX = 7


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Create, read, update, delete by kind; whatever is raised becomes the engine's error."""

    def __init__(self) -> None:
        self.cloud: Cloud | None = None

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        region = str(wire.to_dict(request.args).get("region") or "")
        if not region:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "aws:region is not set")
        self.cloud = Cloud(region)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, acceptResources=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        news, olds = wire.to_dict(request.news), wire.to_dict(request.olds)
        automatic = self._kind(request).autoname
        if automatic and automatic[0] not in news:
            prop, most = automatic
            news[prop] = olds.get(prop) or _name(request, most)
        return provider_pb2.CheckResponse(inputs=wire.to_struct(news))

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = wire.to_dict(request.old_inputs), wire.to_dict(request.news)
        changed = sorted(
            key
            for key in {*old, *new}
            if key not in request.ignoreChanges
            and wire.comparable(old.get(key)) != wire.comparable(new.get(key))
        )
        replaces = [key for key in changed if key in self._kind(request).replaces]
        kinds_of = provider_pb2.DiffResponse
        return kinds_of(
            changes=kinds_of.DIFF_SOME if changed else kinds_of.DIFF_NONE, diffs=changed, replaces=replaces
        )

    def Create(self, request: Any, context: Any) -> Any:
        given = wire.to_dict(request.properties)
        if request.preview:
            unknown = dict.fromkeys(MADE_UP, wire.UNKNOWN)
            return provider_pb2.CreateResponse(properties=wire.to_struct({**unknown, **given}))
        want = wire.plain(given)

        def create() -> Any:
            self._refers(want)
            identity, made = self._kind(request).create(self._cloud, want)
            return provider_pb2.CreateResponse(
                id=identity, properties=wire.to_struct(self._outputs(given, made))
            )

        return self._answer(context, create)

    def Update(self, request: Any, context: Any) -> Any:
        given, state = wire.to_dict(request.news), wire.to_dict(request.olds)
        inputs = wire.to_dict(request.old_inputs)

        if request.preview:
            # What an update makes anew, as the official plugin's previews say too.
            changing = dict.fromkeys(self._kind(request).renews, wire.UNKNOWN)
            known = {key: value for key, value in state.items() if key not in inputs}
            return provider_pb2.UpdateResponse(properties=wire.to_struct({**known, **given, **changing}))

        def update() -> Any:
            want = wire.plain(given)
            self._refers(want)
            made = self._kind(request).update(self._cloud, request.id, wire.plain(inputs), want)
            kept = {key: value for key, value in state.items() if key not in inputs}
            return provider_pb2.UpdateResponse(
                properties=wire.to_struct({**kept, **self._outputs(given, made)})
            )

        return self._answer(context, update)

    def Read(self, request: Any, context: Any) -> Any:
        state = wire.plain(wire.to_dict(request.properties))

        def read() -> Any:
            kind = self._kind(request)
            if not kind.exists(self._cloud, request.id, state):
                return provider_pb2.ReadResponse()
            found = kind.found(self._cloud, request.id, state)
            there, inputs = (
                wire.to_struct({**wire.to_dict(known), **found})
                for known in (request.properties, request.inputs)
            )
            return provider_pb2.ReadResponse(id=request.id, properties=there, inputs=inputs)

        return self._answer(context, read)

    def Delete(self, request: Any, context: Any) -> Any:
        state = wire.plain(wire.to_dict(request.properties))

        def delete() -> Any:
            self._kind(request).delete(self._cloud, request.id, state)
            return empty_pb2.Empty()

        return self._answer(context, delete)

    def Invoke(self, request: Any, context: Any) -> Any:
        def invoke() -> Any:
            if request.tok not in INVOKES:
                raise NotImplementedError(f"the test provider does not know {request.tok}")
            found = INVOKES[request.tok](self._cloud, wire.plain(wire.to_dict(request.args)))
            return provider_pb2.InvokeResponse(**{"return": wire.to_struct(found)})

        return self._answer(context, invoke)

    @property
    def _cloud(self) -> Cloud:
        assert self.cloud is not None
        return self.cloud

    def _kind(self, request: Any) -> Kind:
        if request.type not in KINDS:
            raise NotImplementedError(f"the test provider does not know {request.type}")
        return KINDS[request.type]

    def _refers(self, want: Props) -> None:
        missing = dangling(self._cloud, want)
        if missing:
            raise ValueError(f"refers to what is not there: {', '.join(missing)}")

    def _outputs(self, given: Props, made: Props) -> Props:
        tags = given.get("tags")
        return {**given, **({"tagsAll": tags} if tags else {}), "region": self._cloud.region, **made}

    def _answer(self, context: Any, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")


def _name(request: Any, most: int) -> str:
    """Return a name of Pulumi's making: the logical one and random letters, as the official plugin does."""
    name = request.urn.rpartition("::")[2]
    chosen = random.Random(request.randomSeed or None)
    suffix = "".join(chosen.choice("0123456789abcdef") for _ in range(_SUFFIX))
    if len(name) + 1 + _SUFFIX > most:
        raise ValueError(f"name {name!r} plus {_SUFFIX} random characters is longer than {most}")
    return f"{name}-{suffix}"

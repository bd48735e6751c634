"""Values as Pulumi's engine sends them: secrets, assets, and numbers that are all floats."""

from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2

# What marks secrets and files on the wire, the same in every Pulumi; no secrets themselves.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def to_dict(struct: struct_pb2.Struct) -> dict[str, Any]:
    return dict(json_format.MessageToDict(struct))


def to_struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update({key: value for key, value in values.items() if value is not None})
    return made


def plain(value: Any) -> Any:
    """Return a value without the wrapping of secrets; whole numbers are ints, an asset is its content."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return plain(value["value"])
        if value.get(_SIGNATURE) == _ASSET:
            return Path(value["path"]).read_bytes() if value.get("path") else value.get("text", "").encode()
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def comparable(value: Any) -> Any:
    """Return a value by which a change is told: of an asset, its hash and not its place."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _ASSET:
            return value.get("hash")
        if value.get(_SIGNATURE) == _SECRET:
            return comparable(value["value"])
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value

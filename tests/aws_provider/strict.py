"""Parameters of an AWS call against its service model: botocore alone looks at no enum or pattern."""

import re
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator


class WrongParameters(ValueError):
    """What AWS would refuse; the message names the call and each wrong parameter."""


def check(operation: OperationModel, params: dict[str, Any]) -> None:
    """Raise WrongParameters for whatever the model does not allow."""
    shape = operation.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(params, shape)
    problems = [report.generate_report()] if report.has_errors() else []
    problems += list(_wrong(shape, params, ""))
    if problems:
        raise WrongParameters(
            f"{operation.service_model.service_name} {operation.name}: {'; '.join(problems)}"
        )


def _wrong(shape: Shape, value: Any, place: str) -> list[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        inner = [
            _wrong(member, value[name], f"{place}.{name}")
            for name, member in shape.members.items()
            if name in value
        ]
    elif isinstance(shape, ListShape) and isinstance(value, list):
        inner = [_wrong(shape.member, item, f"{place}[{number}]") for number, item in enumerate(value)]
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        inner = [_wrong(shape.value, item, f"{place}.{key}") for key, item in value.items()]
    else:
        inner = [_scalar(shape, value, place)]
    return [problem for some in inner for problem in some]


def _scalar(shape: Shape, value: Any, place: str) -> list[str]:
    if not isinstance(value, str):
        return []
    found = []
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum and value not in enum:
        found.append(f"{place} = {value!r}: allowed are {', '.join(enum[:12])}")
    if pattern and not _matches(pattern, value):
        found.append(f"{place} = {value!r}: must match {pattern}")
    most = shape.metadata.get("max")
    if most is not None and len(value) > int(most):
        found.append(f"{place} = {value[:40]!r}…: longer than {most}")
    return found


def _matches(pattern: str, value: str) -> bool:
    try:
        # Java's classes of characters, which Python's engine does not know.
        return re.fullmatch(re.sub(r"\\p\{[A-Za-z_]+\}", r"\\w\\s", pattern), value, re.DOTALL) is not None
    except re.error:
        return True

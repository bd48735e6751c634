"""Read the spec's files; whatever is wrong in one is told in a line: file, key, value, what is allowed."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dashboards.spec import CHARTS, Chart, Dashboard

HEAD = "dashboard.toml"
_CHART_FILE = re.compile(r"\d\d_([a-z][a-z0-9_]*)")
# The role bi_readonly is what protects the other schemas; this tells the author before anything runs.
_OTHER_SCHEMA = re.compile(
    r"\b(raw|staging|ops|public|airflow|pg_catalog|information_schema)\s*\.", re.IGNORECASE
)
_LITERAL_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
ModelT = TypeVar("ModelT", bound=BaseModel)


class SpecError(ValueError):
    """A declaration that can't be used; the message is one line for each thing that is wrong."""


def load(folder: Path = CHARTS) -> tuple[Dashboard, ...]:
    """Return the dashboards in their order; raise SpecError."""
    heads = sorted(folder.glob(f"*/{HEAD}"))
    if not heads:
        raise SpecError(f"{folder}: holds no <dashboard>/{HEAD}")
    dashboards = sorted((_dashboard(head.parent) for head in heads), key=lambda each: (each.order, each.key))
    _unique([(chart.key, dashboard.key) for dashboard in dashboards for chart in dashboard.charts], folder)
    _unique([(dashboard.title, dashboard.key) for dashboard in dashboards], folder)
    _unique([(chart.title, dashboard.key) for dashboard in dashboards for chart in dashboard.charts], folder)
    return tuple(dashboards)


def _dashboard(folder: Path) -> Dashboard:
    files = sorted(path for path in folder.glob("*.toml") if path.name != HEAD)
    values = _read_toml(folder / HEAD, given=("key", "charts"))
    charts = tuple(_chart(path) for path in files)
    return _build(Dashboard, values | {"key": folder.name, "charts": charts}, folder / HEAD)


def _chart(path: Path) -> Chart:
    name = _CHART_FILE.fullmatch(path.stem)
    if not name:
        raise SpecError(
            f"{path}: a chart's file is named <two digits>_<name>.toml, the name of a-z, 0-9 and _"
        )
    values = _read_toml(path, given=("key", "sql"))
    return _build(Chart, values | {"key": name[1], "sql": _read_sql(path.with_suffix(".sql"))}, path)


def _read_toml(path: Path, given: tuple[str, ...]) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: cannot be read as TOML: {error}") from None
    for key in given:
        if key in values:
            raise SpecError(f"{path}: {key}: unknown key; it follows from the files' names")
    return values


def _read_sql(path: Path) -> str:
    try:
        sql = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from None
    code = _LITERAL_OR_COMMENT.sub(" ", sql).strip()
    if not re.match(r"(select|with)\b", code, re.IGNORECASE) or ";" in code:
        raise SpecError(f"{path}: must be one SELECT (or WITH … SELECT) without a semicolon")
    if other := _OTHER_SCHEMA.search(code):
        raise SpecError(f"{path}: reads {other[1]}; allowed: curated")
    return sql


def _build(model: type[ModelT], values: Mapping[str, Any], path: Path) -> ModelT:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SpecError("\n".join(_explain(model, item, path) for item in error.errors())) from None


def _explain(model: type[BaseModel], item: Any, path: Path) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{path}: {key}: unknown key; allowed: {', '.join(_siblings(model, item['loc']))}"
    if item["type"] == "missing":
        return f"{path}: {key}: is missing"
    if item["type"] == "value_error":  # one of ours, which names the values itself
        return f"{path}: {key}{': ' if key else ''}{item['ctx']['error']}"
    return f"{path}: {key} = {item['input']!r}: {item['msg']}"


def _siblings(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location[:-1]:
        if isinstance(part, str):
            kind: Any = model.model_fields[part].annotation
            model = next(each for each in (kind, *getattr(kind, "__args__", ())) if isinstance(each, type))
    return sorted(set(model.model_fields) - ({"key", "sql"} if model is Chart else {"key", "charts"}))


def _unique(named: list[tuple[str, str]], folder: Path) -> None:
    seen: dict[str, str] = {}
    for name, dashboard in named:
        if name in seen:
            raise SpecError(
                f"{folder}: {name!r} is declared in {seen[name]} and in {dashboard}; names must differ"
            )
        seen[name] = dashboard

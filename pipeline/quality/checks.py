"""All checks, by the table that they guard: the one list for gate, command line and Airflow."""

from collections.abc import Iterator
from typing import Any

from pipeline.quality.check import Check, Phase
from pipeline.quality.dimension_checks import DIM_CUSTOMERS, DIM_PRODUCTS
from pipeline.quality.errors import QualityError
from pipeline.quality.fact_checks import FACT_ROWS
from pipeline.quality.relations import relations
from pipeline.quality.scope import Scope
from pipeline.quality.time_checks import FACT_TIMES

BY_TABLE: dict[str, tuple[Check, ...]] = {
    "dim_customers": DIM_CUSTOMERS,
    "dim_products": DIM_PRODUCTS,
    "fact_orders": (*FACT_ROWS, *FACT_TIMES),
}
CHECKS = tuple(check for checks in BY_TABLE.values() for check in checks)
NAMES = tuple(check.name for check in CHECKS)


def check_named(name: str) -> Check:
    """Return a check; raise QualityError, with the names there are, for another name."""
    for check in CHECKS:
        if check.name == name:
            return check
    raise QualityError(f"check {name!r}: allowed are {', '.join(NAMES)}")


def check_sql(check: Check, phase: Phase, scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return a query for one boolean, and its parameters, as Airflow's SQLCheckOperator takes them."""
    return check.verdict(relations(phase, scope.run)), {**scope.parameters(), "limit": check.limit}


def phase_sql(phase: Phase, scope: Scope) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, query and parameters of each check that can fail this run in this phase: no warnings."""
    for check in CHECKS:
        applies = phase in check.phases and scope.run.selection.kind in check.kinds
        if applies and check.severity == "error":
            yield (check.name, *check_sql(check, phase, scope))

"""All checks, by the table that they guard: the one list for gate and command line."""

from pipeline.quality.check import Check
from pipeline.quality.dimension_checks import DIM_CUSTOMERS, DIM_PRODUCTS
from pipeline.quality.errors import QualityError
from pipeline.quality.fact_checks import FACT_ROWS
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

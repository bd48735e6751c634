"""What must hold for curated.dim_customers and curated.dim_products."""

from typing import get_args

from pipeline.events import Currency
from pipeline.quality.check import Check
from pipeline.quality.relations import MEMBER_COLUMNS
from pipeline.quality.row_counts import not_emptied
from pipeline.quality.sql_text import any_null, literals, null_names

_EPOCH = "'1970-01-01T00:00:00Z'::timestamptz"
_END = "'9999-12-31T00:00:00Z'::timestamptz"
_CURRENCIES = literals(get_args(Currency))
# A full rebuild that would delete more members than this share has probably lost its source.
MAX_VANISHED_SHARE = 0.01


def _member_checks(member: str) -> tuple[Check, ...]:
    """Return the checks that every type-2 dimension has."""
    return (*_rows(member), *_keys(member), *_history(member))


def _rows(member: str) -> tuple[Check, ...]:
    table, identity = f"dim_{member}s", f"{member}_id"
    return (
        not_emptied(table, f"staged_{member}s"),
        Check(
            name=f"{table}_complete",
            table=table,
            meaning=f"Each {member} with new states in raw has versions.",
            rows=f"SELECT DISTINCT {identity} FROM raw.{member}s AS state"
            f" WHERE raw_id > %({member}s_after)s AND raw_id <= %({member}s_until)s AND NOT EXISTS ("
            f"SELECT FROM {{{member}s}} AS version WHERE version.{identity} = state.{identity})",
            columns=(identity,),
            acceptable=False,
        ),
        Check(
            name=f"{table}_kept",
            table=table,
            meaning=f"A full rebuild deletes no more than 1 % of the published {member}s.",
            rows=f"SELECT DISTINCT {identity}, NOT EXISTS (SELECT FROM staging.{table} AS version"
            f" WHERE version.{identity} = published.{identity}) AS vanishes"
            f" FROM curated.{table} AS published WHERE {member}_key <> 0",
            fault="vanishes",
            measured="(count(*) FILTER (WHERE vanishes))::float8 / nullif(count(*), 0)",
            skipped="'nothing is published yet'",
            columns=(identity,),
            limit=MAX_VANISHED_SHARE,
            phases=("gate",),
            kinds=("full",),
        ),
        Check(
            name=f"{table}_nulls",
            table=table,
            meaning="No column is null.",
            rows=f"SELECT *, {null_names(MEMBER_COLUMNS[member])} AS nulls FROM {{{member}s}} AS version"
            f" WHERE {any_null(MEMBER_COLUMNS[member])}",
            columns=("nulls", f"{member}_key", identity, "valid_from"),
            acceptable=False,
        ),
    )


def _keys(member: str) -> tuple[Check, ...]:
    table, key, identity = f"dim_{member}s", f"{member}_key", f"{member}_id"
    return (
        Check(
            name=f"{table}_key_unique",
            table=table,
            meaning=f"Each {key} belongs to one version, here and in what is published.",
            rows=f"SELECT {key}, count(*) AS versions, min({identity}) AS {identity} FROM ("
            f"SELECT {key}, {identity}, valid_from FROM {{{member}s}} AS version"
            f" UNION ALL SELECT {key}, {identity}, valid_from FROM curated.{table} AS published"
            f" WHERE {key} IN (SELECT {key} FROM {{{member}s}} AS version) AND NOT EXISTS ("
            f"SELECT FROM {{{member}s}} AS version"
            f" WHERE (version.{key}, version.{identity}, version.valid_from)"
            f" = (published.{key}, published.{identity}, published.valid_from))"
            f") AS both_sides WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1",
            columns=(key, "versions", identity),
            acceptable=False,
        ),
        Check(
            name=f"{table}_version_unique",
            table=table,
            meaning=f"A {member} has one version for each valid_from.",
            rows=f"SELECT {identity}, valid_from, count(*) AS versions FROM {{{member}s}} AS version"
            f" WHERE {identity} IS NOT NULL AND valid_from IS NOT NULL"
            f" GROUP BY {identity}, valid_from HAVING count(*) > 1",
            columns=(identity, "valid_from", "versions"),
            acceptable=False,
        ),
    )


def _history(member: str) -> tuple[Check, ...]:
    table, identity = f"dim_{member}s", f"{member}_id"
    return (
        Check(
            name=f"{table}_interval",
            table=table,
            meaning="Each version begins before it ends.",
            rows=f"SELECT * FROM {{{member}s}} AS version WHERE valid_from >= valid_to",
            columns=(identity, "valid_from", "valid_to"),
            acceptable=False,
        ),
        Check(
            name=f"{table}_history",
            table=table,
            meaning=f"A {member}'s versions reach from 1970 to 9999 with no gap and no overlap.",
            # Nulls and reversed intervals are another check's; GROUPS passes over versions of one valid_from.
            rows="SELECT * FROM (SELECT *, coalesce(min(valid_from) OVER (history GROUPS BETWEEN 1 FOLLOWING"
            f" AND 1 FOLLOWING), {_END}) AS next_from, min(valid_from) OVER member AS first_from,"
            " bool_or(valid_from IS NULL OR valid_to IS NULL OR valid_from >= valid_to) OVER member AS other"
            f" FROM {{{member}s}} AS version WHERE {identity} IS NOT NULL"
            f" WINDOW member AS (PARTITION BY {identity}),"
            f" history AS (PARTITION BY {identity} ORDER BY valid_from)) AS chained"
            f" WHERE NOT other AND (valid_to <> next_from OR first_from <> {_EPOCH})",
            columns=(identity, "valid_from", "valid_to", "next_from"),
        ),
    )


DIM_CUSTOMERS = (
    *_member_checks("customer"),
    Check(
        name="dim_customers_country",
        table="dim_customers",
        meaning="country is a code of two capital letters.",
        rows="SELECT * FROM {customers} AS version WHERE country !~ '^[A-Z][A-Z]$'",
        columns=("customer_id", "country", "valid_from"),
    ),
)

DIM_PRODUCTS = (
    *_member_checks("product"),
    Check(
        name="dim_products_price",
        table="dim_products",
        meaning="unit_price is not negative.",
        rows="SELECT * FROM {products} AS version WHERE unit_price < 0",
        columns=("product_id", "unit_price", "valid_from"),
    ),
    Check(
        name="dim_products_currency",
        table="dim_products",
        meaning=f"currency is one of the order event's: {_CURRENCIES}.",
        rows=f"SELECT * FROM {{products}} AS version WHERE currency NOT IN ({_CURRENCIES})",
        columns=("product_id", "currency", "valid_from"),
    ),
)

"""The curated tables against raw, by queries that share nothing with those that publish them."""

from pathlib import Path

from psycopg2.extensions import cursor as Cursor

from pipeline.verify.report import SAMPLES, Finding

_FOLDER = Path(__file__).parent
NOTHING = Finding(0)


def facts(cursor: Cursor) -> dict[str, Finding]:
    """Return the faults of curated.fact_orders by name: missing_facts, surplus_facts, different_facts."""
    found = _run(cursor, "facts.sql")
    return {name: found.get(name, NOTHING) for name in ("missing_facts", "surplus_facts", "different_facts")}


def dimensions(cursor: Cursor) -> tuple[Finding, int]:
    """Return the versions that differ from raw, and how many do so until the next publication."""
    both = [_run(cursor, name) for name in ("customers.sql", "products.sql")]
    wrong = [found.get("different_versions", NOTHING) for found in both]
    samples = [sample for finding in wrong for sample in finding.samples]
    pending = sum(found.get("pending_versions", NOTHING).count for found in both)
    return Finding(sum(finding.count for finding in wrong), samples[:SAMPLES]), pending


def sums(cursor: Cursor) -> Finding:
    """Return where the sums that dashboards read are not what the facts add up to."""
    cursor.execute((_FOLDER / "sums.sql").read_text(encoding="utf-8"))
    rows = cursor.fetchall()
    return Finding(len(rows), [_in_words(*row) for row in rows[:SAMPLES]])


def _in_words(name: str, day: str, currency: str, part: str, *figures: object) -> str:
    orders, shown_orders, revenue, shown_revenue = figures
    place = " ".join(filter(None, (f"daily_{name}", day, currency, part)))
    return f"{place}: {shown_orders} orders and {shown_revenue}, not {orders} and {revenue}"


def _run(cursor: Cursor, name: str) -> dict[str, Finding]:
    # Millions of rows are joined by hashing; the default of 4 MB would do it in passes over a disk.
    cursor.execute("SET LOCAL work_mem = '128MB'")
    cursor.execute((_FOLDER / name).read_text(encoding="utf-8"))
    return {kind: Finding(count, samples[:SAMPLES]) for kind, count, samples in cursor.fetchall()}

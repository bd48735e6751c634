"""Row counts that every staged table answers for."""

from pipeline.quality.check import Check


def not_emptied(table: str, counter: str) -> Check:
    """Return the check that what a run staged is still there; `counter` is its column in ops.batch_runs.

    Staging is unlogged: a crash of the server empties it. Fewer rows than staged may be a mended fault, none
    is not.
    """
    return Check(
        name=f"{table}_staged",
        table=table,
        meaning="What the run staged is still in staging.",
        rows=f"SELECT run_id, {counter} AS staged FROM ops.batch_runs WHERE run_id = %(run_id)s"
        f" AND {counter} > 0 AND NOT EXISTS (SELECT FROM staging.{table})",
        columns=("run_id", "staged"),
        phases=("gate",),
        acceptable=False,
    )

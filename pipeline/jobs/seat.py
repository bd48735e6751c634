"""Who owns staging: one batch run at a time, and one step of it at a time.

The seat is a row, so that it outlives the processes of a run's steps; the step lock is a session's, so that
it goes with its process. A run that shows no life for its lease is taken for dead and loses the seat.
Each transaction that writes staging, or publishes from it, asks for the seat: whatever a killed step left
running is refused, because the step that followed it has a higher attempt.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.database import connect_patiently
from pipeline.locks import STEP_LOCK
from pipeline.settings import PostgresSettings

# Between two steps: a scheduler's retries take their time, one process goes on at once.
LEASE_S = 900.0
LEASE_IN_ONE_PROCESS_S = 10.0
WAIT_S = 1800.0
_POLL_S = 0.5

OnWait = Callable[[str], None]


class SeatLost(RuntimeError):
    """Staging belongs to another run, or to a later attempt of this step; the message says whose it is."""


class SeatTaken(RuntimeError):
    """Another run did not end within the time that this one was ready to wait."""


@dataclass(frozen=True)
class Seat:
    """The right to write staging: of one run, and of one attempt of one of its steps."""

    run_id: str
    attempt: int

    def keep(self, cursor: Cursor) -> None:
        """Hold the seat until the end of the caller's transaction; raise SeatLost if it is another's."""
        cursor.execute("SELECT run_id, attempt FROM ops.batch_seat FOR SHARE")
        row = cursor.fetchone()
        if row is None or row[0] != self.run_id:
            raise SeatLost(_lost(row[0] if row else None, self.run_id))
        if row[1] != self.attempt:
            raise SeatLost(f"a later attempt of run {self.run_id} has taken over from this one")

    def release(self, cursor: Cursor) -> None:
        """Let another run take the seat; until one does, staging stays as this run left it."""
        release(cursor, self.run_id)


def release(cursor: Cursor, run_id: str) -> None:
    """Free the seat if it is this run's."""
    cursor.execute("UPDATE ops.batch_seat SET released_at = now() WHERE run_id = %s", (run_id,))


@contextmanager
def step(
    settings: PostgresSettings,
    run_id: str,
    *,
    beginning: bool = False,
    wait_s: float = WAIT_S,
    lease_s: float = LEASE_S,
    on_wait: OnWait = lambda owner: None,
) -> Iterator[tuple[Seat, Connection]]:
    """Run one step of `run_id` alone; yields its seat and a connection of role etl.

    The beginning step waits for the seat, telling `on_wait` which run has it. Raises SeatTaken after `wait_s`
    seconds, SeatLost if the run began but lost its seat since, DatabaseUnavailable.
    """
    with closing(connect_patiently(settings, "etl", "ecom-batch-step")) as guard:
        guard.autocommit = True
        claim = _Claim(run_id, beginning, lease_s)
        seat = _wait_for_seat(guard, claim, wait_s, on_wait)
        try:
            with (
                _showing_life(guard, run_id, lease_s),
                closing(connect_patiently(settings, "etl", "ecom-batch")) as work,
            ):
                yield seat, work
        except Exception:
            claim.undo(guard)
            raise
        finally:
            _unlock(guard)


def _unlock(guard: Connection) -> None:
    """Give the step lock back at once: the server notices a closed connection a moment later."""
    with suppress(psycopg2.Error), guard.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", (STEP_LOCK,))


@contextmanager
def _showing_life(guard: Connection, run_id: str, lease_s: float) -> Iterator[None]:
    """Renew the lease while a step runs and at its end, so that a long or failed step keeps it."""
    done = threading.Event()

    def renew() -> None:
        # A guard that is gone has lost the step lock as well; the step's own transactions will say so.
        with suppress(psycopg2.Error), guard.cursor() as cursor:
            cursor.execute(
                "UPDATE ops.batch_seat SET seen_at = now() WHERE run_id = (SELECT run_id FROM ops.batch_seat"
                " WHERE run_id = %s FOR UPDATE SKIP LOCKED)",  # whoever holds it locked shows life as well
                (run_id,),
            )

    def renew_now_and_then() -> None:
        while not done.wait(lease_s / 3):
            renew()

    thread = threading.Thread(target=renew_now_and_then, name="seat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        renew()


@dataclass
class _Claim:
    """A step's wish for the seat, and whether the run had given it up before."""

    run_id: str
    beginning: bool
    lease_s: float
    was_free: bool = False

    def take(self, cursor: Cursor) -> int | None:
        """Return the attempt's number, None if the seat is another's; raise SeatLost if it was ours once."""
        cursor.execute("SELECT released_at IS NOT NULL FROM ops.batch_seat WHERE run_id = %s", (self.run_id,))
        self.was_free = cursor.fetchone() == (True,)
        cursor.execute(
            "INSERT INTO ops.batch_seat AS held (run_id, attempt, seen_at, lease_s)"
            " VALUES (%(run)s, 1, now(), %(lease)s)"
            " ON CONFLICT (seat) DO UPDATE SET run_id = excluded.run_id, attempt = held.attempt + 1,"
            "   seen_at = now(), lease_s = excluded.lease_s, released_at = NULL"
            " WHERE held.run_id = excluded.run_id OR (%(beginning)s AND (held.released_at IS NOT NULL"
            "   OR held.seen_at < now() - held.lease_s * interval '1 second')) RETURNING attempt",
            {"run": self.run_id, "beginning": self.beginning, "lease": self.lease_s},
        )
        row = cursor.fetchone()
        if row is None and not self.beginning:
            raise SeatLost(_lost(_owner(cursor), self.run_id))
        return int(row[0]) if row else None

    def undo(self, guard: Connection) -> None:
        """A step that failed after its run had given the seat up gives it up again."""
        if self.was_free and not self.beginning and not guard.closed:
            with suppress(psycopg2.Error), guard.cursor() as cursor:
                release(cursor, self.run_id)


def _wait_for_seat(guard: Connection, claim: _Claim, wait_s: float, on_wait: OnWait) -> Seat:
    """Take the step lock, which lasts as long as `guard`, and the seat."""
    deadline, run_id = time.monotonic() + wait_s, claim.run_id
    with guard.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (STEP_LOCK,))
            if cursor.fetchone() == (True,):
                attempt = claim.take(cursor)
                if attempt is not None:
                    return Seat(run_id, attempt)
                cursor.execute("SELECT pg_advisory_unlock(%s)", (STEP_LOCK,))
            owner = _owner(cursor)
            if time.monotonic() > deadline:
                raise SeatTaken(
                    f"run {owner} is not done after {wait_s:.0f} s: try again later, or wait for it longer"
                )
            on_wait(owner or "?")
            time.sleep(_POLL_S)  # a poll of the seat, until its owner is done


def _owner(cursor: Cursor) -> str | None:
    cursor.execute("SELECT run_id FROM ops.batch_seat")
    row = cursor.fetchone()
    return str(row[0]) if row else None


def _lost(owner: str | None, run_id: str) -> str:
    whose = f"run {owner}" if owner else "no run"
    return f"staging belongs to {whose} by now, not to run {run_id}: start that one again from `begin`"

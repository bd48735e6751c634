"""A signal that ends a stack's command ends it in order: what was stopped starts, what was begun is told."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_in_order() -> None:
    """Let SIGTERM and a lost terminal run what stands in `finally` and `atexit`."""
    for number in _ENDING:
        # A command with a handler of its own sets it later, and ends by itself; one that ignores stays so.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> None:
    # A second one would end the clearing up itself.
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


@contextmanager
def held_back() -> Iterator[Callable[[], object]]:
    """Let signals wait for the end of what is done here, or until what this gives is called."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *_ENDING))
    let_go = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        yield let_go
    finally:
        let_go()


def run_to_its_end(command: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that must not be killed, as Pulumi, which would leave a lock and half a state.

    If we are to end, it is asked to and waited for.
    """
    with held_back() as let_go:  # or a signal could come between its start and the `try`
        begin = partial(_outlive_the_terminal, let_go)
        with subprocess.Popen(command, text=True, preexec_fn=begin, **how) as process:
            try:
                let_go()
                out, err = process.communicate()
            except BaseException as why:
                # Ctrl-C has reached it as well, and a second one would end it at once.
                if not isinstance(why, KeyboardInterrupt):
                    process.terminate()
                process.communicate()
                raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _outlive_the_terminal(let_go: Callable[[], object]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    let_go()

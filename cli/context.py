"""Where commands that work on a running platform find it."""

import os
import sys

from cli.chosen import chosen_stack
from environments import embedded
from environments.embedded import EnvironmentFailed
from pipeline import env_file
from pipeline.settings import env_file_variables

_GIVEN = (env_file.VARIABLE, "ECOM_POSTGRES_HOST")
# What tells one platform from another; the rest is pace and references.
_TELLING = (
    "ECOM_POSTGRES_HOST",
    "ECOM_POSTGRES_PORT",
    "ECOM_POSTGRES_DATABASE",
    "ECOM_KAFKA_BOOTSTRAP_SERVERS",
    "ECOM_KAFKA_ORDERS_TOPIC",
    "ECOM_KAFKA_DLQ_TOPIC",
)


def use_platform() -> None:
    """Point the settings at the embedded environment, unless the caller's variables name a platform already.

    The process environment wins, variable by variable, as everywhere: that is how a command is pointed at
    another platform or topic. Variables left over in a shell do the same, so a line on stderr says where they
    differ from the environment that runs here. Raises EnvironmentFailed with one clear line if there is none.
    A stack named by `--stack` is neither: its own variables are put in the place of all others.
    """
    if stack := chosen_stack():
        from cli.stack.outputs import use_stack

        use_stack(stack)
        return
    state = embedded.load(embedded.Home(embedded.default_home()))
    running = state.platform if state is not None and state.running else None
    if not any(os.environ.get(name) for name in _GIVEN):
        if running is None or not embedded.env_file().exists():
            raise EnvironmentFailed("the embedded environment is not running: run `ecom up`")
        os.environ[env_file.VARIABLE] = str(embedded.env_file())
    if running is not None:
        _say_what_differs(running.as_env())


def _say_what_differs(running: dict[str, str]) -> None:
    used = env_file_variables() | os.environ
    changes = [
        f"{name}={used[name]} (not {running[name]})"
        for name in _TELLING
        if used.get(name, running[name]) != running[name]
    ]
    if changes:
        sys.stderr.write(f"note: not the environment that runs here: {', '.join(changes)}\n")

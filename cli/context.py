"""Where commands that work on a running platform find it."""

import os

from environments import embedded
from environments.embedded import EnvironmentFailed

_GIVEN = ("ECOM_ENV_FILE", "ECOM_POSTGRES_HOST")


def use_platform() -> None:
    """Point the settings at the embedded environment, unless the caller's variables name a platform already.

    Raises EnvironmentFailed with one clear line when there is none.
    """
    if any(os.environ.get(name) for name in _GIVEN):
        return
    state = embedded.load(embedded.Home(embedded.default_home()))
    if state is None or not state.running or not embedded.env_file().exists():
        raise EnvironmentFailed("the embedded environment has not been started: run `ecom up`")
    os.environ["ECOM_ENV_FILE"] = str(embedded.env_file())

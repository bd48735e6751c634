"""The supervisor as a program of its own: what `ecom up --detach` and the tests start."""

import argparse
import json
import sys
from pathlib import Path

from environments.embedded.control import Options
from environments.embedded.errors import EnvironmentFailed
from environments.embedded.home import Home
from environments.embedded.state import State
from environments.embedded.supervise import AlreadyRunning, supervise
from infra.config import ConfigError


class _Journal:
    """Writes each change of phase as a line, for logs/supervisor.log."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, str]] = {}

    def __call__(self, state: State) -> None:
        for name, unit in state.units.items():
            if self._seen.get(name) != (unit.phase, unit.detail):
                self._seen[name] = (unit.phase, unit.detail)
                sys.stdout.write(f"{name}: {unit.phase}{f' ({unit.detail})' if unit.detail else ''}\n")
        sys.stdout.flush()


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m environments.embedded", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--services", required=True, help="comma-separated")
    parser.add_argument("--stream-command", type=json.loads, required=True, help="a JSON list")
    given = parser.parse_args(arguments)
    return Options(
        Home(given.home), given.config, tuple(given.services.split(",")), tuple(given.stream_command)
    )


def main(arguments: list[str]) -> int:
    """Supervise until asked to stop; return the exit code."""
    try:
        supervise(_options(arguments), _Journal())
    except AlreadyRunning:
        sys.stderr.write("error: another supervisor runs in this home\n")
        return 1
    except (EnvironmentFailed, ConfigError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the command line does not import: seconds of start-up that `ecom --help` would pay for."""

import importlib
import inspect
import subprocess
import sys
import types

import pytest
import typer

from cli import main, start
from cli.commands import COMMANDS, STACK_COMMANDS, Place

HEAVY = ("pyspark", "py4j", "kafka", "faker", "numpy", "httpx", "pydantic_settings", "psycopg2")


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], (*HEAVY, "pydantic", "psutil")),
        (["status"], HEAVY[:-1]),
        (["batch", "--help"], ("pyspark",)),
    ],
)
def test_a_command_imports_nothing_heavy_that_it_does_not_need(
    words: list[str], unwanted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: object
):
    code = (
        "import sys\nfrom cli.main import app\n"
        f"try: app({words!r})\n"
        f"except SystemExit: print('IMPORTED', *sorted(set({unwanted!r}) & set(sys.modules)))"
    )
    monkeypatch.setenv("ECOM_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "IMPORTED"


@pytest.mark.parametrize(("name", "place"), [*COMMANDS.items(), *STACK_COMMANDS.items()])
def test_the_list_says_of_each_command_what_the_command_says(name: str, place: Place):
    found = getattr(importlib.import_module(place.module), place.attribute)
    said = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert said
    assert place.help == said.split("\n\n")[0]


@pytest.mark.parametrize("name", main.EXPECTED)
def test_each_expected_error_is_there(name: str):
    module, _, kind = name.rpartition(".")
    found = getattr(importlib.import_module(module), kind)
    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name


def test_ctrl_c_during_the_imports_is_no_traceback(monkeypatch: pytest.MonkeyPatch):
    class Interrupted(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cli.main", Interrupted("cli.main"))
        with pytest.raises((SystemExit, KeyboardInterrupt)) as ended:
            start.run()
    assert getattr(ended.value, "code", "interrupted") == 130

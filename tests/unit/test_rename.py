"""A fork's new name is everywhere, and the renamed copy passes its own fast tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.rename import NoName, check, rename, renamed

REPOSITORY = Path(__file__).parents[2]
NAME = "shop"
# Those that need no server and no Spark, and speak of names: variables, stacks, resources, commands.
FAST = (
    "test_contract",
    "test_context",
    "test_config",
    "test_aws_config",
    "aws_program/test_compute",
    "aws_program/test_data",
    "aws_program/test_network",
    "aws_program/test_rights",
    "aws_program/test_whole",
    "test_environment_contract",
    "test_local_config",
    "test_local_stack",
    "test_policy",
    "test_kafka_iam",
    "test_dashboard_spec",
    "test_versions",
)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git knows, renamed."""
    folder = tmp_path_factory.mktemp("fork") / NAME
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    assert len(rename(folder, NAME)) > 100
    return folder


def test_the_old_name_is_gone(fork: Path):
    word = "ec" + "om"
    # By case, or the D of a JVM's `-D…` would hide what follows it.
    old = re.compile(rf"(?<![a-z]){word}(?![a-z])|(?<![A-Z]){word.upper()}(?![A-Z])|{word.title()}(?![a-z])")
    left = [
        path.relative_to(fork)
        for path in fork.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.suffix not in (".png", ".gif")
        if path.name not in ("rename.py", "test_rename.py") and old.search(path.read_text(encoding="utf-8"))
    ]
    assert left == []


def test_the_renamed_copy_passes_its_fast_tests(fork: Path):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ECOM_", "PYTEST_"))}
    files = [f"tests/unit/{name}.py" for name in FAST]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files],
        cwd=fork,
        env=env | {"PYTHONPATH": str(fork), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 300


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ecom up", "shop up"),
        ("ECOM_HOME=/x", "SHOP_HOME=/x"),
        ("Ecom's", "Shop's"),
        ("-Decom.log.level=warn", "-Dshop.log.level=warn"),
        (
            "my-ecom_admin ecom2 ecom:awsSize ecom://staging",
            "my-shop_admin shop2 shop:awsSize shop://staging",
        ),
        ("become recompute RECOMPUTE ecommerce ecomci", "become recompute RECOMPUTE ecommerce ecomci"),
    ],
)
def test_words_are_replaced_and_parts_of_other_words_are_not(text: str, wanted: str):
    assert renamed(text, NAME) == wanted


@pytest.mark.parametrize(
    "name", ["", "S", "x", "Shop", "my-shop", "1shop", "a" * 16, "pipeline", "class", "ec" + "om", "dags"]
)
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(NoName):
        check(name, REPOSITORY)

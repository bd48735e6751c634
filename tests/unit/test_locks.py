"""Advisory locks: one number stands for one thing, and all of them stand in one place."""

import re
from pathlib import Path

from pipeline import locks

REPOSITORY = Path(__file__).resolve().parents[2]


def test_no_two_locks_have_one_number():
    numbers = [value for name, value in vars(locks).items() if name.endswith("_LOCK")]
    assert len(numbers) > 3
    assert len(set(numbers)) == len(numbers)


def test_no_other_file_gives_a_lock_its_number():
    files = [
        file
        for folder in ("pipeline", "producer", "cli", "dags")
        for file in (REPOSITORY / folder).rglob("*.py")
    ]
    found = [file.name for file in files if re.search(r"^_?[A-Z_]*LOCK = ", file.read_text(), re.MULTILINE)]
    assert found == ["locks.py"]

"""A page of docs/ with a part that a program writes: write it, or tell whether it is up to date."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path


def run(
    prog: str, about: str | None, page: Path, renewed: Callable[[str], str], arguments: Sequence[str] | None
) -> int:
    """Renew the page, or with `--check` only look; return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    text = page.read_text(encoding="utf-8")
    wanted = renewed(text)
    if parser.parse_args(arguments).check:
        return int(text != wanted)
    page.write_text(wanted, encoding="utf-8")
    return 0

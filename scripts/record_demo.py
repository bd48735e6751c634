"""Keep the output of `ecom demo --exit` as a picture: `python scripts/record_demo.py demo.svg`."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 118
# In the picture's place of a line that says nothing to its reader.
_NOISE = re.compile(r"^(\s*/|logs, also by)")


def main() -> int:
    """Show the demo's output while it runs, and write the picture if it passed."""
    target = Path(sys.argv[1])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print("[bold green]$[/] make demo ARGS=--exit")
    variables = {**os.environ, "COLUMNS": str(WIDTH)}
    demo = ["ecom", "demo", "--exit"]
    with subprocess.Popen(demo, stdout=subprocess.PIPE, text=True, env=variables) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            if not _NOISE.match(line):
                console.print(_coloured(line.rstrip("\n")))
    if process.returncode == 0:
        target.parent.mkdir(parents=True, exist_ok=True)
        console.save_svg(str(target), title="make demo")
    return process.returncode


def _coloured(line: str) -> Text:
    text = Text(line, no_wrap=True)
    text.highlight_regex(r"(ready|done|success|passed|clean)\b", "green")
    text.highlight_regex(r"(failed|FAILED)\b", "red")
    text.highlight_regex(r"https?://\S+|127\.0\.0\.1:\d+", "cyan")
    return text


if __name__ == "__main__":
    sys.exit(main())

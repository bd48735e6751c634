"""Run the producer: `python -m producer --help`."""

import typer

from pipeline.console import run
from producer.command import produce

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(produce)

if __name__ == "__main__":
    run(app)

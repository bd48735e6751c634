"""The `ecom` command: one Typer application; each command lives in a module of its own."""

import typer

app = typer.Typer(
    name="ecom",
    help="Run, feed, inspect and verify the order pipeline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def run() -> None:
    """Start the command line; the entry point of the `ecom` script."""
    app()

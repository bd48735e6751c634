"""`ecom --stack NAME secrets`: the generated ones, shown and made anew."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.stack.errors import StackError
from cli.stack.lifecycle import stack, up
from cli.stack.outputs import outputs
from cli.stack.program import Pulumi

app = typer.Typer(help="The stack's generated secrets: show one, make them anew.", no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """Show and rotate what Pulumi generated."""


@app.command("list")
def list_names() -> None:
    """Print the secrets' names."""
    typer.echo("\n".join(_values(stack())))


@app.command()
def show(name: Annotated[str, typer.Argument(help="As `list` prints it.")]) -> None:
    """Print one secret, for a person or a pipe."""
    typer.echo(_known(_values(stack()), [name])[name])


@app.command()
def rotate() -> None:
    """Make all passwords anew and hand them to what needs them; the containers concerned are replaced.

    What data are encrypted with stays, and Metabase's administrator, whose password is changed in Metabase.
    """
    # psycopg2 takes a while to import, and only this needs it.
    from cli.stack.rotation import rotate as make_anew

    names = make_anew(stack())
    up()
    typer.echo(f"new: {', '.join(names)}")


def _values(pulumi: Pulumi) -> dict[str, str]:
    return dict(outputs(pulumi, secrets=True)["secrets"])


def _known(values: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    for name in names:
        if name not in values:
            raise StackError(f"no secret {name!r}; there are: {', '.join(values)}")
    return {name: values[name] for name in names}

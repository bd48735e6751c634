"""The table of a stack's services, where each is and how to log in."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from cli.output import print_table
from cli.stack.containers import Container
from cli.stack.outputs import outputs
from cli.stack.program import Pulumi


def show(pulumi: Pulumi, found: Sequence[Container]) -> None:
    """Print it."""
    name, told = pulumi.place.name, outputs(pulumi)
    addresses: dict[str, Any] = told["addresses"]
    columns, style = ("service", "state", "restarts", "address"), box.SIMPLE_HEAD
    table = Table(*columns, title=f"stack {name}", title_justify="left", box=style, pad_edge=False)
    for one in found:
        state = one.state if one.state != "running" else one.health or one.state
        place = addresses.get(one.service.removesuffix("-api").removesuffix("-master"), "-")
        table.add_row(one.service, state, str(one.restarts), place, style=None if one.good else "red")
    # The secret's name and never what is in it: a terminal's output ends up in screenshots and CI logs.
    users = {"airflow": "admin", "metabase": told["env"].get("ECOM_METABASE_ADMIN_EMAIL", "")}
    table.caption_justify = "left"
    table.caption = "\n".join(
        f"{service}: log in as {user} with `ecom --stack {name} secrets show {service}_admin`"
        for service, user in users.items()
        if service in addresses
    )
    print_table(table)

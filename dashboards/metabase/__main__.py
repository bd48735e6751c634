"""Put the dashboards into Metabase: `python -m dashboards.metabase`, where there is no `ecom` command."""

import sys

from dashboards.metabase.errors import MetabaseError
from dashboards.metabase.provision import Provisioner
from dashboards.metabase.render import render
from dashboards.spec_files import load as load_spec
from pipeline.console import run
from pipeline.settings import MetabaseSettings, PostgresSettings, load

# A first start migrates Metabase's own database.
_PATIENCE_S = 900.0


def main() -> None:
    """Write what differs and run every card; exit code 1 if the query of one fails."""
    metabase, warehouse = load(MetabaseSettings), load(PostgresSettings)
    wanted = render(load_spec(), metabase, warehouse)
    provisioner = Provisioner(metabase, warehouse, wanted, _PATIENCE_S, _say)
    applied = provisioner.apply(send_password=True)
    for one in applied.failed:
        _say(f"the query of {one.card!r} fails: {one.error}")
    if applied.failed:
        raise SystemExit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    run(main, (MetabaseError,))

"""Take customers' names and addresses out of the warehouse: `python -m pipeline.erase ID…`.

Orders stay, as a number that nobody can give a name to. It may be repeated, and must be after a restore.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

from psycopg2.extensions import connection as Connection

from pipeline.console import run
from pipeline.database import connect_patiently
from pipeline.settings import PostgresSettings, load

# Raw and curated, so that a rebuild from raw makes the same dimension; staging is the last run's.
STATEMENTS = (
    "UPDATE raw.customers SET name = 'erased', email = 'erased@invalid' WHERE customer_id = %(id)s",
    "UPDATE curated.dim_customers SET name = 'erased' WHERE customer_id = %(id)s",
    "UPDATE staging.dim_customers SET name = 'erased' WHERE customer_id = %(id)s",
    "UPDATE ops.quality_results SET samples = '[]' WHERE samples::text LIKE '%%' || %(id)s || '%%'",
)


class NoSuchCustomer(LookupError):
    """A number that no customer has; the message is one line."""


def erase(connection: Connection, customers: Sequence[int]) -> None:
    """Erase all of them or, if one is not there, none."""
    with connection, connection.cursor() as cursor:
        for customer in customers:
            for number, statement in enumerate(STATEMENTS):
                cursor.execute(statement, {"id": customer})
                if number == 0 and not cursor.rowcount:
                    raise NoSuchCustomer(f"no customer {customer} in raw.customers; nothing was erased")


def main() -> None:
    """Erase those that the command line names, as the warehouse's administrator: no other role may."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.erase", description=__doc__)
    parser.add_argument("customer", type=int, nargs="+", help="customer_id")
    customers = parser.parse_args().customer
    with closing(connect_patiently(load(PostgresSettings), "admin", "ecom-erase")) as connection:
        erase(connection, customers)
    sys.stdout.write(f"erased: {', '.join(map(str, customers))}\n")


if __name__ == "__main__":
    run(main, (NoSuchCustomer,))

"""`python -m pipeline.erase`: a customer's name is nowhere any more, and another's is where it was."""

from collections.abc import Callable

import pytest
from psycopg2.extensions import connection as Connection

from pipeline.erase import NoSuchCustomer, erase

Sql = Callable[..., list[tuple]]
EVERYWHERE = """
    INSERT INTO raw.customers (customer_id, effective_at, name, email, country, segment)
    VALUES (%(id)s, '2026-01-01', %(name)s, 'x@example.com', 'DE', 'new'),
           (%(id)s, '2026-02-01', %(name)s, 'x@example.com', 'DE', 'loyal');
    INSERT INTO curated.dim_customers
    VALUES (%(id)s, %(id)s, %(name)s, 'DE', 'new', '1970-01-01', '9999-12-31');
    INSERT INTO staging.dim_customers
    VALUES (%(id)s, %(id)s, %(name)s, 'DE', 'new', '1970-01-01', '9999-12-31');
    INSERT INTO ops.quality_results (run_id, phase, check_name, table_name, severity, outcome, bound,
        limit_value, samples, started_at, duration_ms)
    VALUES (%(id)s, 'gate', 'x', 'x', 'error', 'failed', 'at most', 0,
        jsonb_build_array(jsonb_build_object('customer_id', %(id)s, 'name', %(name)s)), now(), 1)
"""
FOUND = """
    SELECT count(*) FROM (
        SELECT name || email FROM raw.customers UNION ALL SELECT name FROM curated.dim_customers
        UNION ALL SELECT name FROM staging.dim_customers
        UNION ALL SELECT samples::text FROM ops.quality_results
    ) everything (text) WHERE text LIKE %s
"""


@pytest.fixture
def admin(log_in: Callable[..., Connection]) -> Connection:
    connection = log_in("admin")
    with connection, connection.cursor() as cursor:
        for number, name in ((71, "Ada"), (82, "Bob")):
            cursor.execute(EVERYWHERE, {"id": number, "name": name})
    return connection


def test_a_name_is_gone_wherever_it_was_and_another_stays(admin: Connection, sql: Sql):
    assert sql(FOUND, "%Ada%") == sql(FOUND, "%Bob%") == [(5,)]
    for _ in range(2):  # as after a restore, or by mistake
        erase(admin, [71])
        assert sql(FOUND, "%Ada%") == [(0,)]
    assert sql(FOUND, "%Bob%") == [(5,)]
    assert sql("SELECT DISTINCT email FROM raw.customers WHERE customer_id = 71") == [("erased@invalid",)]


def test_a_number_that_nobody_has_erases_none_of_the_others(admin: Connection, sql: Sql):
    with pytest.raises(NoSuchCustomer, match=r"no customer 9 in raw.customers; nothing was erased"):
        erase(admin, [71, 9])
    assert sql(FOUND, "%Ada%") == [(5,)]

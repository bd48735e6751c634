"""`ecom verify` and `ecom dlq` as an operator types them: output, exit code, one line on stderr."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import typer
from typer.testing import CliRunner

from cli import main
from cli.commands import COMMANDS
from cli.dlq import printable
from environments import embedded
from environments.embedded.home import REPOSITORY
from pipeline import kafka_client
from pipeline.database import connect
from pipeline.settings import KafkaSettings, PostgresSettings
from pipeline.stream.dead_letters import DeadLetter, KafkaDeadLetterSink
from tests.integration.commits import commit, invalid, valid
from tests.integration.samples import RECEIVED_MS, as_bytes, event, uid
from tests.integration.topics import Topics

Sql = Callable[..., list[tuple]]
NOT_MIGRATED = 'the database is not migrated: relation "'
BYTES = b'{"tab":"\t","bad":"\xff"}'


@dataclass(frozen=True)
class Operator:
    """A terminal that points at a database and topics of the test's own."""

    topic: str
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def types(self, *words: str) -> tuple[int, str, str]:
        """Run `ecom`; return exit code, stdout and stderr."""
        self.monkeypatch.setattr(sys, "argv", ["ecom", *words])
        with pytest.raises(SystemExit) as ended:
            main.run()
        out, err = self.capsys.readouterr()
        return int(ended.value.code or 0), out, err


@pytest.fixture(scope="module")
def dlq_topic(topics: Topics) -> str:
    return topics.make("dlq")


@pytest.fixture(scope="module")
def orders_topic(topics: Topics) -> str:
    """A topic with what is committed in each test: two invalid messages and three orders."""
    topic = topics.make()
    topics.send(topic, [(None, b"{"), (None, b"{}")])
    topics.send(topic, [(None, as_bytes(event(number))) for number in range(3)], partition=1)
    return topic


@pytest.fixture
def operator(
    platform_env: dict[str, str],
    database: PostgresSettings,
    kafka: KafkaSettings,
    orders_topic: str,
    dlq_topic: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Operator:
    """Three orders and two dead letters, of which the topic holds the first."""
    monkeypatch.setenv("ECOM_POSTGRES_DATABASE", database.database)
    monkeypatch.setenv("ECOM_KAFKA_ORDERS_TOPIC", orders_topic)
    monkeypatch.setenv("ECOM_KAFKA_DLQ_TOPIC", dlq_topic)
    commit(database, [invalid(), invalid(reason="missing_field")], topic=orders_topic)
    commit(database, [valid(event(number)) for number in range(3)], partition=1, topic=orders_topic)
    letter = DeadLetter(f"{orders_topic}/0/0", RECEIVED_MS, "malformed_json", "why", 1, b"k", BYTES)
    KafkaDeadLetterSink(kafka.model_copy(update={"dlq_topic": dlq_topic})).send([letter])
    return Operator(orders_topic, capsys, monkeypatch)


def test_verify_is_clean(operator: Operator):
    code, out, err = operator.types("verify", "--quick", "--json", "--timeout", "1")
    report = json.loads(out)
    assert (code, err, report["clean"], report["topic"]) == (0, "", True, operator.topic)
    assert (report["offsets"], report["raw_rows"], report["dlq_origins"], report["facts"]) == (5, 3, 2, 3)


def test_verify_compares_with_the_batch_in_spark(operator: Operator, sql: Sql):
    sql("UPDATE curated.fact_orders SET quantity = quantity + 1 WHERE order_id = %s", uid(1, kind=1))
    # A process of its own: it stops its Spark session, and the tests share theirs.
    command = [sys.executable, "-W", "ignore", "-c", "from cli.main import run; run()", "verify", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["clean"]) == (1, False)
    assert report["different_from_batch"]["count"] == 1
    assert report["different_from_batch"]["samples"][0].startswith(uid(1, kind=1))


def test_verify_says_what_is_wrong(operator: Operator, sql: Sql):
    sql("DELETE FROM curated.fact_orders WHERE order_id = %s", uid(1, kind=1))
    code, out, _ = operator.types("verify", "--quick", "--json")
    assert (code, json.loads(out)["missing_facts"]) == (1, {"count": 1, "samples": [uid(1, kind=1)]})
    code, out, _ = operator.types("verify", "--quick")
    assert code == 1
    assert "NOT clean" in out
    assert uid(1, kind=1) in out


def test_list_shows_each_origin_once(operator: Operator):
    code, out, _ = operator.types("dlq", "list", "--json")
    listed = json.loads(out)
    assert code == 0
    assert listed["by_reason"] == {"malformed_json": 1, "missing_field": 1}
    assert [entry["origin"] for entry in listed["entries"]] == [f"{operator.topic}/0/{at}" for at in (0, 1)]
    assert {entry["state"] for entry in listed["entries"]} == {"open"}


def test_list_filters(operator: Operator):
    for options, expected in (
        (("--reason", "missing_field"), 1),
        (("--reason", "absent"), 0),
        (("--state", "resolved"), 0),
        (("--state", "all"), 2),
        (("--limit", "1"), 1),
    ):
        _, out, _ = operator.types("dlq", "list", "--json", *options)
        assert len(json.loads(out)["entries"]) == expected, options


def test_list_for_people(operator: Operator):
    code, out, _ = operator.types("dlq", "list")
    assert code == 0
    assert "malformed_json 1, missing_field 1" in out


def test_show_says_why_and_shows_what_can_not_be_printed(operator: Operator):
    code, out, _ = operator.types("dlq", "show", f"{operator.topic}/0/0")
    assert code == 0
    lines = out.splitlines()
    assert {"ecom-reason: malformed_json", "ecom-detail: why", "key: b'k'"} <= set(lines)
    assert lines[-1] == '{"tab":"\t","bad":"\\xff"}'


def test_show_raw_is_the_bytes(operator: Operator):
    result = CliRunner().invoke(main.app, ["dlq", "show", "--raw", f"{operator.topic}/0/0"])
    assert (result.exit_code, result.stdout_bytes) == (0, BYTES)


def test_replay_tells_what_it_sent_and_what_is_gone(
    operator: Operator, topics: Topics, monkeypatch: pytest.MonkeyPatch
):
    target = topics.make()
    monkeypatch.setenv("ECOM_KAFKA_ORDERS_TOPIC", target)
    code, out, _ = operator.types("dlq", "replay", "--json", "--limit", "2")
    sent, gone = (f"{operator.topic}/0/{offset}" for offset in (0, 1))
    told = {"replayed": [sent], "not_found": [gone], "too_large": [], "limit_reached": True}
    assert (code, json.loads(out)) == (1, told)
    (record,) = topics.read(target)
    assert (record.key, record.value) == (b"k", BYTES)
    assert dict(record.headers) == {"ecom-origin": sent.encode(), "ecom-attempt": b"2"}
    _, out, _ = operator.types("dlq", "list", "--json", "--state", "replayed")
    assert [entry["origin"] for entry in json.loads(out)["entries"]] == [sent]
    # What has been sent again is not sent a second time by "all that match".
    code, out, _ = operator.types("dlq", "replay", "--json")
    assert json.loads(out) == {"replayed": [], "not_found": [gone], "too_large": [], "limit_reached": False}


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        (("dlq", "list", "--state", "lost"), {}, "state 'lost': allowed are open, replayed, resolved, all"),
        (("dlq", "show", "nonsense"), {}, "origin 'nonsense': expected topic/partition/offset"),
        (("dlq", "show", "orders/0/99"), {}, "holds no message with origin orders/0/99"),
        (("dlq", "show", "orders/0/99"), {"ECOM_KAFKA_DLQ_TOPIC": "absent"}, "topic absent does not exist"),
        (("dlq", "show", "a/0/9"), {"ECOM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "Kafka at 127.0.0.1:1"),
        (("verify",), {"ECOM_KAFKA_ORDERS_TOPIC": "absent"}, "topic absent does not exist"),
        (
            ("verify",),
            {"ECOM_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
            "Kafka at 127.0.0.1:1 is not available",
        ),
        (("verify",), {"ECOM_POSTGRES_PORT": "x"}, "ECOM_POSTGRES_PORT='x'"),
        (("verify",), {"ECOM_POSTGRES_DATABASE": "postgres"}, NOT_MIGRATED),
        (("seed",), {"ECOM_POSTGRES_DATABASE": "postgres"}, NOT_MIGRATED),
        (("dlq", "list"), {"ECOM_POSTGRES_DATABASE": "postgres"}, NOT_MIGRATED),
        (("dlq", "replay"), {"ECOM_POSTGRES_DATABASE": "postgres"}, NOT_MIGRATED),
    ],
)
def test_an_error_is_one_line_on_stderr(
    operator: Operator, words: tuple[str, ...], changes: dict[str, str], said: str
):
    operator.monkeypatch.setattr(kafka_client, "BOOTSTRAP_TIMEOUT_MS", 500)
    for name, value in changes.items():
        operator.monkeypatch.setenv(name, value)
    code, out, err = operator.types(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_database_that_goes_away_while_verify_waits_is_one_line(
    operator: Operator, topics: Topics, embedded_home: embedded.Home, database: PostgresSettings
):
    topic = topics.make()
    topics.send(topic, [(None, b"never committed: no stream runs here")])
    env = {**os.environ, "ECOM_KAFKA_ORDERS_TOPIC": topic}
    command = [sys.executable, "-c", "from cli.main import run; run()", "verify"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as verify:
        wait_until_it_asks(database, "ecom-verify")
        killed = embedded.send(embedded_home, "postgres")
        out, err = verify.communicate(timeout=60)
    embedded.wait_ready(embedded_home, "postgres", not_as=killed)
    assert (verify.returncode, out) == (1, "")
    assert err.startswith("error: the connection to PostgreSQL was lost: ")
    assert "already closed" not in err  # what follows from it
    assert err.count("\n") == 1


def wait_until_it_asks(database: PostgresSettings, application: str) -> None:
    """Return once a program of this name has asked the database something."""
    limit = time.monotonic() + 60
    with closing(connect(database, "admin")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        asked = 0
        while not asked:
            assert time.monotonic() < limit, f"{application} did not ask"
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND query LIKE '%%ops.%%'",
                (application,),
            )
            ((asked,),) = cursor.fetchall()


def commands(
    group: typer.core.TyperGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name in group.commands if path else COMMANDS:
        command = COMMANDS[name].command(name) if not path else group.commands[name]
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_option_of_every_command_is_explained():
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    found = dict(commands(group))
    assert {("verify",), ("dlq", "list"), ("dlq", "show"), ("dlq", "replay"), ("demo",), ("seed",)} <= set(
        found
    )
    for path, command in found.items():
        assert command.help, path  # type: ignore[attr-defined]
        for option in command.params:  # type: ignore[attr-defined]
            assert getattr(option, "help", None) or option.name == "help", (path, option.name)
        result = CliRunner().invoke(main.app, [*path, "--help"])
        assert result.exit_code == 0, path


def test_what_somebody_sent_is_text_for_a_terminal_and_nothing_else():
    assert printable("a\tb\nc é 日") == "a\tb\nc é 日"
    assert printable("\x1b]52;c;x\x07\r\x9b") == "\\x1b]52;c;x\\x07\\r\\x9b"

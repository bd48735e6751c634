"""Counting: delivered is what was acknowledged, failed is what was not, and the rate is steady."""

import io
import json
import threading
from collections import namedtuple

from kafka.errors import KafkaTimeoutError, NotLeaderForPartitionError, TopicAuthorizationFailedError
from kafka.future import Future

from pipeline.kafka_client import client_options
from pipeline.settings import KafkaSettings
from producer.delivery import Delivery
from producer.messages import Message
from producer.pacing import BURST, MAX_DEBT_S, Pacer

Metadata = namedtuple("Metadata", "topic partition offset")


class FakeClient:
    """Stands in for KafkaProducer: the test decides when and how each future ends."""

    def __init__(self):
        self.futures: list[Future] = []
        self.refuse: Exception | None = None
        self.flushed = False

    def send(self, topic, value, key):
        if self.refuse:
            raise self.refuse
        self.futures.append(Future())
        return self.futures[-1]

    def flush(self, timeout=None):
        self.flushed = True
        raise KafkaTimeoutError("still in flight")

    def close(self, timeout=None):
        raise KafkaTimeoutError("still in flight")

    def acknowledge(self, index: int):
        self.futures[index].success(Metadata("orders", 2, 100 + index))

    def fail(self, index: int, error: Exception):
        self.futures[index].failure(error)


def message(kind: str = "created", event_id: str | None = "e") -> Message:
    return Message(kind, b"key", b"value", event_id)


def test_only_acknowledged_messages_are_delivered():
    client = FakeClient()
    delivery = Delivery(client, "orders")
    for kind in ("created", "late", "invalid:not_json"):
        assert delivery.send(message(kind))
    assert (delivery.delivered.total(), delivery.in_flight) == (0, 3)
    client.acknowledge(0)
    client.fail(1, NotLeaderForPartitionError())
    delivery.close()
    assert delivery.produced == {"created": 1, "late": 1, "invalid:not_json": 1}
    assert delivery.delivered == {"created": 1}
    assert delivery.failed == 2


def test_what_is_acknowledged_after_the_end_is_not_claimed():
    client, report = FakeClient(), io.StringIO()
    delivery = Delivery(client, "orders", report)
    delivery.send(message())
    delivery.close()
    client.acknowledge(0)
    assert (delivery.delivered.total(), delivery.failed, delivery.in_flight) == (0, 1, 0)
    assert report.getvalue() == ""


def test_the_report_holds_a_line_per_acknowledged_message():
    client, report = FakeClient(), io.StringIO()
    delivery = Delivery(client, "orders", report)
    for kind, event_id in (("created", "a"), ("created", "b"), ("invalid:not_json", None)):
        delivery.send(message(kind, event_id))
    client.acknowledge(2)
    client.fail(0, KafkaTimeoutError())
    client.acknowledge(1)
    assert [json.loads(line) for line in report.getvalue().splitlines()] == [
        {"topic": "orders", "partition": 2, "offset": 102, "kind": "invalid:not_json", "event_id": None},
        {"topic": "orders", "partition": 2, "offset": 101, "kind": "created", "event_id": "b"},
    ]


def test_a_timeout_or_a_refusal_ends_it_but_a_passing_error_does_not():
    for error, ends in (
        (KafkaTimeoutError(), True),
        (TopicAuthorizationFailedError(), True),
        (NotLeaderForPartitionError(), False),
    ):
        client = FakeClient()
        # The second one never settles: the client has lost sight of it, and the flush ends all the same.
        delivery = Delivery(client, "orders", patience_s=0.05)
        delivery.send(message())
        client.fail(0, error)
        assert delivery.send(message()) is not ends
        delivery.flush()
        assert client.flushed is not ends
        assert delivery.last_error is error


def test_a_timeout_ends_the_wait_for_room_though_the_rest_never_settles():
    client = FakeClient()
    delivery = Delivery(client, "orders", limit=4)
    for _ in range(4):
        delivery.send(message())
    sender = threading.Thread(target=lambda: delivery.send(message()), daemon=True)
    sender.start()
    client.fail(0, KafkaTimeoutError())
    sender.join(10)
    assert not sender.is_alive()


def test_a_message_that_the_client_refuses_at_once_is_failed():
    client = FakeClient()
    client.refuse = KafkaTimeoutError("no metadata")
    delivery = Delivery(client, "orders")
    assert not delivery.send(message())
    assert (delivery.produced.total(), delivery.failed, delivery.in_flight) == (1, 1, 0)


def test_a_full_disk_under_the_report_ends_it():
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("No space left on device")

    client = FakeClient()
    delivery = Delivery(client, "orders", Full())
    delivery.send(message())
    client.acknowledge(0)
    assert (delivery.delivered.total(), str(delivery.broken)) == (1, "No space left on device")


def test_no_more_than_the_limit_is_in_flight():
    client = FakeClient()
    delivery = Delivery(client, "orders", limit=4)
    for _ in range(4):
        delivery.send(message())
    assert not delivery.send(message(), stopped=lambda: True)
    assert len(client.futures) == 4
    freed = threading.Thread(target=lambda: [client.acknowledge(index) for index in range(2)])
    freed.start()
    assert delivery.send(message())
    freed.join()
    assert (delivery.delivered.total(), delivery.in_flight) == (2, 3)


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_steady_and_a_stall_is_not_caught_up_with():
    clock = Clock()
    pacer = Pacer(200, clock)
    sent = 0
    for _ in range(1_000):
        sent += pacer.due()
        clock.now += 0.01
    assert abs(sent - 2_000) <= 3
    clock.now += 60
    burst = sum(pacer.due() for _ in range(10))
    assert burst <= 200 * MAX_DEBT_S + 1


def test_slow_rates_wait_and_no_rate_never_does():
    clock = Clock()
    slow = Pacer(1, clock)
    assert [slow.due(), slow.due()] == [1, 0]
    assert slow.pause_s() == 1.0
    clock.now += 1
    assert slow.due() == 1
    unlimited = Pacer(0, clock)
    assert (unlimited.due(), unlimited.pause_s()) == (BURST, 0.0)


def test_client_options_carry_authentication_only_where_there_is_some():
    plain = KafkaSettings(
        bootstrap_servers="a:1,b:2",
        security_protocol="PLAINTEXT",
        sasl_mechanism="",
        orders_topic="o",
        dlq_topic="d",
        cleaned_topic="",
    )
    assert client_options(plain)["bootstrap_servers"] == ["a:1", "b:2"]
    assert "sasl_mechanism" not in client_options(plain)
    iam = plain.model_copy(update={"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"})
    options = client_options(iam)
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "AWS_MSK_IAM")

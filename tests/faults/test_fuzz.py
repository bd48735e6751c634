"""Bad input: each message is in the DLQ with a reason, or in raw.orders, and the stream never stops."""

import codecs
import json
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest
from kafka import KafkaProducer

from pipeline.dlq_topic import Message, read_topic
from pipeline.events import FIELDS, OrderEvent
from pipeline.stream.dead_letters import REASON_HEADER
from pipeline.stream.headers import ORIGIN_HEADER
from producer.catalog import build_catalog
from producer.messages import Shares
from producer.stream import EventStream
from tests.faults.fuzz import Fuzzed, fuzz
from tests.faults.oracle import check, ledger
from tests.faults.programs import producing
from tests.faults.stack import CUSTOMERS, PRODUCTS, Stack

Place = tuple[int, int]
LARGE_ONES = 30
BEYOND_THE_MODEL = {"timestamp_out_of_range", "inconsistent_event", "nul_character"}


def events(seed: int) -> Iterator[OrderEvent]:
    """Yield new orders placed now, each with ids of its own."""
    stream = EventStream(
        build_catalog(CUSTOMERS, PRODUCTS, 42), Shares(), seed, lambda: time.time_ns() // 1_000
    )
    for message in stream:
        yield OrderEvent.model_validate_json(message.value)


def send(stack: Stack, messages: list[Fuzzed]) -> dict[Place, Fuzzed]:
    """Send them; return them by partition and offset."""
    with closing(
        KafkaProducer(bootstrap_servers=stack.kafka.bootstrap_servers, acks="all", max_request_size=2 << 20)
    ) as client:
        pending = [
            client.send(
                stack.kafka.orders_topic,
                key=message.key,
                value=message.value,
                headers=message.headers,
                timestamp_ms=message.timestamp_ms,
            )
            for message in messages
        ]
        client.flush()
        places = [future.get(60) for future in pending]
    return {(place.partition, place.offset): message for place, message in zip(places, messages, strict=True)}


def in_raw(stack: Stack) -> dict[Place, str]:
    return {
        (partition, offset): event_id
        for partition, offset, event_id in stack.rows(
            "SELECT source_partition, source_offset, event_id::text FROM raw.orders WHERE source = %s",
            stack.kafka.orders_topic,
        )
    }


def fuzzed_runs(stack: Stack, count: int, seeds: Iterable[int]) -> None:
    """Send `count` messages for each seed, and look once at the end: each look reads the whole DLQ."""
    restarts, sent = stack.restarts(), dict[Place, Fuzzed]()
    for seed in seeds:
        rng, source = random.Random(seed), events(seed)
        large = set(rng.sample(range(count), LARGE_ONES))
        sent |= send(stack, [fuzz(next(source), rng, number in large) for number in range(count)])
        # Valid events behind them must arrive: the stream goes on.
        with producing(stack, 0, 500) as producer:
            producer.finish()
    check(stack)
    assert stack.restarts() == restarts, stack.stream_log()
    assert "ERROR" not in stack.stream_log()
    assert_each_is_somewhere(stack, sent)


def assert_each_is_somewhere(stack: Stack, sent: dict[Place, Fuzzed]) -> None:
    stored, refused = in_raw(stack), ledger(stack)
    sent_on: dict[str, list[Message]] = {}
    for letter in read_topic(stack.kafka):
        sent_on.setdefault(letter.origin, []).append(letter)
    known = stored.keys() | refused
    nowhere = {
        place: message
        for place, message in sent.items()
        if place not in known and not is_taken_for_a_replay(message, sent_on)
    }
    assert not nowhere, next(iter(nowhere.items()))
    assert not [place for place in sent if place in stored and place in refused]
    waved_through = [
        message for place, message in sent.items() if place in stored and is_event(message) is False
    ]
    assert not waved_through, (len(waved_through), waved_through[:3])
    for place, message in sent.items():
        if place in refused:
            letters = sent_on["/".join(map(str, (stack.kafka.orders_topic, *place)))]
            assert_refused_with_reason(message, letters, refused[place])


def assert_refused_with_reason(message: Fuzzed, letters: list[Message], in_ledger: str) -> None:
    """Check a refused message's dead letters: its own, and those that were taken for its replays."""
    own = {letter.headers[REASON_HEADER] for letter in letters if same_bytes(letter, message)}
    assert own, message
    # The ledger has the reason of the last one.
    assert in_ledger in {letter.headers[REASON_HEADER] for letter in letters}
    assert not is_event(message) or own & BEYOND_THE_MODEL, (own, message)


def is_taken_for_a_replay(message: Fuzzed, sent_on: dict[str, list[Message]]) -> bool:
    """Say whether it claims an origin that is a dead letter's, and is in the DLQ under that one."""
    claims = [value.decode("utf-8", "replace") for name, value in message.headers if name == ORIGIN_HEADER]
    return any(same_bytes(letter, message) for claim in claims for letter in sent_on.get(claim, ()))


def same_bytes(letter: Message, message: Fuzzed) -> bool:
    return (letter.key, letter.value) == (message.key, message.value or b"")


def is_event(message: Fuzzed) -> bool | None:
    """Say whether it is one by Python's JSON and the schema's own model, which know no time and no NUL.

    None if nobody can tell: nested too deep for Python, or the same name twice, of which it sees one.
    """
    value = message.value or b""
    if message.kind == "twice":
        return None
    try:
        parsed = json.loads(value, parse_constant=_no_number)
        # Unknown fields aside: the model refuses lone surrogates there, and JSON does not.
        OrderEvent.model_validate({name: parsed[name] for name in FIELDS})
    except RecursionError:
        return None
    except (ValueError, KeyError, TypeError):
        return False
    return not value.startswith(codecs.BOM_UTF8)  # which json.loads takes off


def _no_number(name: str) -> float:
    raise ValueError(name)


def test_fuzzed_events_end_in_the_dlq_or_in_raw(stack: Stack):
    fuzzed_runs(stack, 1_000, [1])


@pytest.mark.faults
@pytest.mark.timeout(1_800)
def test_ten_thousand_fuzzed_events_end_in_the_dlq_or_in_raw(stack: Stack):
    seed = time.time_ns() % 1_000_000
    print(f"seed {seed}")  # noqa: T201 (shown when it fails: the same seed makes the same messages)
    fuzzed_runs(stack, 1_000, range(seed, seed + 10))

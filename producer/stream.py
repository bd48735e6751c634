"""Live order events without end: new orders, changes of recent ones, and what goes wrong in real life."""

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator

from pipeline.events import SCHEMA_VERSION, OrderEvent
from producer.catalog import CURRENCIES, SEGMENTS, Catalog, price_text
from producer.identifiers import NODE_LIMIT, live_id
from producer.invalid import INVALID_KINDS, spoil
from producer.messages import Clock, Message, Shares, timestamp

_SECOND_US = 1_000_000
_OPEN_ORDERS = 10_000  # orders that can still change; older ones are forgotten
_RECENT_MESSAGES = 1_000  # messages that a duplicate can repeat
_CANCEL_CHANCE = 0.04  # at each change, so that about a tenth of the orders ends so
_LATE_MIN_S, _LATE_MAX_S = 60, 6 * 3_600
_MAX_QUANTITY = 200
_NEXT_STATUS = {"placed": "paid", "paid": "shipped", "shipped": "delivered"}


class EventStream(Iterator[Message]):
    """An endless, seeded sequence of messages.

    The same catalog, shares, start and clock give the same bytes; another `start_us` gives other ids, so that
    a second run isn't taken for a repetition of the first.
    """

    def __init__(self, catalog: Catalog, shares: Shares, start_us: int, clock: Clock) -> None:
        self._random = random.Random(f"{catalog.seed}:{start_us}")
        self._node = self._random.randrange(NODE_LIMIT)
        self._catalog = catalog
        self._customer_shares = catalog.customer_shares.tolist()
        self._product_shares = catalog.product_shares.tolist()
        self._clock = clock
        self._counter = 0
        self._open: list[OrderEvent] = []
        self._recent: deque[Message] = deque(maxlen=_RECENT_MESSAGES)
        self._makers = (self._invalid, self._duplicate, self._late, self._update, self._new)
        bounds = [shares.invalid, shares.duplicate, shares.late, shares.updates]
        self._bounds = [sum(bounds[: index + 1]) for index in range(len(bounds))]

    def __next__(self) -> Message:
        maker = self._makers[bisect_right(self._bounds, self._random.random())]
        return maker()

    def _new(self) -> Message:
        return self._send("created", self._order(self._clock()))

    def _late(self) -> Message:
        """Return an order that was placed minutes to hours ago and comes only now."""
        now = self._clock()
        delay_s = _LATE_MIN_S * (_LATE_MAX_S / _LATE_MIN_S) ** self._random.random()
        return self._send("late", self._order(now, now - int(delay_s * _SECOND_US)))

    def _update(self) -> Message:
        """Return the next step of a recent order, or a new order if none is open."""
        if not self._open:
            return self._new()
        # Swapped with the last one, because a removal from the middle would move all after it.
        chosen = self._random.randrange(len(self._open))
        self._open[chosen], self._open[-1] = self._open[-1], self._open[chosen]
        order = self._open.pop()
        cancelled = self._random.random() < _CANCEL_CHANCE
        now = self._clock()
        change = {
            "event_id": self._id(now),
            "event_type": "cancelled" if cancelled else "updated",
            "event_time": timestamp(now),
            "order_version": order.order_version + 1,
            "status": "cancelled" if cancelled else _NEXT_STATUS[order.status],
        }
        return self._send("cancelled" if cancelled else "updated", order.model_copy(update=change))

    def _duplicate(self) -> Message:
        """Return a recent message once more, byte for byte, or a new order if there was none."""
        if not self._recent:
            return self._new()
        return self._recent[self._random.randrange(len(self._recent))]._replace(kind="duplicate")

    def _invalid(self) -> Message:
        kind = self._random.choice(INVALID_KINDS)
        order = self._order(self._clock())
        return Message(f"invalid:{kind}", order.order_id.encode(), spoil(order, kind, self._random), None)

    def _send(self, kind: str, event: OrderEvent) -> Message:
        message = Message(kind, event.order_id.encode(), event.to_bytes(), event.event_id)
        self._recent.append(message)
        if event.status in _NEXT_STATUS:
            self._keep_open(event)
        return message

    def _keep_open(self, event: OrderEvent) -> None:
        if len(self._open) < _OPEN_ORDERS:
            self._open.append(event)
        else:
            self._open[self._random.randrange(_OPEN_ORDERS)] = event

    def _order(self, now_us: int, ordered_us: int | None = None) -> OrderEvent:
        customer = bisect_right(self._customer_shares, self._random.random())
        product = bisect_right(self._product_shares, self._random.random())
        ordered_at = timestamp(now_us if ordered_us is None else ordered_us)
        return OrderEvent(
            event_id=self._id(now_us),
            event_type="created",
            event_time=ordered_at,
            schema_version=SCHEMA_VERSION,
            order_id=self._id(now_us),
            order_version=1,
            ordered_at=ordered_at,
            customer_id=customer + 1,
            product_id=product + 1,
            quantity=self._quantity(customer),
            unit_price=price_text(int(self._catalog.price_cents[product])),
            currency=CURRENCIES[self._catalog.currency[product]],
            status="placed",
        )

    def _quantity(self, customer: int) -> int:
        bulk = SEGMENTS[self._catalog.segment[customer]].bulk
        quantity = 1
        while quantity < _MAX_QUANTITY and self._random.random() < bulk:
            quantity += 1
        return quantity

    def _id(self, now_us: int) -> str:
        self._counter += 1
        return live_id(now_us // 1_000, self._counter, self._node)

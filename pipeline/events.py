"""The order event: the one definition behind the JSON Schema, Spark's StructType and the producer's model."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

# Patterns are anchored and hold only what the regex dialects of ECMA (JSON Schema), Rust (pydantic) and
# Java (Spark) read alike.
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIMESTAMP_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$"

Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
UtcTimestamp = Annotated[str, Field(pattern=TIMESTAMP_PATTERN)]
EventType = Literal["created", "updated", "cancelled"]
Currency = Literal["CHF", "EUR", "GBP", "USD"]
Status = Literal["placed", "paid", "shipped", "delivered", "cancelled"]

SCHEMA_VERSION = "1.0"
MAX_ID = 2**53 - 1  # the largest integer that every JSON reader keeps exactly (RFC 8259, section 6)


class OrderEvent(BaseModel):
    """One change of one order; every event carries the order's full state. Kafka key: `order_id`."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, title="OrderEvent")

    event_id: Uuid = Field(description="Identity of this event; a second delivery carries the same one.")
    event_type: EventType = Field(description="`cancelled` goes with status `cancelled`.")
    event_time: UtcTimestamp = Field(description="When this change happened, UTC.")
    schema_version: str = Field(
        pattern=r"^1[.][0-9]{1,3}$", description="Major 1; a minor version only adds optional fields."
    )
    order_id: Uuid = Field(description="Identity of the order, and the message's key.")
    order_version: int = Field(ge=1, le=2**31 - 1, description="Grows with each change of the order.")
    ordered_at: UtcTimestamp = Field(description="When the order was placed, UTC; never changes.")
    customer_id: int = Field(ge=1, le=MAX_ID)
    product_id: int = Field(ge=1, le=MAX_ID)
    quantity: int = Field(ge=1, le=10_000)
    unit_price: str = Field(
        pattern=r"^[0-9]{1,8}([.][0-9]{1,2})?$", description="Decimal as a string, in `currency`."
    )
    currency: Currency = Field(description="ISO 4217.")
    status: Status

    def to_bytes(self) -> bytes:
        """Return the message's value: compact JSON, UTF-8."""
        return self.model_dump_json().encode()


FIELDS: tuple[str, ...] = tuple(OrderEvent.model_fields)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the event; checked in as docs/order-event.schema.json."""
    schema = OrderEvent.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def json_schema_text() -> str:
    """Return the file's text, stable for a drift test."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"

"""The streaming job: Kafka -> validate -> raw.orders and curated.fact_orders, or the DLQ with a reason."""

"""Durable storage outside the database: a volume with the streaming job's checkpoints."""

from infra.platform import StorageEndpoint

CHECKPOINTS = "/var/lib/ecom/checkpoints"


def endpoint() -> StorageEndpoint:
    """Return the endpoint, as the streaming job's container sees it."""
    return StorageEndpoint(checkpoints=f"file:{CHECKPOINTS}")

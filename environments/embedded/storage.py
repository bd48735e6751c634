"""Durable storage outside the database: a folder in the home."""

from environments.embedded.home import Home
from infra.platform import StorageEndpoint


def endpoint(home: Home) -> StorageEndpoint:
    """Return the endpoint; Spark creates the folder at its first checkpoint."""
    return StorageEndpoint(checkpoints=(home.root / "checkpoints").as_uri())

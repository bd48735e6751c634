"""What moto lacks, kept in one file, so that it outlives a provider's process as AWS would."""

import json
import threading
from pathlib import Path
from typing import Any


class Store:
    """Things by key; every change is on disk before the call returns."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    def all(self) -> dict[str, Any]:
        return json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}

    def get(self, key: str) -> Any:
        with self._lock:
            return self.all().get(key)

    def add(self, key: str, value: Any) -> None:
        """Keep a new thing; one of that name is a conflict, as on AWS."""
        with self._lock:
            things = self.all()
            if key in things:
                raise ValueError(f"{key} exists already")
            self._write(things | {key: value})

    def put(self, key: str, value: Any) -> None:
        with self._lock:
            self._write(self.all() | {key: value})

    def remove(self, key: str) -> None:
        with self._lock:
            self._write({name: value for name, value in self.all().items() if name != key})

    def _write(self, things: dict[str, Any]) -> None:
        self._path.write_text(json.dumps(things, indent=1, sort_keys=True), encoding="utf-8")

"""Spark's checkpoint folder, read through Hadoop's file systems so that file: and s3: URIs both do."""

import json
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `ecom verify` needs the offsets and no Spark, which takes half a second to import
    from pyspark.sql import SparkSession


def _spark_errors() -> tuple[type[Exception], ...]:
    """Return what a call of Hadoop's file system raises."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return Py4JJavaError, PySparkException


def _unreadable() -> tuple[type[Exception], ...]:
    """Return whatever a half-written or damaged file can raise, in Python or in Hadoop's file system."""
    return ValueError, LookupError, TypeError, AttributeError, *_spark_errors()


class CheckpointStuck(RuntimeError):
    """The checkpoint can't be used and can't be renamed; the message names it."""


class Checkpoint:
    """One streaming query's checkpoint at a URI."""

    def __init__(self, session: "SparkSession", location: str) -> None:
        jvm: Any = session.sparkContext._jvm
        self._jvm = jvm
        self._path = jvm.org.apache.hadoop.fs.Path(location)
        java_session: Any = session._jsc
        self._fs = self._path.getFileSystem(java_session.hadoopConfiguration())

    def exists(self) -> bool:
        """Return whether there is a checkpoint."""
        return bool(self._fs.exists(self._path))

    def restart_offsets(self, topic: str) -> dict[int, int] | None:
        """Return where a query that restarts from here reads next, by partition.

        That is the end of the last batch in `commits`, the batch after it being planned again from there;
        before the first commit it is where the source noted that it began, an empty dict if it noted nothing.
        None unless every file that Spark reads at a restart can be read.
        """
        try:
            planned, done = self._batches("offsets"), self._batches("commits")
            if planned or self._holds("metadata"):
                uuid.UUID(_parsed(self._text("metadata"))["id"])
            began = self._began(topic) if self._holds("sources/0/0") else {}
            if not done:
                return began
            last = max(done)
            _parsed(self._lines(f"commits/{last}")[1])
            if last:
                self._end_of(last - 1, topic)  # Spark starts from the last two plans
            return self._end_of(last, topic)
        except _unreadable():
            return None

    def forget_unfinished(self) -> list[int]:
        """Delete the plan of each batch that was begun and not finished; return their numbers.

        A restart then plans anew from the last finished batch, and what of it was committed is skipped. Spark
        4.1 would repeat the planned batch and fail on its progress report (SPARK-57438), one restart later.
        """
        planned, done = self._batches("offsets"), self._batches("commits")
        unfinished = sorted(batch for batch in planned if batch > max(done, default=-1))
        for batch in unfinished:
            self._fs.delete(self._jvm.org.apache.hadoop.fs.Path(self._path, f"offsets/{batch}"), False)
        return unfinished

    def set_aside(self) -> str:
        """Rename the folder, keep it for whoever wants to know, and return its new name.

        Raises CheckpointStuck if it is still there: a start from it would skip orders.
        """
        # To the microsecond: a rename onto a folder that exists would move it inside.
        kept = f"{self._path.toString()}.aside-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        try:
            renamed = self._fs.rename(self._path, self._jvm.org.apache.hadoop.fs.Path(kept))
        except _spark_errors():
            renamed = False
        if not renamed:
            raise CheckpointStuck(f"checkpoint {self._path.toString()} can't be used, nor renamed to {kept}")
        return kept

    def _batches(self, folder: str) -> set[int]:
        path = self._jvm.org.apache.hadoop.fs.Path(self._path, folder)
        if not self._fs.exists(path):
            return set()
        names = [status.getPath().getName() for status in self._fs.listStatus(path)]
        return {int(name) for name in names if name.isdecimal()}

    def _holds(self, name: str) -> bool:
        return bool(self._fs.exists(self._jvm.org.apache.hadoop.fs.Path(self._path, name)))

    def _end_of(self, batch: int, topic: str) -> dict[int, int]:
        # Line 1 is the log's version, line 2 the batch's metadata, line 3 the one source's end offsets.
        _, metadata, ends = self._lines(f"offsets/{batch}")[:3]
        _parsed(metadata)
        return _by_partition(ends, topic)

    def _began(self, topic: str) -> dict[int, int]:
        # The source writes a zero byte first (SPARK-19517).
        return _by_partition(self._lines("sources/0/0")[1], topic)

    def _lines(self, name: str) -> list[str]:
        """Return the lines of a file that begins with its format's version."""
        version, *rest = self._text(name).lstrip("\0").splitlines()
        if not re.fullmatch(r"v[0-9]+", version):
            raise ValueError(f"{name} begins with {version!r}")
        return [version, *rest]

    def _text(self, name: str) -> str:
        stream = self._fs.open(self._jvm.org.apache.hadoop.fs.Path(self._path, name))
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()


def _parsed(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"{text!r} is no JSON object")
    return content


def _by_partition(text: str, topic: str) -> dict[int, int]:
    return {int(partition): int(offset) for partition, offset in _parsed(text)[topic].items()}

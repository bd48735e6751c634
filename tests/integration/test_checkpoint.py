"""Spark's checkpoint folder as it is met on a disk: whole, half-written, empty, set aside."""

import json
import uuid
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.stream.checkpoint import Checkpoint, CheckpointStuck
from pipeline.stream.offsets import TopicRange, reconcile

HELD = TopicRange("orders", begin={0: 0}, end={0: 100})


def written(folder: Path, offsets: dict[int, dict[str, int]], commits: list[int]) -> Path:
    """Write what Spark writes: a file per planned batch, and one per finished batch."""
    for name in ("offsets", "commits", "sources/0"):
        (folder / name).mkdir(parents=True)
    (folder / "metadata").write_text(json.dumps({"id": str(uuid.uuid4())}), encoding="utf-8")
    began = json.dumps({"orders": {"0": 0, "1": 0}})
    (folder / "sources" / "0" / "0").write_text(f"\0v1\n{began}", encoding="utf-8")
    before = {max(commits) - 1: {"0": 0}} if any(commits) else {}
    for batch, ends in (before | offsets).items():
        lines = ("v1", json.dumps({"batchWatermarkMs": 0}), json.dumps({"orders": ends}))
        (folder / "offsets" / str(batch)).write_text("\n".join(lines), encoding="utf-8")
        # Spark on a local disk leaves checksums beside its files.
        (folder / "offsets" / f".{batch}.crc").write_bytes(b"crc")
    for batch in commits:
        (folder / "commits" / str(batch)).write_text('v1\n{"nextBatchWatermarkMs":0}', encoding="utf-8")
        (folder / "commits" / f".{batch}.crc").write_bytes(b"crc")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "orders-stream"


def read(spark: SparkSession, folder: Path) -> dict[int, int] | None:
    return Checkpoint(spark, folder.as_uri()).restart_offsets("orders")


def test_no_folder_is_no_checkpoint(spark: SparkSession, folder: Path):
    assert not Checkpoint(spark, folder.as_uri()).exists()
    folder.mkdir()
    assert Checkpoint(spark, folder.as_uri()).exists()


def test_a_restart_begins_where_the_last_finished_batch_ended(spark: SparkSession, folder: Path):
    written(folder, {9: {"0": 1, "1": 1}, 10: {"0": 5, "1": 7}, 11: {"0": 9, "1": 9}}, commits=[8, 9, 10])
    assert read(spark, folder) == {0: 5, 1: 7}


def test_batches_are_ordered_by_number_not_by_name(spark: SparkSession, folder: Path):
    written(folder, {9: {"0": 1}, 10: {"0": 5}}, commits=[9, 10])
    assert read(spark, folder) == {0: 5}


@pytest.mark.parametrize("offsets", [{}, {0: {"0": 5}}], ids=["nothing", "one planned batch"])
def test_before_the_first_finished_batch_it_is_where_the_source_began(
    spark: SparkSession, folder: Path, offsets: dict[int, dict[str, int]]
):
    written(folder, offsets, commits=[])
    assert read(spark, folder) == {0: 0, 1: 0}
    (folder / "sources" / "0" / "0").unlink()
    assert read(spark, folder) == {}


def test_an_empty_folder_has_no_offset(spark: SparkSession, folder: Path):
    folder.mkdir()
    assert read(spark, folder) == {}


@pytest.mark.parametrize(
    "content",
    ["", "v1", "v1\n{}", "v1\n{}\n", "v1\n{}\n{", 'v1\n{}\n{"other":{"0":1}}', 'v1\n{}\n{"orders":{"x":1}}',
     'v1\n{}\n[]', 'v1\n{}\nnull', 'v1\n{}\n{"orders":5}', 'v1\n{}\n{"orders":{"0":null}}', "\x00\x00\x00"],
)  # fmt: skip
def test_an_unreadable_file_is_told_from_an_empty_checkpoint(spark: SparkSession, folder: Path, content: str):
    written(folder, {3: {"0": 5}}, commits=[3])
    (folder / "offsets" / "3").write_text(content, encoding="utf-8")
    (folder / "offsets" / ".3.crc").unlink()
    assert read(spark, folder) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("commits/3", ""), ("commits/3", "v1"), ("commits/3", 'v1\n{"nextBatch'), ("commits/3", "v1\n[]"),
     ("commits/3", '{"nextBatchWatermarkMs":0}'), ("offsets/2", ""), ("offsets/2", None),
     ("offsets/3", None), ("metadata", ""), ("metadata", "{}"), ("metadata", '{"id":"x"}'),
     ("metadata", None), ("sources/0/0", ""), ("sources/0/0", "\0v1\n{"), ("sources/0/0", "\0")],
)  # fmt: skip
def test_each_file_that_spark_reads_at_a_restart_must_be_readable(
    spark: SparkSession, folder: Path, name: str, content: str | None
):
    written(folder, {3: {"0": 5}}, commits=[2, 3])
    assert read(spark, folder) == {0: 5}
    file = folder / name
    file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    if content is None:
        file.unlink()
    else:
        file.write_text(content, encoding="utf-8")
    assert read(spark, folder) is None


def test_a_damaged_file_is_seen_by_its_checksum(spark: SparkSession, folder: Path):
    written(folder, {3: {"0": 5}}, commits=[3])
    (folder / "offsets" / ".3.crc").write_bytes(b"crc\x00" + bytes(12))
    assert read(spark, folder) is None


def test_a_checkpoint_ahead_is_renamed_and_kept(
    spark: SparkSession, folder: Path, caplog: pytest.LogCaptureFixture
):
    written(folder, {3: {"0": 5}}, commits=[3])
    reconcile(spark, folder.as_uri(), {0: 4}, HELD)
    assert not folder.exists()
    (kept,) = folder.parent.glob("orders-stream.aside-*")
    assert (kept / "offsets" / "3").exists()
    assert kept.name in caplog.text


def test_two_checkpoints_are_set_aside_in_the_same_second(spark: SparkSession, folder: Path):
    kept = set()
    for _ in range(2):
        written(folder, {3: {"0": 5}}, commits=[3])
        kept.add(Checkpoint(spark, folder.as_uri()).set_aside())
        assert not folder.exists()
    assert len(kept) == 2
    assert len(list(folder.parent.glob("orders-stream.aside-*"))) == 2


def test_a_checkpoint_that_can_not_be_renamed_is_no_silence(spark: SparkSession, folder: Path):
    gone = Checkpoint(spark, folder.as_uri())
    with pytest.raises(CheckpointStuck, match="orders-stream"):
        gone.set_aside()


def test_a_checkpoint_that_agrees_stays(spark: SparkSession, folder: Path):
    written(folder, {3: {"0": 5}}, commits=[3])
    reconcile(spark, folder.as_uri(), {0: 5}, HELD)
    assert read(spark, folder) == {0: 5}


@pytest.mark.parametrize("commits", [[2, 3], []], ids=["after finished ones", "the very first"])
def test_a_batch_that_was_not_finished_is_planned_anew(spark: SparkSession, folder: Path, commits: list[int]):
    offsets = {batch: {"0": batch} for batch in commits} | {4: {"0": 9}}
    written(folder, offsets, commits)
    reconcile(spark, folder.as_uri(), {0: 9}, HELD)
    assert {path.name for path in (folder / "offsets").iterdir() if path.name.isdecimal()} == {
        str(batch) for batch in commits
    }
    assert not (folder / "offsets" / ".4.crc").exists()
    assert Checkpoint(spark, folder.as_uri()).forget_unfinished() == []

"""A configuration is right, or its error names key, value, what is allowed and where it was read."""

import re
import textwrap
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.config import ConfigError, PlatformConfig


def error_of(values: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        PlatformConfig.from_mapping(values, "the test")
    return str(caught.value)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ecom.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_has_a_default():
    assert PlatformConfig.from_mapping({}, "the test") == PlatformConfig()


def test_toml_overrides_single_keys(tmp_path):
    path = toml(tmp_path, '[postgres]\nport = 6000\ndatabase = "shop"\n[kafka]\ncleaned_topic = true\n')
    config = PlatformConfig.from_toml(path)
    assert (config.postgres.port, config.postgres.database, config.kafka.cleaned_topic) == (
        6000,
        "shop",
        True,
    )
    assert config.stream == PlatformConfig().stream


def test_the_readme_shows_keys_that_exist_with_their_defaults(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert PlatformConfig.from_toml(toml(tmp_path, textwrap.dedent(f"  {block}"))) == PlatformConfig()


def test_it_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        PlatformConfig().postgres.port = 1


def test_an_unknown_section_lists_the_sections():
    assert error_of({"postgress": {}}) == (
        "postgress: unknown key (read from the test);"
        " allowed: airflow, batch, dashboards, kafka, postgres, stream"
    )


def test_an_unknown_key_lists_its_siblings():
    message = error_of({"stream": {"heap": 1}})
    assert message.startswith("stream.heap: unknown key (read from the test); allowed: ")
    assert message.endswith("driver_memory_mb, max_offsets_per_trigger, trigger_interval_ms")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"postgres": {"port": "abc"}},
            "postgres.port = 'abc' (read from the test): Input should be a valid integer",
        ),
        (
            {"postgres": {"port": True}},
            "postgres.port = True (read from the test): Input should be a valid integer",
        ),
        (
            {"postgres": {"port": 0}},
            "postgres.port = 0 (read from the test): Input should be greater than or equal",
        ),
        ({"postgres": {"port": 65536}}, "less than or equal to 65535"),
        (
            {"postgres": {"database": "Shop; drop"}},
            "postgres.database = 'Shop; drop' (read from the test): String sh",
        ),
        ({"kafka": {"partitions": 0}}, "kafka.partitions = 0 (read from the test)"),
        ({"kafka": {"cleaned_topic": "maybe"}}, "kafka.cleaned_topic = 'maybe' (read from the test)"),
        ({"stream": {"driver_memory_mb": 1}}, "greater than or equal to 512"),
        (
            {"postgres": {"database": "airflow"}},
            "postgres.database = 'airflow' (read from the test): Value error",
        ),
        ({"airflow": {"parallelism": 0}}, "airflow.parallelism = 0 (read from the test)"),
        ({"airflow": {"dags_folder": ""}}, "airflow.dags_folder = '' (read from the test)"),
        ({"stream": 5}, "stream = 5 (read from the test): Input should be a valid dictionary"),
    ],
)
def test_a_wrong_value_names_key_value_source_and_what_is_allowed(values, expected):
    assert expected in error_of(values)


def test_each_wrong_key_has_its_own_line():
    lines = error_of({"postgres": {"port": 0}, "kafka": {"brokers": 3}}).splitlines()
    assert [line.split()[0] for line in lines] == ["postgres.port", "kafka.brokers:"]


@pytest.mark.parametrize("content", [b"[postgres", b"port = \xff", b"port = 1\nport = 2"])
def test_a_file_that_is_no_toml_is_named(content, tmp_path):
    path = tmp_path / "ecom.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        PlatformConfig.from_toml(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as TOML: ")


def test_a_file_that_is_not_there_is_named_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        PlatformConfig.from_toml(tmp_path / "ecom.toml")
    assert str(caught.value) == f"{tmp_path}/ecom.toml: cannot be read: No such file or directory"


def test_a_wrong_value_in_a_file_names_the_file(tmp_path):
    path = toml(tmp_path, "[kafka]\nheap_mb = 1\n")
    with pytest.raises(ConfigError, match=r"kafka\.heap_mb = 1") as caught:
        PlatformConfig.from_toml(path)
    assert f"(read from {path})" in str(caught.value)

"""Which environment a stack is, and what is wrong with its file."""

from pathlib import Path

import pytest

from infra.config import ConfigError
from infra.stack_choice import environment_of, read_stack_file, stack_file


@pytest.mark.parametrize(
    ("stack", "chosen", "wanted"),
    [
        ("local", "", "local"),
        ("prod", "", "local"),
        ("aws", "", "aws"),
        ("aws-eu", "", "aws"),
        ("me/ecom/aws", "", "aws"),
        ("prod", "aws", "aws"),
        ("aws", "local", "local"),
    ],
)
def test_the_key_says_so_or_else_the_name(stack, chosen, wanted):
    assert environment_of(stack, {"ecom:environment": chosen}, "the test") == wanted


def test_another_one_is_refused():
    with pytest.raises(
        ConfigError, match=r"ecom:environment = 'gcp' \(read from x\): allowed are local, aws"
    ):
        environment_of("aws", {"ecom:environment": "gcp"}, "x")


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path):
    assert read_stack_file(stack_file(tmp_path, "me/ecom/aws")) == {}


def test_a_key_beside_config_is_refused_and_not_read_over(tmp_path: Path):
    path = stack_file(tmp_path, "aws")
    path.write_text("config:\n  aws:region: eu-central-1\nencryptionsalt: v1:x\necom:awsSize: standard\n")
    with pytest.raises(
        ConfigError, match=r"ecom:awsSize \(read from .*Pulumi.aws.yaml\): belongs under `con"
    ):
        read_stack_file(path)


@pytest.mark.parametrize(("text", "said"), [("a: [", "cannot be read as YAML"), ("- a", "is no mapping")])
def test_what_is_no_stack_file_is_named(text, said, tmp_path: Path):
    path = tmp_path / "Pulumi.aws.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"Pulumi.aws.yaml: {said}"):
        read_stack_file(path)

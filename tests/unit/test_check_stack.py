"""A stack's file is judged as the program judges it, with nothing but the file."""

from pathlib import Path

import pytest

from environments.aws.bundle import REPOSITORY
from infra.config import ConfigError
from scripts.check_stack import check, main


def test_what_is_committed_and_the_example_are_right(tmp_path: Path):
    assert check("local") == "local"
    (tmp_path / "Pulumi.aws.yaml").write_text((REPOSITORY / "Pulumi.aws.example.yaml").read_text())
    assert check("aws", tmp_path) == "aws"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "aws",
            "  aws:region: eu-central-1\n  ecom:awsZones: 4",
            r"ecom:awsZones = 4 \(read from /.*aws.yaml\)",
        ),
        ("aws", "  aws:region: eu-central-1\n  ecom:awsProtect: maybe", r"ecom:awsProtect = 'maybe'"),
        (
            "aws",
            "  aws:region: eu-central-1\n  ecom:dataProtect: false",
            r"ecom:dataProtect = 'false': a key of an",
        ),
        ("aws", "  ecom:awsZones: 3", r"aws:region = ''"),
        ("aws-production-eu", "  aws:region: eu-central-1", r"the stack's name 'aws-production-eu'"),
        ("prod", "  ecom:awsZones: 3", r"ecom:awsZones = '3': a key of another environment"),
        ("prod", "  ecom:kafkaPort: 1.5", r"ecom:kafkaPort = '1.5'"),
    ],
)
def test_what_is_wrong_is_named(name, text, said, tmp_path: Path):
    (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config:\n{text}\n")
    with pytest.raises(ConfigError, match=said):
        check(name, tmp_path)


def test_the_command_says_what_it_found(capsys):
    assert main(["local"]) == 0
    assert main(["nothing"]) == 1
    assert main([]) == 2
    right, wrong, usage = capsys.readouterr().err.splitlines()
    assert right == "Pulumi.local.yaml is right, for the environment local"
    assert wrong.endswith("Pulumi.nothing.yaml: is not there")
    assert usage.startswith("usage: python -m scripts.check_stack STACK")

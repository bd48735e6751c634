"""Pulumi.aws.example.yaml in the hands of a newcomer: copied, `pulumi stack init`, then uncommented."""

import re
import shutil
from pathlib import Path

import pytest

from environments.aws.bundle import REPOSITORY
from tests.aws_provider.project import Project, UpFailed
from tests.aws_stack.conftest import MakeProject

pytestmark = pytest.mark.aws_stack


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    """A project whose stack `aws` has the example for its file, with what Pulumi has written into it."""
    made = make_project("another")
    shutil.copy(REPOSITORY / "Pulumi.aws.example.yaml", file_of(made))
    made.pulumi("stack", "init", "aws", "--non-interactive")
    made.pulumi("config", "set", "awsOwner", "somebody", "--stack", "aws")
    return made


def file_of(project: Project) -> Path:
    return project.project / "Pulumi.aws.yaml"


def change(project: Project, pattern: str, by: str) -> None:
    text, found = re.subn(pattern, by, file_of(project).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found == 1
    file_of(project).write_text(text, encoding="utf-8")


def test_what_is_uncommented_counts(project: Project):
    change(project, r"^( *)# ecom:awsSize: small$", r"\1ecom:awsSize: standard")
    assert project.pulumi("config", "get", "awsSize", "--stack", "aws").strip() == "standard"


def test_what_is_beside_config_stops_the_preview(project: Project):
    before = file_of(project).read_text(encoding="utf-8")
    file_of(project).write_text(f"{before}ecom:awsZones: 3\n", encoding="utf-8")
    with pytest.raises(UpFailed, match=r"ecom:awsZones \(read from .*\): belongs under `config:`"):
        project.pulumi("preview", "--stack", "aws", "--non-interactive")
    file_of(project).write_text(before, encoding="utf-8")


def test_a_region_that_is_none_ends_it_before_aws_is_asked(project: Project):
    change(project, r"^  aws:region: .*$", "  aws:region: mars-1")
    with pytest.raises(UpFailed, match=r"aws:region = 'mars-1' .*name one of.*environment aws\)"):
        project.pulumi("preview", "--stack", "aws", "--non-interactive")

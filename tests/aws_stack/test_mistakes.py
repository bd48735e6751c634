"""Mistakes that no type checker sees, planted in a small program: engine and provider refuse each."""

import re
from pathlib import Path

import pytest

from tests.aws_provider.project import UpFailed
from tests.aws_stack.conftest import MakeProject

pytestmark = pytest.mark.aws_stack
PROGRAM = Path(__file__).with_name("mistakes.py")
SAID = {
    "outside": "InvalidSubnet.Range",
    "overlap": "InvalidSubnet.Conflict",
    "nowhere": "refers to what is not there: vpc-00000000000000000",
    "class": "invalid DB instance class: db.t9.small",
    "no-such-subnet": "refers to what is not there: subnet-0123456789abcdef0",
    "one-zone": "DBSubnetGroupDoesNotCoverEnoughAZs",
    "enum": r"CreateCluster: .*name = 'insights': allowed are containerInsights",
    "too-long": "is longer than 32",
    "retention": "retentionInDays = 31",
    "policy": "MalformedPolicyDocument",
    "role": "refers to what is not there: arn:aws:iam::123456789012:role/nobody",
    "apostrophe": "EC2 takes letters, digits",
    "topic": "NotFound: arn:aws:kafka:eu-central-1:123456789012:cluster/none/1",
}


@pytest.fixture(scope="module")
def said(make_project: MakeProject) -> dict[str, str]:
    """What the engine says of each resource of the program, all in one update."""
    project = make_project("mistakes")
    program = project.project / "__main__.py"
    program.unlink()
    program.write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    project._configure()
    options = ("--yes", "--skip-preview", "--non-interactive", "--json", "--continue-on-error")
    with pytest.raises(UpFailed) as caught:
        project.pulumi("up", "--stack", project.stack, *options)
    found = re.findall(r"^\w+ mistake-([\w-]+): (.*)$", str(caught.value), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("mistake", sorted(SAID))
def test_is_refused(mistake, said: dict[str, str]):
    assert mistake in said, said
    assert re.search(SAID[mistake], said[mistake])


def test_nothing_but_the_mistakes_is_refused(said: dict[str, str]):
    assert set(said) == set(SAID)

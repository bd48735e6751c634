"""`--policy-pack policy` in the real engine: the stack passes, and a planted violation stops the preview."""

import pytest

from tests.aws_provider.project import Project, UpFailed
from tests.aws_stack.conftest import MakeProject

pytestmark = pytest.mark.aws_stack


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project()


def preview(project: Project) -> str:
    project._configure()
    pack = str(project.project / "policy")
    return project.pulumi("preview", "--stack", project.stack, "--non-interactive", "--policy-pack", pack)


def test_the_stack_passes(project: Project):
    assert "ecom" in preview(project)


def test_a_violation_stops_it(project: Project):
    path = project.project / "environments" / "aws" / "postgres.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("publicly_accessible=False", "publicly_accessible=True"), encoding="utf-8")
    try:
        with pytest.raises(UpFailed, match="database-private"):
            preview(project)
    finally:
        path.write_text(text, encoding="utf-8")

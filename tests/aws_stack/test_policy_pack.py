"""`--policy-pack policy` in the real engine: the stack passes, and a planted violation stops the preview.

The host of `make toolchain` has no policy packs, and the program says so itself.
"""

import pytest

from tests.aws_provider.project import Project, UpFailed
from tests.aws_stack.conftest import MakeProject
from toolchain.pins import LANGUAGE_HOST, cache

OLD_HOST = cache() / LANGUAGE_HOST.name
pytestmark = pytest.mark.aws_stack
# tests/unit/test_policy_pack.py starts the pack itself, as a newer one would.
newer_host = pytest.mark.skipif(
    OLD_HOST.exists(),
    reason=f"{LANGUAGE_HOST.name} {LANGUAGE_HOST.version}, the newest of Go's proxy, starts the project"
    " in the place of a policy pack",
)


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project()


def preview(project: Project) -> str:
    project._configure()
    pack = str(project.project / "policy")
    return project.pulumi("preview", "--stack", project.stack, "--non-interactive", "--policy-pack", pack)


@pytest.mark.skipif(not OLD_HOST.exists(), reason="the Python host is a newer one")
def test_an_old_host_is_told_by_its_name(project: Project):
    with pytest.raises(UpFailed, match=r"pulumi-language-python on PATH is too old for policy packs"):
        preview(project)


@newer_host
def test_the_stack_passes(project: Project):
    assert "ecom" in preview(project)


@newer_host
def test_a_violation_stops_it(project: Project):
    path = project.project / "environments" / "aws" / "postgres.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("publicly_accessible=False", "publicly_accessible=True"), encoding="utf-8")
    try:
        with pytest.raises(UpFailed, match="database-private"):
            preview(project)
    finally:
        path.write_text(text, encoding="utf-8")

"""Both plugins build the same parts: ours, and the official one where it is installed; the id says which."""

from pathlib import Path

import pytest

from tests.aws_provider.project import Project
from tests.aws_stack.conftest import MakeProject, official_plugin
from tests.aws_stack.leftovers import Account

pytestmark = pytest.mark.aws_stack
PROGRAM = Path(__file__).with_name("parts.py")


@pytest.fixture(params=["ours", "official"])
def parts(request: pytest.FixtureRequest, make_project: MakeProject, account: Account) -> Project:
    plugin = official_plugin() if request.param == "official" else None
    if request.param == "official" and plugin is None:
        pytest.skip("the official AWS plugin is not installed: only ours was used")
    project = make_project(f"parts-{request.param}", official=plugin)
    program = project.project / "__main__.py"
    program.unlink()
    program.write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    return project


def test_up_again_and_down(parts: Project, account: Account):
    made = parts.up()
    assert set(made.values()) == {"create"}
    assert "Instance ecom-parts-warehouse" in made
    assert parts.up() == {}
    parts.destroy()
    assert account.everything() == {}

"""What was interrupted half-way, and which commands have to wait for its end."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.stack.errors import StackError
from cli.stack.passwords import verifier
from cli.stack.place import place_of
from cli.stack.state import PASSWORD
from cli.stack.unfinished import RESTORE, ROTATION, WIPE
from tests.unit.stack_command.stand_in import calls, invoke

HALF_A_RESTORE = "a restore was interrupted and the data are not whole: `ecom --stack t restore FOLDER` first"


def password(name: str, value: str) -> dict[str, Any]:
    """As Pulumi's state has one."""
    result = {"plaintext": json.dumps(value)}
    return {"type": PASSWORD, "urn": f"urn::ecom-t-passwords-{name}", "outputs": {"result": result}}


def opens(bin_folder: Path, role: str, word: str) -> bool:
    """Say whether this is the password that the server was given for a role."""
    said = re.search(rf"ALTER ROLE {role} PASSWORD '([^']+)'", (bin_folder / "sql").read_text())
    assert said is not None
    salt = said[1].split(":")[1].split("$")[0]
    return verifier(word, base64.b64decode(salt)) == said[1]


def refused(*words: str) -> Any:
    raise invoke(*words).exception


@pytest.mark.usefixtures("stack_is_up")
class TestHalfARestore:
    @pytest.fixture
    def folder(self, bin_folder: Path, tmp_path: Path) -> Path:
        """A backup, of which half was put back."""
        folder = tmp_path / "b"
        assert invoke("backup", str(folder)).exit_code == 0
        (bin_folder / "fails").write_text("mv {}")
        assert invoke("restore", str(folder), "--yes").exit_code == 1
        (bin_folder / "fails").unlink()
        (bin_folder / "calls").unlink()
        return folder

    @pytest.mark.parametrize("words", [("up",), ("down",), ("backup", "/dev/null/b"), ("secrets", "rotate")])
    def test_nothing_else_works_on_such_data(self, words, folder, bin_folder):
        with pytest.raises(StackError, match=HALF_A_RESTORE):
            refused(*words)
        asked = [call.split()[1] for call in calls(bin_folder)]
        assert set(asked) <= {"stack"}
        assert not any(" start " in call for call in calls(bin_folder, "docker"))

    def test_one_that_succeeds_ends_it(self, folder, bin_folder):
        assert invoke("restore", str(folder), "--yes").exit_code == 0
        assert not RESTORE.noted(place_of("t"))
        assert invoke("up").exit_code == 0

    def test_another_that_fails_early_does_not_start_them_either(self, folder, bin_folder):
        (bin_folder / "fails").write_text("mkdir /data/.ecom-new")
        assert "the services stay stopped" in invoke("restore", str(folder), "--yes").stderr
        assert not any(" start " in call for call in calls(bin_folder, "docker"))

    def test_without_a_server_up_makes_what_the_restore_needs_and_asks_for_it(self, folder, bin_folder):
        (bin_folder / "postgres").write_text("[]")
        with pytest.raises(StackError, match=HALF_A_RESTORE):
            refused("up")
        assert any(call.startswith("pulumi up") for call in calls(bin_folder))

    def test_it_is_wiped_all_the_same(self, folder):
        assert invoke("down", "--wipe", "--yes").exit_code == 0
        assert not place_of("t").folder.exists()


@pytest.mark.usefixtures("stack_is_up")
class TestHalfAWipe:
    def test_a_plain_down_does_not_take_what_is_not_protected_any_more(self, bin_folder):
        (bin_folder / "fails").write_text("destroy")
        assert invoke("down", "--wipe", "--yes").exit_code == 1
        (bin_folder / "fails").unlink()
        (bin_folder / "calls").unlink()
        with pytest.raises(StackError, match="a wipe was interrupted and nothing protects the data"):
            refused("down")
        assert not any("destroy" in call for call in calls(bin_folder))
        assert invoke("down", "--wipe", "--yes").exit_code == 0

    def test_an_up_that_works_protects_all_again(self, bin_folder):
        WIPE.begin(place_of("t"))
        assert invoke("up").exit_code == 0
        assert invoke("down").exit_code == 0

    def test_an_up_that_fails_does_not(self, bin_folder):
        WIPE.begin(place_of("t"))
        (bin_folder / "fails").write_text("up --yes")
        assert invoke("up").exit_code == 1
        assert WIPE.noted(place_of("t"))


@pytest.mark.usefixtures("stack_is_up")
class TestHalfARotation:
    @pytest.mark.parametrize("command", ["up", "down"])
    def test_it_is_finished_first(self, command, bin_folder):
        ROTATION.begin(place_of("t"))
        with pytest.raises(StackError, match="a rotation of the secrets was interrupted"):
            refused(command)
        (bin_folder / "postgres").write_text("[]")  # nothing is left to lose
        assert invoke(command).exit_code == 0

    def test_a_stack_that_is_gone_has_nothing_to_lose_either(self, bin_folder):
        ROTATION.begin(place_of("t"))
        (bin_folder / "none").touch()
        assert invoke("up").exit_code == 0

    def test_a_restore_ends_it_with_the_passwords_that_the_outputs_do_not_have_yet(
        self, bin_folder, tmp_path
    ):
        assert invoke("backup", str(tmp_path / "b")).exit_code == 0
        ROTATION.begin(place_of("t"))
        # `pulumi up` was killed: outputs are written at its end, and the old one waits for its removal.
        export = json.loads((bin_folder / "export").read_text())
        export["deployment"]["resources"] += [
            password("etl", "n3w-etl"),
            password("etl", "s3cret-etl") | {"delete": True},
        ]
        (bin_folder / "export").write_text(json.dumps(export))
        assert invoke("restore", str(tmp_path / "b"), "--yes").exit_code == 0
        assert opens(bin_folder, "etl", "n3w-etl")
        assert not ROTATION.noted(place_of("t"))

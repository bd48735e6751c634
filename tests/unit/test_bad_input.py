"""What a person may mistype or misconfigure is told in a line, and is no traceback."""

import sys

import pytest

from cli import main


def types(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ecom", *words])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("folder", ["/proc/x", "/dev/null/x", "/dev/a\nb"])
@pytest.mark.parametrize("words", [("up",), ("up", "-d"), ("demo",)])
def test_a_home_that_can_not_be(
    words: tuple[str, ...],
    folder: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("ECOM_HOME", folder)
    assert types(monkeypatch, *words) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "set ECOM_HOME" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("folder", ["/proc/x", "/dev/null/x"])
@pytest.mark.parametrize("words", [("status",), ("logs",), ("down",), ("env",), ("verify",)])
def test_the_other_commands_find_nothing_there(
    words: tuple[str, ...],
    folder: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.delenv("ECOM_POSTGRES_HOST", raising=False)
    monkeypatch.delenv("ECOM_ENV_FILE", raising=False)
    monkeypatch.setenv("ECOM_HOME", folder)
    assert types(monkeypatch, *words) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("seed", "--until", "1960-01-01"),
        ("seed", "--days", "90", "--until", "1970-02-01"),
        ("seed", "--until", "0001-01-01"),
        ("produce", "--rate", "nan"),
        ("produce", "--rate", "inf"),
        ("produce", "--duration", "nan"),
        ("produce", "--give-up-after", "inf"),
        ("produce", "--updates", "nan"),
        ("demo", "--rate", "inf"),
        ("demo", "--rate", "nan"),
        ("verify", "--timeout", "nan"),
    ],
)
def test_a_value_that_can_not_be(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ECOM_HOME", "/dev/null/x")
    monkeypatch.setenv("ECOM_POSTGRES_HOST", "nowhere")
    assert types(monkeypatch, *words) == 2
    assert "Invalid value" in capsys.readouterr().err


def test_a_history_may_begin_with_the_epoch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ECOM_HOME", "/dev/null/x")
    monkeypatch.setenv("ECOM_POSTGRES_HOST", "")
    monkeypatch.setenv("ECOM_ENV_FILE", "/dev/null")
    assert types(monkeypatch, "seed", "--until", "1970-01-31", "--days", "30") == 1
    assert "ECOM_POSTGRES_PORT is not set" in capsys.readouterr().err

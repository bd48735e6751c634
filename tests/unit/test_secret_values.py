"""References resolve to values; what can't be resolved is named, unless it might be a password."""

import pytest

from pipeline.secret_values import SecretError, resolve


def test_a_file_is_read_without_its_last_newline(tmp_path):
    path = tmp_path / "etl"
    path.write_text("correct horse\n", encoding="utf-8")
    assert resolve(f"file:{path}") == "correct horse"


def test_it_is_read_anew_each_time_so_that_a_rotated_password_counts(tmp_path):
    path = tmp_path / "etl"
    path.write_text("old", encoding="utf-8")
    assert resolve(f"file:{path}") == "old"
    path.write_text("new", encoding="utf-8")
    assert resolve(f"file:{path}") == "new"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfehunter2", "not UTF-8")],
)
def test_an_unusable_file_is_named_with_the_reason(content, reason, tmp_path):
    path = tmp_path / "etl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretError) as caught:
        resolve(f"file:{path}")
    assert f"file:{path}" in str(caught.value)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_folder_is_not_a_secret(tmp_path):
    with pytest.raises(SecretError, match="directory"):
        resolve(f"file:{tmp_path}")


@pytest.mark.parametrize("pasted", ["hunter2", "hunter2:rest", "rest:hunter2", "file:hunter2", ""])
def test_what_may_be_a_pasted_password_is_refused_and_not_printed(pasted):
    with pytest.raises(SecretError, match="file:/absolute/path") as caught:
        resolve(pasted)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("cut", ["arn:aws:secretsmanager:eu-central-1:etl", "arn:aws:s3:::bucket"])
def test_an_arn_of_no_secret_is_refused(cut):
    with pytest.raises(SecretError, match="or a Secrets Manager ARN"):
        resolve(cut)

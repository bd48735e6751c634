"""The diagram in docs/aws.md is what the program builds."""

import pytest

from environments.aws import firewall
from scripts import aws_diagram


def test_the_page_is_up_to_date():
    assert aws_diagram.main(["--check"]) == 0, "run: python -m scripts.aws_diagram"


def test_a_new_flow_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(firewall, "_TO_KAFKA", (*firewall._TO_KAFKA, "metabase"))
    assert aws_diagram.main(["--check"]) == 1
    assert "metabase -->|9098| kafka" in aws_diagram.drawing()

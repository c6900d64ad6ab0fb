"""What is missing for microcontrollers is named with its command."""

from deployworkbook.edge import tools
from deployworkbook.edge.tools import missing_tools


def test_missing_tools_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    assert missing_tools().endswith("pip install ziglang unicorn")
    monkeypatch.setattr(tools, "find_spec", lambda name: None if name == "unicorn" else object())
    assert missing_tools().endswith("pip install unicorn")
    monkeypatch.setattr(tools, "find_spec", lambda name: object())
    assert missing_tools() == ""

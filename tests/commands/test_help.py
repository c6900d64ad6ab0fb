"""What ``--help`` and shell completion answer, and that they answer at once."""

import os
import subprocess
import sys

import pytest
import typer

from deployworkbook.cli import app, main
from deployworkbook.commands.examples import EXAMPLES

# Each takes longer to import than a reader wants to wait for a page of help.
HEAVY = {"tensorflow", "tf_keras", "pandas", "numpy", "matplotlib", "rich.console", "jupyterlab"}


def parsers(group=None, prefix=""):
    """List all commands, such as ``prices list``, with their parsers; ``serve`` has its own."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from parsers(command, f"{prefix}{name} ")
        elif name != "serve":
            yield f"{prefix}{name}", command


COMMANDS = dict(parsers())


def help_of(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert not ended.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_usage_a_sentence_and_an_example(name, capsys):
    shown = help_of(name, capsys)
    assert shown.startswith(f"Usage: deployworkbook {name} ")
    _, summary, *_ = shown.split("\n\n")
    assert summary.strip()[0].isupper()
    assert summary.strip().endswith((".", ":"))
    _, examples = shown.split("Examples:\n")
    assert [line.strip() for line in examples.strip().splitlines()] == list(EXAMPLES[name])
    assert all(line.split()[1:][: len(name.split())] == name.split() for line in EXAMPLES[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_says_what_it_is_for(name):
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name}: {parameter.name} has no help"


@pytest.mark.parametrize("arguments", [["--help"], ["prices", "--help"]])
def test_lists_of_commands_are_not_cut_off_in_a_narrow_terminal(arguments, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    _, listed = help_of(" ".join(arguments[:-1]), capsys).split("Commands:\n")
    for line in listed.strip().splitlines():
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_help_shows_defaults(capsys):
    assert "[default: 2;" in help_of("run", capsys)
    assert "[default: c7g.large]" in " ".join(help_of("cost", capsys).split())


def test_each_command_has_an_example_and_each_example_a_command():
    assert set(COMMANDS) == set(EXAMPLES)


@pytest.mark.parametrize("arguments", [["--help"], ["cost", "--help"], ["--show-completion"]])
def test_help_loads_nothing_heavy(arguments):
    program = f"""
import sys
from deployworkbook.cli import main
try:
    main({arguments})
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
    environment = {**os.environ, "SHELL": "/bin/bash"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pr", {"progress", "preload", "prices", "probe"}),
        ("ledger --", {"--all", "--csv", "--json", "--dir", "--help"}),
    ],
)
def test_a_shell_completes_commands_and_options(typed, offered, monkeypatch, capsys):
    words = f"deployworkbook {typed}"
    monkeypatch.setenv("_DEPLOYWORKBOOK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    with pytest.raises(SystemExit):
        main([])
    assert set(capsys.readouterr().out.split()) == offered

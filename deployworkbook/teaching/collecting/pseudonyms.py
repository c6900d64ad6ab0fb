"""Pseudonyms: an adjective and an animal, drawn at random."""

from __future__ import annotations

import re
import secrets

from deployworkbook.validation import value_error

ADJECTIVES = (
    *("amber", "agile", "airy", "bold", "brave", "bright", "brisk", "calm", "candid", "careful"),
    *("cheery", "clever", "copper", "cosy", "crisp", "curious", "dapper", "daring", "deft"),
    *("eager", "early", "earnest", "fair", "fond", "frank", "fresh", "gentle", "glad", "golden"),
    *("grand", "handy", "happy", "hardy", "honest", "humble", "jolly", "jovial", "keen", "kind"),
    *("lively", "lofty", "loyal", "lucid", "lucky", "lunar", "mellow", "merry", "mighty", "mild"),
    *("modest", "neat", "nimble", "noble", "patient", "placid", "plucky", "polite", "prompt"),
    *("proud", "quick", "quiet", "rapid", "ready", "robust", "rosy", "rustic", "serene", "sharp"),
    *("shiny", "silent", "silver", "sleek", "snug", "solar", "solid", "spry", "steady", "stellar"),
    *("sturdy", "subtle", "sunny", "swift", "tidy", "tranquil", "trusty", "upbeat", "vivid"),
    *("warm", "wise", "witty", "zesty"),
)
ANIMALS = (
    *("alpaca", "badger", "beaver", "bee", "bison", "bobcat", "camel", "caribou", "cheetah"),
    *("cobra", "condor", "corgi", "cougar", "coyote", "crane", "cricket", "crow", "deer"),
    *("dingo", "dolphin", "dove", "eagle", "egret", "elk", "ermine", "falcon", "ferret", "finch"),
    *("firefly", "fox", "gazelle", "gecko", "gibbon", "goose", "grouse", "gull", "hare", "hawk"),
    *("heron", "horse", "hornet", "ibex", "ibis", "iguana", "jackal", "jaguar", "jay", "kestrel"),
    *("kiwi", "koala", "lark", "lemur", "leopard", "lion", "lizard", "llama", "lobster", "lynx"),
    *("magpie", "marmot", "marten", "mole", "moose", "moth", "newt", "octopus", "orca", "oryx"),
    *("otter", "owl", "panda", "parrot", "pelican", "penguin", "pigeon", "plover", "puffin"),
    *("puma", "quail", "rabbit", "raven", "robin", "salmon", "seal", "sparrow", "stoat", "stork"),
    *("swallow", "swan", "tapir", "tern", "tiger", "toucan", "trout", "turtle", "walrus"),
    *("weasel", "whale", "wolf", "wombat", "wren", "yak", "zebra"),
)

# Nothing that a spreadsheet, a terminal or a file system gives a meaning.
PATTERN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST = 40


def draw_pseudonym() -> str:
    """Return a random pseudonym such as ``brave-otter``; there are about 9000."""
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(ANIMALS)}"


def is_pseudonym(name: object) -> bool:
    """Return whether a name has the form of a pseudonym.

    >>> is_pseudonym("brave-otter"), is_pseudonym("../otter")
    (True, False)
    """
    return isinstance(name, str) and len(name) <= LONGEST and bool(PATTERN.fullmatch(name))


def check_pseudonym(name: str) -> str:
    """Return a pseudonym that a learner chose.

    Raises:
        ValueError: It has another form.

    >>> check_pseudonym("team-7")
    'team-7'
    """
    if not is_pseudonym(name):
        expected = f"small letters, digits and hyphens, a letter first, at most {LONGEST}"
        raise value_error(
            "name", received=repr(name), expected=expected, remedy="For example: brave-otter."
        )
    return name

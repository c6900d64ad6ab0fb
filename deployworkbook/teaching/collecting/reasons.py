"""Why an answer couldn't be judged, in words.

Where a function was called, it says itself how it ended: a teacher reads that, and nothing else
depends on it.
"""

from __future__ import annotations

from typing import Literal

from deployworkbook.teaching.collecting.calling import Ending

Reason = Ending | Literal["lost", "looked up", "not called", "no time left", "not comparable"]

_TEXTS: dict[Reason, str] = {
    "lost": (
        "The answer couldn't be kept as data: it was too large, or its function's source was lost."
    ),
    "looked up": "The function looks the right answer up in the package, so it wasn't called.",
    "not called": "Functions weren't called, because this system can't confine a process.",
    "no time left": "The learner's other functions had used up the time for calls.",
    "not comparable": "The answer's numbers can't be compared with the right ones.",
    "not allowed": (
        "The function opened a file, or used the network or another process, which isn't allowed "
        "here."
    ),
    "no module": "The function imports a module that it can't have here.",
    "failed": "The function raised an error.",
    "no value": "The function returned nothing: return is missing.",
    "no numbers": "The function returned something other than numbers.",
    "too late": "The function took too long.",
    "killed": "The function took too much memory or time, or ended its process.",
    "garbage": "The function ended its process, or returned too much.",
}


def text_of(reason: Reason) -> str:
    """Return a reason as a sentence.

    Args:
        reason: Why an answer wasn't judged.

    >>> text_of("too late")
    'The function took too long.'
    """
    return _TEXTS.get(reason, _TEXTS["garbage"])

"""Reasons as data: what a rule found, as a code with its facts. Pages, mails and logs turn it into words.

A rule returns reasons beside its decision; they are stored as JSON on the order and shown years later, so a code keeps its
meaning and its parameters' names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Any

from app.errors import ResellerError

OWN_WORDS = 15
"""Letters of its own that a sentence must have to be recognized."""
CODE = "_code"
"""Behind the name of a fact that is an error's sentence: the fact that is its code."""
SENTENCES: dict[str, str] = {}
"""English sentence per code with `{parameter}` places; each room adds its own by `register`."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding: a stable code and its facts as (name, value) pairs of strings, in a fixed order."""

    code: str
    params: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON form: `{"code": ..., "params": {...}}`."""
        return {"code": self.code, "params": dict(self.params)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reason:
        """The reason as it was stored by `as_dict`."""
        return cls(stored["code"], tuple(stored["params"].items()))

    def __str__(self) -> str:
        return sentence(self)


def because(code: str, **params: object) -> Reason:
    """A reason whose facts are written as text. Raises KeyError for a code no room registered: a reason must be sayable."""
    if code not in SENTENCES:
        raise KeyError(f"no sentence for reason {code!r}")
    return Reason(code, tuple((name, str(value)) for name, value in params.items()))


def told(name: str, error: ResellerError) -> dict[str, str]:
    """An error as a fact of a reason: its sentence, and its code as `<name>_code`, by which pages say it in their language."""
    return {name: error.sentence, f"{name}{CODE}": error.code}


def register(sentences: Mapping[str, str]) -> None:
    """Add a room's sentences. Raises ValueError when a code already has another sentence."""
    for code, text in sentences.items():
        if SENTENCES.setdefault(code, text) != text:
            raise ValueError(f"reason {code!r} has two sentences")


def recognized(text: str) -> Reason | None:
    """The reason whose English sentence this is, perhaps without its full stop; for those that are stored as text.

    None where none is, or where a sentence has hardly any words of its own and so would fit anything.
    """
    for code, pattern in _patterns(len(SENTENCES)):
        if found := pattern.fullmatch(text):
            return Reason(code, tuple(found.groupdict().items()))
    return None


@lru_cache(maxsize=1)
def _patterns(known: int) -> list[tuple[str, re.Pattern[str]]]:
    """Each sentence as what it may have become; made anew when another room registered its own."""
    made = []
    for code, text in SENTENCES.items():
        parts = list(Formatter().parse(text.removesuffix(".")))
        names = [name for _, name, _, _ in parts if name]
        if sum(len(plain.strip()) for plain, _, _, _ in parts) < OWN_WORDS or len(names) != len(set(names)):
            continue
        made.append((code, "".join(re.escape(plain) + (f"(?P<{name}>.+?)" if name else "") for plain, name, _, _ in parts)))
    return [(code, re.compile(rf"{pattern}\.?", re.DOTALL)) for code, pattern in made]


def sentence(reason: Reason) -> str:
    """The reason in English, for staff and logs."""
    return SENTENCES[reason.code].format(**dict(reason.params))

"""Reasons as data: what a rule found, as a code with its facts. Pages, mails and logs turn it into words.

A rule returns reasons beside its decision; they are stored as JSON on the order and shown years later, so a code keeps its
meaning and its parameters' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def register(sentences: Mapping[str, str]) -> None:
    """Add a room's sentences. Raises ValueError when a code already has another sentence."""
    for code, text in sentences.items():
        if SENTENCES.setdefault(code, text) != text:
            raise ValueError(f"reason {code!r} has two sentences")


def sentence(reason: Reason) -> str:
    """The reason in English, for staff and logs."""
    return SENTENCES[reason.code].format(**dict(reason.params))

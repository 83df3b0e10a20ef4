"""Text of others as one line: nothing in it directs a terminal, a mail header or the eye."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text without control and directing characters, its end without blanks."""
    return "".join(letter if letter.isprintable() else " " for letter in text).rstrip()


def one_line(text: str) -> str:
    """One line: no control characters, no double blanks."""
    return " ".join(printable(text).split())

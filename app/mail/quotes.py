"""What somebody wrote anew in a mail, without what it answers. Pure.

Only what is surely a copy goes: answers between quoted lines stay together with what they answer.
"""

from __future__ import annotations

import re

_DIVIDER = re.compile(
    r"\s*-{2,}\s*(?:original message|original appointment|forwarded message|urspr[uü]ngliche nachricht|original-?nachricht"
    r"|weitergeleitete nachricht)\s*-{2,}\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(?:from|von):\*?\s+\S.*", re.IGNORECASE)
_SENT = re.compile(r"\s*\*?(?:sent|date|gesendet|datum):\*?\s+\S.*", re.IGNORECASE)
_WROTE = re.compile(r"(?:on|am)\s.{5,300}(?:wrote|schrieb)\b.{0,200}:", re.IGNORECASE)
_SIGNATURE = re.compile(r"--\s*")
NEAR = 3
"""Lines over which mail programs break the line that names who wrote."""


def own_words(text: str) -> str:
    """The text without the mail quoted at its end and without a signature; the whole text where nothing else is left."""
    lines = text.splitlines()
    end = next((at for at in range(len(lines)) if _begins_copy(lines, at)), len(lines))
    end = next((at for at in range(end) if _SIGNATURE.fullmatch(lines[at])), end)
    kept = lines[:end]
    while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith(">")):
        kept.pop()
    return "\n".join(kept).strip() or text.strip()


def _begins_copy(lines: list[str], at: int) -> bool:
    """Whether all from here on is a copy: a divider, the head of a mail, or `.. wrote:` before quoted lines alone."""
    if _DIVIDER.fullmatch(lines[at]):
        return True
    if _FROM.fullmatch(lines[at]):
        return any(_SENT.fullmatch(line) for line in lines[at + 1 : at + 1 + NEAR])
    if lines[at][:3].lower() not in ("on ", "am "):
        return False
    for last in range(at, min(at + NEAR, len(lines))):
        if _WROTE.fullmatch(" ".join(line.strip() for line in lines[at : last + 1])):
            rest = [line for line in lines[last + 1 :] if line.strip()]
            return bool(rest) and all(line.lstrip().startswith(">") for line in rest)
    return False

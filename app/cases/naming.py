"""How free text names a person: by an e-mail address as it is written, or by a full name. Pure.

An address counts whole only: `eva@x.example` is not in `reva@x.example`, nor in `eva@x.example.org`. A name counts as words: "Eva
Endkunde" is not in "Eva Endkunde-Schmidt", and a single word names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ERASED = "[erased]"


@dataclass(frozen=True)
class Named:
    """What stands for one person: `addresses`, and `names` that belong to nobody else we know of."""

    addresses: frozenset[str]
    names: frozenset[str] = frozenset()

    def has_address(self, *texts: str) -> bool:
        """Whether an address of the person stands in one of them."""
        return any(self._addresses.search(text) for text in texts)

    def has_any(self, *texts: str) -> bool:
        """Whether an address or a name of the person stands in one of them."""
        return any(self._any.search(text) for text in texts)

    def without(self, kept: Any, *, names: bool = True) -> Any:
        """The same data with each of its texts rid of addresses and, unless told otherwise, names."""
        pattern = self._any if names else self._addresses
        if isinstance(kept, str):
            return pattern.sub(ERASED, kept)
        if isinstance(kept, dict):
            return {name: self.without(value, names=names) for name, value in kept.items()}
        return [self.without(value, names=names) for value in kept] if isinstance(kept, list) else kept

    @cached_property
    def _addresses(self) -> re.Pattern[str]:
        return re.compile(_address(self.addresses), re.IGNORECASE)

    @cached_property
    def _any(self) -> re.Pattern[str]:
        names = rf"|(?<![\w-])(?:{_alternatives(self.names)})(?![\w-])" if self.names else ""
        return re.compile(_address(self.addresses) + names, re.IGNORECASE)


def is_full_name(name: str) -> bool:
    """Whether it has two words or more: less is too common to be looked for in texts."""
    return len(name.split()) > 1


def _address(addresses: Iterable[str]) -> str:
    return rf"(?<![\w.+%'-])(?:{_alternatives(addresses)})(?![\w-]|\.\w)"


def _alternatives(words: Iterable[str]) -> str:
    # The longest first; blanks as they come, for mails and forms break lines.
    return "|".join(r"\s+".join(map(re.escape, word.split())) for word in sorted(words, key=len, reverse=True))

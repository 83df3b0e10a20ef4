"""What every row has: a global id and metadata."""

from __future__ import annotations

import base64
import itertools
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

ZERO = Decimal(0)
_numbers = itertools.count(1)


def number() -> str:
    """A key as Saleor gives rows that are counted."""
    return str(next(_numbers))


def uid() -> str:
    """A key as Saleor gives rows whose id must not be guessed."""
    return str(uuid.uuid4())


@dataclass(eq=False, kw_only=True)
class Row:
    """Something with a global id, `base64("Type:key")`."""

    TYPE: ClassVar[str] = ""

    pk: str = field(default_factory=number)
    metadata: dict[str, str] = field(default_factory=dict)
    private_metadata: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Saleor's global id."""
        return base64.b64encode(f"{self.TYPE}:{self.pk}".encode()).decode()


@dataclass(eq=False, kw_only=True)
class Numbered(Row):
    """A row with a counted key."""


@dataclass(eq=False, kw_only=True)
class Unguessable(Row):
    """A row with a random key."""

    pk: str = field(default_factory=uid)

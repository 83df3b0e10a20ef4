"""What a page of staff is: where it is, what it is called, and what it takes to see it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.web.dashboard.permissions import Permission


@dataclass(frozen=True, slots=True)
class Page:
    """One page with its routes. `path` is below `/dashboard`; `word` names it in the menu, or it is in none."""

    path: str
    word: str
    permission: Permission
    router: APIRouter
    uploads: tuple[str, ...] = ()
    """Paths below `/dashboard` whose form carries a file."""
    bank_files: tuple[str, ...] = ()
    """Those of these whose file may be as large as a bank's."""

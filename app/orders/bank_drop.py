"""A folder that bank files are dropped into: by hand, from a mount, or by an SFTP server that writes there.

A file is read once nobody writes to it any more, and moved to `done/`, or to `refused/` with the reason beside it.
"""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.errors import ResellerError
from app.orders.bank_batch import ImportReport
from app.orders.bank_upload import import_bank_file
from app.orders.services import Services
from app.saleor.shops import Shop

QUIET_SECONDS = 5.0
"""A file that did not change for so long is whole, as far as anybody can see."""
PATIENCE_SECONDS = 600.0
"""A file that ends in the middle may be an upload that stands still: for so long after its last change it is not refused."""
CUT_OFF = frozenset({"truncated", "empty"})
UNFINISHED = (".part", ".filepart", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".uploading", ".swp", "~")
"""Ends of names under which programs write what is not whole yet."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What became of one file: its report, or why it was refused (`moved`) or has to wait."""

    name: str
    report: ImportReport | None = None
    sentence: str = ""
    moved: bool = False


@dataclass(slots=True)
class _Seen:
    """A file as it was at the last look."""

    size: int
    changed: int
    since: datetime
    told: bool = False

    def is_as(self, other: _Seen) -> bool:
        return (self.size, self.changed) == (other.size, other.changed)

    def quiet(self, now: datetime) -> float:
        """Seconds without a change, by the file's own time or as it was seen here: clocks of file servers may differ."""
        return max(now.timestamp() - self.changed / 1e9, (now - self.since).total_seconds())


@dataclass(slots=True)
class Drop:
    """One watched folder; `look` at it again and again."""

    directory: Path
    _seen: dict[str, _Seen] = field(default_factory=dict)

    async def look(self, services: Services, shop: Shop, *, by: str) -> AsyncIterator[Dropped]:
        """Import every file that is whole; what was told of a file that has to wait is not told again until it changes."""
        now = services.clock()
        before, self._seen = self._seen, {}
        for path, found in _looked_at(self.directory, now):
            known = before.get(path.name)
            if known is not None and known.is_as(found):
                found = known
            self._seen[path.name] = found
            if found.quiet(now) < QUIET_SECONDS:
                continue
            dropped = await _import(services, shop, path, found, by)
            if dropped is None or dropped.moved:
                self._seen.pop(path.name)
            if dropped is not None and (dropped.moved or not found.told):
                found.told = True
                yield dropped

    def is_growing(self, now: datetime) -> bool:
        """Whether a file may still be written to."""
        return any(seen.quiet(now) < QUIET_SECONDS for seen in self._seen.values())


def _looked_at(directory: Path, now: datetime) -> list[tuple[Path, _Seen]]:
    return [(path, found) for path in sorted(directory.iterdir()) if (found := _look_at(path, now)) is not None]


def _look_at(path: Path, now: datetime) -> _Seen | None:
    """A file that was dropped. A link is none: who may write here is not given the operator's files to read."""
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED):
        return None
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return _Seen(found.st_size, found.st_mtime_ns, now) if stat.S_ISREG(found.st_mode) else None


async def _import(services: Services, shop: Shop, path: Path, seen: _Seen, by: str) -> Dropped | None:
    """Import one file and move it away; None where it is gone, or changed while it was read and will be read again."""
    report, sentence, code = None, "", ""
    try:
        with path.open("rb") as source:
            report = await import_bank_file(services, shop, source, file_name=path.name, by=by)
    except ResellerError as refused:
        sentence, code = refused.sentence, refused.code
    except FileNotFoundError:
        return None
    except OSError as error:
        return Dropped(path.name, sentence=f"{path.name} cannot be read: {error.strerror}.")
    now = services.clock()
    if (after := _look_at(path, now)) is None or not after.is_as(seen):
        return None
    if code in CUT_OFF and seen.quiet(now) < PATIENCE_SECONDS:
        return Dropped(path.name, sentence=sentence)
    _move(path, "done" if report else "refused", sentence, now)
    return Dropped(path.name, report, sentence, moved=True)


def _move(path: Path, folder: str, sentence: str, now: datetime) -> None:
    place = path.parent / folder / f"{now:%Y%m%dT%H%M%S%f}-{path.name}"
    place.parent.mkdir(exist_ok=True)
    if sentence:
        place.with_name(f"{place.name}.txt").write_text(f"{sentence}\n", encoding="utf-8")
    path.rename(place)

"""The one place that turns what the machine refuses - files, ports, the database - into a sentence for the operator."""

from __future__ import annotations

from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy.exc import DBAPIError, OperationalError

NOT_MIGRATED = "The database is not at the schema of this program; run `reseller migrate`."


def machine_sentence(error: OSError | DBAPIError) -> str | None:
    """What went wrong and, where that is known, the way out; None for what only a mistake in the program can bring about."""
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        return f"{error.filename}: {what}." if error.filename else f"{what.rstrip('.')}."
    text = str(error.orig)
    if isinstance(error.orig, (UndefinedTable, UndefinedColumn)) or text.startswith(("no such table", "no such column")):
        return NOT_MIGRATED
    return f"The database cannot be used: {text.strip()}." if isinstance(error, OperationalError) else None

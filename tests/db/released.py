"""The schema that the last release's code works with: `uv run python -m tests.db.released REVISION` records it at a release.

`test_released` holds the newest schema against it, since old processes go on while new ones start.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.db.migrate import SCRIPTS

FILE = Path(__file__).with_name("released.json")


def migrated(path: Path, revision: str) -> sa.Engine:
    """A SQLite database at a revision."""
    engine = sa.create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def described(engine: sa.Engine) -> dict[str, dict[str, Any]]:
    """Each table's columns: type, and whether an insert has to give them."""
    inspector = sa.inspect(engine)
    return {
        table: {
            column["name"]: {
                "type": str(column["type"]),
                "needed": not column["nullable"] and column["default"] is None,
            }
            for column in inspector.get_columns(table)
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


def main(revision: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tables = described(migrated(Path(directory) / "released.db", revision))
    FILE.write_text(json.dumps({"revision": revision, "tables": tables}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

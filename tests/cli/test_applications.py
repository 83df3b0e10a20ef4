import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.db.migrate import upgrade
from app.db.session import Database
from app.errors import Conflict, InvalidInput
from app.resellers.tables import Application
from tests.conftest import NOW, install


def call(*arguments: str) -> Any:
    """What a command prints as JSON; the error it ends with is raised."""
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def prepare(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    row = Application(
        saleor_user_id="u",
        email="rita@beta.example",
        company="Beta",
        state="submitted",
        answers={},
        created_at=NOW,
        submitted_at=NOW,
    )
    async with database.tenant(await install(database, "http://shop.example/graphql/")) as session:
        session.add(row)
    await database.close()


@pytest.fixture(autouse=True)
def _shop_with_an_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migrated database with one shop that has one application."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)
    asyncio.run(prepare(url))


def test_a_policy_is_published_once_and_shown(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("# Policy\n")
    (tmp_path / "bad.md").write_bytes(b"\xff")
    assert "none published" in call("policy", "show")["text"]
    files = ["--english", str(tmp_path / "p.md"), "--german", str(tmp_path / "p.md"), "--from", "2026-01-01"]
    assert call("policy", "publish", "2026-1", *files)["version"] == "2026-1"
    assert call("policy", "show")["text_en"] == "# Policy\n"
    assert [row["in_force"] for row in call("policy", "list")] == [True]
    files[1] = str(tmp_path / "bad.md")
    with pytest.raises(InvalidInput, match="--english: "):
        call("policy", "publish", "2026-2", *files)


def test_an_application_is_shown_asked_about_and_rejected_once() -> None:
    (listed,) = call("applications", "list")
    assert listed["email"] == "rita@beta.example"
    assert "street: it is missing." in call("applications", "show", "rita@beta.example")["lacks"]
    with pytest.raises(InvalidInput, match="lacks something"):
        call("applications", "approve", "rita@beta.example")
    with pytest.raises(InvalidInput, match="only a linked account takes one"):
        call("applications", "approve", "rita@beta.example", "--role", "viewer")
    for command, state in (("ask", "more_information"), ("reject", "rejected")):
        told = call("applications", command, "rita@beta.example", "--reason", "Why?", "--by", "anna")
        assert told["state"] == state
    with pytest.raises(Conflict, match="already decided by anna"):
        call("applications", "reject", "rita@beta.example", "--reason", "Why?")
    assert call("applications", "list") == []

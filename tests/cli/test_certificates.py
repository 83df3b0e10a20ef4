import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.db.migrate import upgrade
from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.files.service import Purpose, Upload, arriving, keep
from app.files.storage import Storage
from app.resellers.tables import Application, Reseller
from app.tax.service import import_rates, register_state
from tests.cli.test_applications import call
from tests.conftest import NOW, install
from tests.files.samples import PDF, PNG

EMAIL = "texan@partner.example"
ADD = ("certificates", "add", EMAIL, "--number", "TX-1", "--state", "TX", "--valid-from", "2026-01-01")


async def prepare(url: str, files: Path) -> str:
    database = Database(url)
    await upgrade(database)
    tenant = await install(database, "http://shop.example/graphql/")
    reseller = Reseller(
        email=EMAIL, company="Texan", street="1", city="Austin", postal_code="78701", country="US", state="TX",
        status="approved", created_at=NOW,
    )  # fmt: skip
    application = Application(saleor_user_id="u", email="rita@beta.example", state="submitted", answers={}, created_at=NOW)
    async with database.tenant(tenant) as session:
        session.add_all([reseller, application])
        await register_state(session, "TX", valid_from=NOW.date())
        await import_rates(session, "state,rate,valid_from\nTX,8.25,2026-01-01\n", version="1", at=NOW)
    storage = Storage(str(files))
    async with (
        arriving(
            database, storage, tenant, Upload(PNG, "shop window.png"), purpose=Purpose.EVIDENCE, by="rita", at=NOW, limit=1000,
            application_id=application.id,
        ) as file,
        database.tenant(tenant) as session,
    ):  # fmt: skip
        await keep(session, file)
    await database.close()
    return file.id


@pytest.fixture(autouse=True)
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database with one shop, its reseller and an application with one file; the file's id."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)
    monkeypatch.setenv("RESELLER_FILES_URL", str(tmp_path / "files"))
    return asyncio.run(prepare(url, tmp_path / "files"))


def test_a_certificate_from_entry_to_revocation(tmp_path: Path) -> None:
    paper, saved = tmp_path / "paper.pdf", tmp_path / "saved.pdf"
    paper.write_bytes(PDF)
    made = call(*ADD, "--file", str(paper), "--by", "anna")
    assert made["state"] == "pending"
    assert [row["id"] for row in call("certificates", "list", EMAIL, "--state", "pending")] == [made["id"]]
    assert call("certificates", "list", "--state", "approved") == []
    shown = call("certificates", "show", made["id"], "--save", str(saved))
    assert (shown["document"]["name"], shown["entered_by"], saved.read_bytes()) == ("paper.pdf", "anna", PDF)
    with pytest.raises(InvalidInput, match=r"--save: .* File exists"):
        call("certificates", "show", made["id"], "--save", str(saved))
    before = call("certificates", "taxed", EMAIL, "--date", "2026-03-02")
    assert (before["taxed"], before["rate"], len(before["because"])) == (True, "8.25 %", 2)
    assert call("certificates", "approve", made["id"], "--by", "berta")["decided_by"] == "berta"
    with pytest.raises(Conflict, match="already decided by berta"):
        call("certificates", "reject", made["id"], "--reason", "late")
    assert call("certificates", "taxed", EMAIL, "--date", "2026-03-02")["taxed"] is False
    assert call("certificates", "taxed", EMAIL, "--date", "2026-03-02", "--state", "NY")["state"] == "NY"
    assert call("certificates", "revoke", made["id"], "--reason", "It was false.")["state"] == "revoked"
    assert call("certificates", "show", made["id"])["reason"] == "It was false."
    assert call("certificates", "taxed", EMAIL, "--date", "2026-03-02")["taxed"] is True


def test_from_paper_and_what_is_wrong(tmp_path: Path) -> None:
    made = call(*ADD, "--valid-to", "2026-12-31", "--approve")
    assert made["state"] == "approved"
    with pytest.raises(InvalidInput, match="entered from paper"):
        call("certificates", "show", made["id"], "--save", str(tmp_path / "x"))
    with pytest.raises(NotFound):
        call("certificates", "approve", "none")
    page = tmp_path / "paper.pdf"
    page.write_text("<html>")
    wrong: list[tuple[list[str], type[Exception], str]] = [
        ([*ADD, "--file", str(page)], InvalidInput, "file: it is none of the kinds"),
        ([*ADD, "--file", str(tmp_path / "none")], InvalidInput, "--file: .* cannot be read"),
        ([*ADD], Conflict, "the one that replaces it"),
    ]
    for arguments, error, says in wrong:
        with pytest.raises(error, match=says):
            call(*arguments)
    renewal = call(*ADD[:6], "NY", *ADD[7:], "--form", "MTC", "--replaces", made["id"])
    shown = call("certificates", "show", renewal["id"])
    assert (shown["reseller"], [told.partition(" ")[0] for told in shown["look_at"]]) == (EMAIL, ["NY", "It"])
    assert call("certificates", "reject", renewal["id"], "--reason", "not signed")["state"] == "rejected"
    assert [row["state"] for row in call("certificates", "list")] == ["approved", "rejected"]


def test_evidence_of_an_application_is_listed_and_saved(tmp_path: Path, evidence: str) -> None:
    shown: list[dict[str, Any]] = call("applications", "show", "rita@beta.example")["evidence"]
    assert shown == [{"id": evidence, "name": "shop window.png", "type": "image/png", "bytes": len(PNG)}]
    saved = tmp_path / "saved.png"
    call("applications", "evidence", evidence, "--save", str(saved))
    assert saved.read_bytes() == PNG

"""Cases by commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from app.cases.rules import opening
from app.cases.service import open_case
from app.errors import Conflict, InvalidInput, NotFound
from app.main import open_services
from app.resellers.tables import Reseller
from app.settings import load
from tests.cli.test_applications import call
from tests.cli.test_statements import EMAIL, prepare


@pytest.fixture(autouse=True)
def number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The number of the one case of the one shop."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)

    async def asked() -> str:
        await prepare(url)
        async with open_services(load()) as services:
            (shop,) = services.shops.all()
            async with services.database.tenant(shop.tenant_id) as session:
                reseller = (await session.scalars(select(Reseller))).one()
                what = opening("advice", "Volume", "40 seats.")
                case, _ = await open_case(session, services, shop, reseller, what, by=EMAIL, language="en")
                return case.number

    return asyncio.run(asked())


def test_a_case_is_listed_answered_and_closed(number: str, tmp_path: Path) -> None:
    (listed,) = call("cases", "list")
    assert (listed["number"], listed["state"], listed["company"]) == (number, "open", "Texan")
    assert [task["key"].partition(":")[0] for task in call("orders", "tasks")] == ["case"]
    answer = tmp_path / "answer.txt"
    answer.write_text("15 % it is.\n", "utf-8")
    shown = call("cases", "answer", number, "--file", str(answer), "--by", "anna")
    assert (shown["state"], [one["text"] for one in shown["entries"]]) == ("answered", ["40 seats.", "15 % it is."])
    assert call("orders", "tasks") == []
    assert call("cases", "close", number, "--outcome", "Sold.", "--by", "anna")["closed_by"] == "anna"
    assert call("cases", "list") == []
    assert [one["number"] for one in call("cases", "list", "--all")] == [number]
    assert len(call("cases", "show", number)["entries"]) == 3
    assert call("cases", "support") == []


def test_what_cannot_be_says_why(number: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--text or with --file"):
        call("cases", "answer", number)
    with pytest.raises(InvalidInput, match="cannot be read"):
        call("cases", "answer", number, "--file", str(tmp_path / "none"))
    with pytest.raises(NotFound, match="no such case"):
        call("cases", "show", "A1")
    call("cases", "close", number, "--outcome", "Sold.")
    with pytest.raises(Conflict, match="closed"):
        call("cases", "answer", number, "--text", "More")

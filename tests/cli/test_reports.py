"""Reports by commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.errors import InvalidInput
from tests.cli.test_applications import call
from tests.cli.test_statements import EMAIL, month, prepare


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One shop, whose reseller owes one order of last month."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)
    asyncio.run(prepare(url))


def test_reports_by_commands(tmp_path: Path) -> None:
    before = call("reports", "show", "sales")
    assert (before["as_of"], before["rows"]) == (None, [])
    assert call("reports", "refresh") == {"resellers_summed_up": 1}
    assert call("reports", "refresh", "--all") == {"resellers_summed_up": 1}
    file = tmp_path / "sales.csv"
    (row,) = call("reports", "show", "sales", "--period", "last_month", "--csv", str(file))["rows"]
    assert (row["email"], row["orders"], row["gross"]) == (EMAIL, 1, "100.00")
    assert EMAIL in file.read_text()
    assert call("reports", "show", "sales", "--from", str(month()))["rows"] == [row]
    assert call("reports", "show", "sales", "--from", "2020-01", "--to", "2020-12")["rows"] == []
    (open_,) = call("reports", "show", "ageing", "--currency", "usd")["rows"]
    assert open_["open"] == "100.00"
    assert call("reports", "show", "days")["rows"] == []


@pytest.mark.parametrize(
    "wrong",
    [("profit",), ("sales", "--period", "soon"), ("sales", "--from", "2026"), ("sales", "--currency", "JPY"),
     ("sales", "--from", "2026-02", "--to", "2026-01")],
)  # fmt: skip
def test_what_is_no_report(wrong: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        call("reports", "show", *wrong)

"""Price lists, typed as staff type them."""

from __future__ import annotations

import pytest

from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey


async def test_a_list_with_an_entry_that_is_removed_again(at: Journey, run: Run) -> None:
    assert (await run("prices", "list", "--json")).data == {"list": "default", "rate": "10", "version": 1, "entries": []}
    entry = await run("prices", "set", "--sku", "GRID-DEV", "--fixed", "91.50", "--currency", "USD", "--json")
    assert entry.code == 0, entry.err
    rate = await run("prices", "set", "--rate", "7.5", "--list", "gold", "--assign", RESELLER, "--json")
    assert (rate.code, rate.data["list"]) == (0, "gold")
    shown = (await run("prices", "list", "--json")).data["entries"]
    assert [(row["for"], row["price"]) for row in shown] == [("variant GRID-DEV", "91.50 USD")]
    preview = await run("prices", "preview", RESELLER, "GRID-DEV", "--json")
    assert (preview.code, preview.data[0]["partner_price"]) == (0, "92.50 USD")
    removed = await run("prices", "remove", shown[0]["id"], "--json")
    assert removed.data == {"removed": shown[0]["id"]}
    assert (await run("prices", "list", "--json")).data["entries"] == []
    gone = await run("prices", "remove", shown[0]["id"])
    assert (gone.code, "no such price entry" in gone.err) == (1, True)


async def test_a_misspelled_list_is_not_made(at: Journey, run: Run) -> None:
    wrong = await run("prices", "list", "--list", "glod")
    assert (wrong.code, wrong.err) == (1, "There is no price list 'glod'; there are: default.\n")
    assert (await run("prices", "list", "--list", "glod")).code == 1


async def test_what_only_an_entry_can_have_does_not_change_the_list(at: Journey, run: Run) -> None:
    for options, named in [
        (["--rate", "5", "--minimum-quantity", "10"], "--minimum-quantity"),
        (["--rate", "5", "--valid-from", "2026-04-01"], "--valid-from"),
        (["--rate", "5", "--valid-to", "2026-04-01"], "--valid-to"),
        (["--rate", "5", "--fixed", "9", "--currency", "USD"], "--fixed, --currency"),
        (["--fixed", "9", "--currency", "USD", "--assign", RESELLER], "--fixed, --currency"),
    ]:
        ended = await run("prices", "set", *options)
        assert (ended.code, ended.err.split(":")[0]) == (1, named)
    assert (await run("prices", "set")).code == 1
    assert (await run("prices", "list", "--json")).data["rate"] == "10"


@pytest.mark.parametrize("options", [["--sku", "NOTHING", "--rate", "5"], ["--rate", "50"]])
async def test_prices_that_cannot_be(at: Journey, run: Run, options: list[str]) -> None:
    ended = await run("prices", "set", *options)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)

"""Resellers and their taxes, typed as staff type them."""

from __future__ import annotations

from pathlib import Path

from app.sandbox.seed import END_CUSTOMER, RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey


async def test_a_company_is_added_and_decided_about(at: Journey, run: Run) -> None:
    address = ("--company", "Acme", "--street", "1 Main St", "--city", "Austin", "--postal-code", "78701", "--country", "US")
    added = await run("resellers", "add", END_CUSTOMER, *address, "--state", "TX", "--approve", "--accept-policy", "--json")
    assert (added.code, added.data["may_order"]) == (0, True)
    assert (await run("resellers", "suspend", END_CUSTOMER, "--reason", "debts", "--json")).data["status"] == "suspended"
    assert (await run("resellers", "suspend", END_CUSTOMER, "--reason", "debts")).code == 1
    assert (await run("resellers", "suspend", END_CUSTOMER, "--reason", " ")).code == 1
    assert END_CUSTOMER in [row["email"] for row in (await run("resellers", "list", "--json")).data]
    unknown = await run("resellers", "add", "nobody@nowhere.example", *address)
    assert (unknown.code, "no customer account" in unknown.err) == (1, True)
    assert (await run("resellers", "add", END_CUSTOMER)).code == 2


async def test_limits_of_one_reseller(at: Journey, run: Run) -> None:
    none = {"email": RESELLER, "prepaid_orders": None, "credit_limit": None, "order_limit": None}
    assert (await run("resellers", "limits", RESELLER, "--json")).data == none
    money = ("--credit-limit", "5000", "--order-limit", "1000", "--currency", "usd")
    given = await run("resellers", "limits", RESELLER, "--prepaid-orders", "0", *money, "--by", "anna", "--json")
    limits = {"email": RESELLER, "prepaid_orders": 0, "credit_limit": "5000.00 USD", "order_limit": "1000.00 USD"}
    assert given.data == limits
    assert (await run("resellers", "limits", RESELLER, "--order-limit", "900", "--json")).data["order_limit"] == "900.00 USD"
    shown = (await run("resellers", "show", RESELLER, "--json")).data
    assert shown["standing"] == "on_account"
    assert [(row["by"], row["action"]) for row in shown["history"]].count(("anna", "limits")) == 1
    for wrong in (
        ["--order-limit", "1", "--currency", "EUR"],
        ["--credit-limit", "-1"],
        ["--prepaid-orders", "some"],
        ["--currency", "USD"],
    ):
        assert (await run("resellers", "limits", RESELLER, *wrong)).code == 1, wrong
    cleared = ("--prepaid-orders", "none", "--credit-limit", "none", "--order-limit", "none")
    assert (await run("resellers", "limits", RESELLER, *cleared, "--json")).data == none
    needs = await run("resellers", "limits", RESELLER, "--credit-limit", "1")
    assert (needs.code, needs.err) == (1, "--credit-limit needs --currency.\n")


async def test_certificates_and_rates(at: Journey, run: Run, tmp_path: Path) -> None:
    certificate = ("certificates", "add", RESELLER, "--number", "01-339", "--valid-from", "2026-01-01")
    assert (await run(*certificate, "--state", "TX", "--approve")).code == 0
    assert (await run(*certificate, "--state", "ZZ")).code == 1
    table = tmp_path / "rates.csv"
    table.write_text("state,zip,rate,valid_from\nNY,,4,2020-01-01\n")
    assert (await run("rates", "import", str(table))).code == 0
    assert (await run("rates", "register", "NY")).code == 0
    table.write_text("state,rate\nNY,much\n")
    assert (await run("rates", "import", str(table))).code == 1

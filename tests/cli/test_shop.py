"""The installation's commands: doctor, check, webhooks, and the shop's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.documents.logo import decoded
from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.documents.test_logo import SVG
from tests.journeys.harness import Journey


async def test_an_installation_in_order(at: Journey, run: Run) -> None:
    examined = await run("doctor", "--json")
    assert not [row for row in examined.data if row["severity"] == "error"]
    assert examined.code == 0
    assert (await run("doctor", "--fix")).code == 0
    assert (await run("webhooks", "sync", "--json")).data == []
    checked = await run("check", "--json")
    assert (checked.code, any(checked.data.values())) == (0, False)


async def test_a_shell_without_the_apps_address_changes_no_webhook(
    at: Journey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESELLER_BASE_URL")
    for command in (
        ["webhooks", "sync"],
        ["webhooks", "sync", "--dry-run"],
        ["doctor", "--fix"],
        ["doctor"],
        ["worker"],
        ["serve"],
    ):
        ended = await run(*command)
        assert (ended.code, ended.err.startswith("RESELLER_BASE_URL is not set")) == (1, True), command
    assert (await run("orders", "tasks")).code == 0
    assert (await run("resellers", "show", RESELLER)).code == 0


async def test_live_webhooks_are_not_moved_to_this_machine(at: Journey, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESELLER_BASE_URL", "https://resellers.example")
    assert (await run("webhooks", "sync")).code == 0
    monkeypatch.setenv("RESELLER_BASE_URL", "http://localhost:8001")
    for command in (["webhooks", "sync"], ["doctor", "--fix"]):
        ended = await run(*command)
        assert (ended.code, ended.err.startswith("The shop calls https://resellers.example/")) == (1, True), command
    monkeypatch.setenv("RESELLER_BASE_URL", "https://resellers.example")
    assert (await run("webhooks", "sync", "--json")).data == []


async def test_settings_of_a_shop(at: Journey, run: Run) -> None:
    changed = await run(
        "shop", "set", "seller.postal_code=78701", "program.policy_version=2", "program.payment_days=14", "--json"
    )
    assert changed.code == 0, changed.err
    settings = (await run("shop", "show", "--json")).data
    assert settings["seller"]["postal_code"] == "78701"
    assert (settings["program"]["policy_version"], settings["program"]["payment_days"]) == ("2", 14)
    for value, says in [
        ("program.paymant_days=14", "program.paymant_days: there is no such setting; did you mean program.payment_days?"),
        ('program={"paymant_days": 14}', "program.paymant_days: there is no such setting; did you mean program.payment_days?"),
        ("sellr.name=x", "sellr: there is no such setting; did you mean seller?"),
        ("program.payment_days.x=1", "program.payment_days has no parts of its own; set it as a whole."),
        ("program.payment_days=many", "program.payment_days: Input should be a valid integer"),
        ("zzz=1", "zzz: there is no such setting; known are: program, seller"),
        ("program", "'program' is not PATH=VALUE."),
    ]:
        ended = await run("shop", "set", value)
        assert (ended.code, says in ended.err) == (1, True), ended.err
    twice = await run("shop", "set", "program=5", "program.payment_days=14")
    assert (twice.code, "was given as one value" in twice.err) == (1, True)
    assert (await run("shop", "show", "--json")).data == settings


async def test_bank_accounts(at: Journey, run: Run) -> None:
    account = ("shop", "add-bank-account", "--currency", "EUR", "--beneficiary", "Example GmbH", "--iban")
    added = await run(*account, "DE89370400440532013000", "--json")
    assert (added.code, [row["beneficiary"] for row in added.data if row["currency"] == "EUR"]) == (0, ["Example GmbH"])
    assert (await run(*account, "DE00")).code == 1


async def test_another_shop_is_not_taken_for_this_one(at: Journey, run: Run) -> None:
    ended = await run("check", "--shop", "https://other.example/graphql/")
    assert (ended.code, ended.err.startswith("The app is not installed in https://other.example/graphql/.")) == (1, True)


async def test_a_logo_is_checked_and_kept(at: Journey, run: Run, tmp_path: Path) -> None:
    picture, other = tmp_path / "logo.svg", tmp_path / "logo.png"
    picture.write_bytes(SVG)
    other.write_bytes(b"no picture")
    assert (await run("shop", "logo", str(picture), "--json")).data["bytes"] == len(SVG)
    kept = (await run("shop", "show", "--json")).data["documents"]["logo"]
    assert decoded(kept) == SVG
    refused = await run("shop", "logo", str(other))
    assert (refused.code, "is no PNG, JPEG or SVG picture" in refused.err) == (1, True)
    refused = await run("shop", "set", "documents.logo=bm8gcGljdHVyZQ==", "documents.accent_color=#112233")
    assert (refused.code, "is no PNG, JPEG or SVG picture" in refused.err) == (1, True)
    assert (await run("shop", "show", "--json")).data["documents"]["accent_color"] == "#1f3a5f", "nothing is half done"
    assert (await run("shop", "set", "documents.logo=", 'documents.footer={"en": "Court of Wake"}')).code == 0
    assert (await run("shop", "show", "--json")).data["documents"]["footer"]["en"] == "Court of Wake"

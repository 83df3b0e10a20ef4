"""Orders, wires, licenses and keys, typed as staff type them."""

from __future__ import annotations

from pathlib import Path

from app.orders.record import add_task
from app.reasons import because
from app.sandbox.seed import END_CUSTOMER, RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey


async def test_an_order_from_its_wire_to_its_license(at: Journey, run: Run, tmp_path: Path) -> None:
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1), ("GRID-DEV", 1)])
    await at.idle()
    number = order.number
    total = str((await run("orders", "show", number, "--json")).data["open"]).split()[0]

    held = await run("orders", "hold", number, "--reason", "customer unknown", "--days", "1", "--json")
    assert (held.code, held.data["gate"]["open"]) == (0, False)
    accepted = await run("orders", "accept", number, "--reason", "known now", "--by", "anna", "--json")
    assert accepted.code == 0
    await at.idle()
    wire = ("--order", number, "--currency", "USD", "--date", "2026-03-31", "--reference", "B1", "--json")
    confirmed = await run("wire", "confirm", "--amount", total, *wire)
    assert confirmed.code == 0, confirmed.err
    assert (await run("wire", "confirm", "--amount", total, *wire)).data["booked_before"]
    await at.idle()

    exported = await run("license", "export", number, "--directory", str(tmp_path / "out"), "--json")
    files = [Path(row["file"]) for row in exported.data]
    assert all(file.exists() for file in files)
    verified = await run("license", "verify", str(files[0]), "--json")
    assert (verified.code, verified.data["code"]) == (0, "VALID")

    row = await at.recorded(number)
    async with at.rows() as session:
        await add_task(session, f"canceled:{row.id}", row.id, [because("canceled_after_release")], at.services.clock())
    blank = await run("license", "suspend", number, "--reason", " ")
    assert (blank.code, "needs a reason" in blank.err) == (1, True)
    assert (await run("orders", "tasks", "--json")).data != []
    suspended = await run("license", "suspend", number, "--reason", "not paid back", "--by", "anna", "--json")
    assert {license["state"] for license in suspended.data} == {"suspended"}
    assert (await run("orders", "tasks", "--json")).data == []
    assert "suspended by anna: not paid back." in (await run("orders", "show", number)).out
    assert (await run("license", "verify", str(files[0]))).code == 1
    again = await run("license", "suspend", number, "--reason", "twice")
    assert (again.code, "could become suspended" in again.err) == (1, True)
    one = suspended.data[0]["id"]
    assert (await run("license", "reinstate", one, "--reason", "a mistake", "--json")).data[0]["state"] == "active"
    assert (await run("license", "revoke", one, "--reason", "after all", "--json")).data[0]["state"] == "revoked"

    refund = ("wire", "refund", "--order", number, "--amount", "1", "--currency", "USD", "--date")
    refunded = await run(*refund, "2026-04-01", "--reference", "R1", "--json")
    assert refunded.code == 0, refunded.err
    assert (await run(*refund, "soon", "--reference", "R2")).err == "--date: 'soon' is not a date like 2026-03-31.\n"


async def test_refusals_are_a_sentence(at: Journey, run: Run, tmp_path: Path) -> None:
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)])
    await at.idle()
    for command in (["orders", "show", "77"], ["license", "revoke", "77", "--reason", "x"], ["license", "export", "77"]):
        ended = await run(*command)
        assert (ended.code, ended.out, ended.err) == (1, "", "There is no order 77 of a reseller here.\n")
    none_yet = await run("license", "export", order.number)
    assert (none_yet.code, none_yet.err) == (1, f"Order {order.number} has no license yet.\n")
    assert (await run("orders", "done", "nothing")).code == 1
    assert (await run("orders", "hold", order.number, "--reason", "x", "--days", "99999999")).code == 2
    assert (await run("orders", "hold", order.number)).code == 2
    issued = await run("license", "temporary", order.number, "--json")
    assert (issued.code, len(issued.data)) == (0, 1)
    (tmp_path / "taken").write_text("a file")
    unwritable = await run("license", "export", order.number, "--directory", str(tmp_path / "taken" / "below"))
    assert (unwritable.code, unwritable.err) == (1, f"{tmp_path / 'taken' / 'below'}: Not a directory.\n")


async def test_keys_are_rotated_and_exported(at: Journey, run: Run) -> None:
    first, second = [(await run("keys", "rotate", "--json")).data for _ in range(2)]
    keys = (await run("license", "export", "--json")).data
    assert [(key["kid"], key["active"]) for key in keys] == [(first["kid"], False), (second["kid"], True)]
    wrong = await run("license", "verify", "nowhere.lic")
    assert (wrong.code, wrong.err.startswith("nowhere.lic cannot be read")) == (1, True)


async def test_case_29_a_mistyped_address_is_corrected_and_a_link_renewed(at: Journey, run: Run) -> None:
    account = at.sandbox.store.user_by_email(END_CUSTOMER)
    assert account is not None
    account.email, account.first_name = "wrong@mail.example", "Somebody"
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer="wrong@mail.example")
    await at.idle()
    await at.wire_came(order.number)
    await at.idle()
    renewed = await run("orders", "claim-again", order.number, "--by", "anna", "--json")
    assert (renewed.code, renewed.data["email"]) == (0, "wrong@mail.example")
    await at.idle()
    correct = ("orders", "ship-to", order.number, "--reason", "typed wrong", "--by", "anna", "--email")
    assert (await run(*correct, "nobody")).err == "--email: 'nobody' is not an e-mail address.\n"
    assert "own use" in (await run(*correct, RESELLER)).err
    done = await run(*correct, "right@acme.example", "--mail-again", "--json")
    assert done.data == {
        "number": order.number,
        "from": "wrong@mail.example",
        "to": "right@acme.example",
        "lost_by": None,
        "had_claimed": False,
        "mailed_again_to": RESELLER,
    }
    await at.idle()
    shown = (await run("orders", "show", order.number, "--json")).data
    assert shown["end_customer"]["email"] == "right@acme.example"
    assert [claim["withdrawn_at"] is not None for claim in shown["claims"]] == [True, True]
    assert (await run("orders", "claim-again", order.number)).err == f"No license of order {order.number} waits to be claimed.\n"

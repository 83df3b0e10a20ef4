"""Disputes, interest, write-offs, refunds and the comparison with Saleor, as an operator types them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from app.ledger.charging import charge_interest
from app.ledger.interest import DayCount, Rate
from app.ledger.service import receivable_id
from app.sandbox.seed import RESELLER
from tests.cli.conftest import Run
from tests.journeys.harness import Journey

IBAN = "DE89370400440532013000"


REFUND = """mutation Refund($id: ID!, $amount: PositiveDecimal) {
  transactionRequestAction(id: $id, actionType: REFUND, amount: $amount) { transaction { id } errors { field code message } }
}"""


def transaction_id(at: Journey, number: str) -> str:
    return at.order(number).transactions[0].id


async def charged(at: Journey, number: str) -> int:
    """A year of interest on an order."""
    async with at.rows() as session:
        debt = await receivable_id(session, (await at.recorded(number)).id)
        assert debt is not None
        now = datetime.now(UTC)
        rates = [Rate(date(2020, 1, 1), Decimal(10))]
        until = date(now.year + 1, now.month, 1)
        return await charge_interest(session, debt, until=until, rates=rates, day_count=DayCount.ACT_365, by="statement", at=now)


async def test_what_the_bookkeeper_decides_about_debts(at: Journey, run: Run) -> None:
    await at.trust(RESELLER)
    numbers = []
    for _ in range(2):
        _, order = await at.buy(RESELLER, [("GRID-DEV", 1)])
        numbers.append(order.number)
    await at.idle()
    first, second = numbers
    opened = await run("disputes", "open", first, "--reason", "wrong edition", "--by", "anna", "--json")
    assert (opened.code, opened.data["by"], opened.data["reason"]) == (0, "anna", "wrong edition")
    (listed,) = (await run("disputes", "list", "--json")).data
    assert (listed["order"], listed["reseller"], listed["came_to"]) == (first, RESELLER, None)
    closed = await run("disputes", "close", first, "--reason", "they keep it", "--by", "bob", "--json")
    assert (closed.data["by"], closed.data["came_to"]) == ("bob", "they keep it")
    assert (await run("disputes", "list", "--json")).data == []
    assert (await run("disputes", "close", first, "--reason", "x")).code == 1
    assert len((await run("disputes", "list", "--all", "--json")).data) == 1

    minor = await charged(at, first)
    assert minor > 0
    (owed,) = (await run("interest", "list", RESELLER, "--json")).data
    assert (owed["order"], owed["open"]) == (first, owed["charged"])
    refused = await run("interest", "waive", first, "--reason", "kind", "--expect", "0.01")
    assert (refused.code, "open now, not" in refused.err) == (1, True)
    waived = await run("interest", "waive", first, "--reason", "kind", "--json")
    assert waived.data["interest"] == owed["charged"]
    assert (await run("interest", "list", "--json")).data[0]["open"] == "0.00 USD"

    gone = await run("ledger", "write-off", second, "--reason", "insolvent", "--by", "anna", "--json")
    assert (gone.code, gone.data["interest"]) == (0, "0.00 USD")
    again = await run("ledger", "write-off", second, "--reason", "insolvent")
    assert (again.code, again.err) == (1, f"Nothing of order {second} is open.\n")
    account = (await run("ledger", "show", RESELLER, "--json")).data
    assert [row["what"] for row in account["booked"]] == ["receivable", "receivable", "interest", "credit", "write_off"]
    assert account["booked"][-1]["by"] == "anna"
    assert account["owed"] == [account["booked"][-1]["owed"]]
    assert (await run("check", "--json")).data["paid_orders_not_fulfilled"] == []


async def test_money_goes_back_and_saleor_is_compared(at: Journey, run: Run, tmp_path: Path) -> None:
    account = ["--currency", "EUR", "--beneficiary", "Vendor GmbH", "--iban", IBAN, "--bic", "COBADEFFXXX"]
    assert (await run("shop", "add-bank-account", *account)).code == 0
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)])
    await at.idle()
    await at.wire_came(order.number)
    await at.idle()
    compared = await run("orders", "reconcile-money", "--json")
    assert compared.data == {"compared": 1, "different": [], "nothing_to_compare_yet": []}
    at.order(order.number).transactions[0].charged -= 1
    (different,) = (await run("orders", "reconcile-money", order.number, "--json")).data["different"]
    assert (different["order"], len(different["differences"])) == (order.number, 1)
    tasks = (await run("orders", "tasks", "--json")).data
    assert [task["key"].partition(":")[0] for task in tasks] == ["money"]
    at.order(order.number).transactions[0].charged += 1
    await at.start("reconcile", "reconcile:now", datetime.now(UTC), None)
    await at.idle()
    assert (await run("orders", "tasks", "--json")).data == [], "done by itself once they agree"

    facts = ["--order", order.number, "--currency", "USD", "--reason", "returned goods", "--by", "anna"]
    added = await run("refunds", "add", "--amount", "10.00", *facts, "--json")
    assert (added.code, added.data["state"]) == (0, "by hand: SEPA sends EUR only, not USD.")
    too_much = await run("refunds", "add", "--amount", "500.00", *facts)
    assert (too_much.code, "are on the list already" in too_much.err) == (1, True)
    nothing = await run("refunds", "export", str(tmp_path / "out.xml"))
    assert (nothing.code, "No refund waits" in nothing.err) == (1, True)
    sent = ["refunds", "sent", added.data["id"], "--date", "2026-03-03", "--reference", "OUT-1", "--by", "bob", "--json"]
    for _ in range(2):
        assert (await run(*sent)).data["state"] == "sent, booked by bob with OUT-1"
    await at.idle()
    (transaction,) = at.order(order.number).transactions
    assert transaction.refunded == 10
    assert (await run("orders", "reconcile-money", "--json")).data["different"] == []
    assert (await run("refunds", "list", "--json")).data == []
    assert len((await run("refunds", "list", "--all", "--json")).data) == 1

    await at.staff.send(REFUND, "transactionRequestAction", id=transaction_id(at, order.number), amount=5)
    await at.idle()
    (asked,) = (await run("refunds", "list", "--json")).data
    assert (asked["order"], asked["amount"], asked["asked_by"]) == (order.number, "5.00 USD", "Saleor")
    (transaction,) = at.order(order.number).transactions
    assert transaction.refund_pending == 5
    assert (await run("orders", "reconcile-money", "--json")).data["different"] == [], "it is still with the vendor"
    off = await run("refunds", "cancel", asked["id"], "--reason", "they keep it", "--by", "anna", "--json")
    assert off.data["state"] == "canceled by anna: they keep it"
    await at.idle()
    assert transaction.refund_pending == 0, "Saleor was told"
    assert transaction.refunded == 10
    assert (await run("orders", "reconcile-money", "--json")).data["different"] == []
    assert await at.contradictions() == {}

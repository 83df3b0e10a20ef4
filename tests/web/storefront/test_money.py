"""What is owed, what is coming, and what a wire is said to pay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.ledger.tables import LedgerItem, RemittanceAdvice
from tests.conftest import NOW
from tests.orders.builders import recorded, rows, wire
from tests.web.storefront.conftest import REFERENCE, Store


async def advise(store: Store, user: str = "texan", **body: Any) -> Any:
    return await store.call(user, "/remittance-advice", "POST", json=body)


async def test_the_standing_names_what_is_coming_and_what_is_left_over(store: Store) -> None:
    before = (await store.call("texan", "/standing")).json()
    assert before["upcoming"] == [{"due_date": "2026-04-01", "amount": {"amount": "19.49", "currency": "USD"}}]
    assert before["unallocated"] == []
    await wire(store.world, amount="20.00")
    after = (await store.call("texan", "/standing")).json()
    assert (after["upcoming"], after["unallocated"]) == ([], [{"amount": "0.51", "currency": "USD"}])


async def test_the_statement_lists_open_orders_in_buckets(store: Store) -> None:
    assert (await store.call("rival", "/statement")).json() == {"as_of": "2026-03-02", "blocks": []}
    await wire(store.world, amount="10.00")
    store.world.clock.now = NOW + timedelta(days=75)
    # Today's token is a later one.
    body = (await store.call("texan", "/statement", headers={"Authorization": f"Bearer {store.later('texan')}"})).json()
    (block,) = body["blocks"]
    assert block["items"] == [
        {
            "order_number": "1", "order_date": "2026-03-02", "po_number": "", "amount": {"amount": "19.49", "currency": "USD"},
            "paid": {"amount": "10.00", "currency": "USD"}, "open": {"amount": "9.49", "currency": "USD"},
            "due_date": "2026-04-01", "days_overdue": 45, "href": "/storefront/v1/orders/1", "disputed": False,
            "interest": {"amount": "0.00", "currency": "USD"},
        }
    ]  # fmt: skip
    assert [one["amount"]["amount"] for one in block["buckets"]] == ["0.00", "0.00", "9.49", "0.00", "0.00"]
    assert [one["overdue"] for one in block["buckets"]] == ["not_due", "1-30", "31-60", "61-90", "over_90"]
    assert (block["total"]["amount"], block["unallocated"]["amount"]) == ("9.49", "0.00")


async def test_a_pasted_advice_is_read_compared_and_kept_and_books_nothing(store: Store) -> None:
    await recorded(store.world, "2")
    booked = len(await rows(store.world, LedgerItem))
    text = f"Advice\n{REFERENCE} 19.49 USD\nOrder 2   10.00\nInvoice 2026-00001 19.49\nPO-99 5.00\nsome 2026-1\nTotal 53.98\n"
    answer = await advise(store, text=text, paid_on="2026-03-30")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert [(line["order_number"], [one["code"] for one in line["reasons"]]) for line in body["lines"]] == [
        ("1", []),
        ("2", ["advice_less"]),
        ("1", ["advice_twice"]),
        (None, ["advice_unknown"]),
    ]
    assert body["lines"][1]["open"] == {"amount": "19.49", "currency": "USD"}
    assert [one["code"] for one in body["unread"]] == ["advice_unread"]
    assert (await advise(store, text=text, paid_on="2026-03-30")).json()["id"] == body["id"], "a double click"
    (kept,) = await rows(store.world, RemittanceAdvice)
    assert (kept.text, kept.by, str(kept.paid_on)) == (text, "texan@mail.example", "2026-03-30")
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        query = select(LedgerItem.order_number, LedgerItem.id).where(LedgerItem.kind == "receivable")
        debts = dict(iter(await session.execute(query)))
    assert [line["receivable_id"] for line in kept.lines] == [debts["1"], debts["2"], debts["1"], None]
    assert len(await rows(store.world, LedgerItem)) == booked
    one = await store.call("texan", f"/remittance-advice/{body['id']}")
    assert one.json()["lines"] == body["lines"]
    assert (await store.call("rival", f"/remittance-advice/{body['id']}")).json()["code"] == "no_advice"


async def test_advice_in_lines_and_pages_of_it(store: Store) -> None:
    for number in range(3):
        store.world.clock.now = NOW + timedelta(seconds=number)
        line = {"reference": "1", "amount": f"{number + 1}.00", "currency": "USD"}
        assert (await advise(store, lines=[line])).json()["lines"][0]["order_number"] == "1"
    first = (await store.call("texan", "/remittance-advice", params={"limit": 2})).json()
    second = (await store.call("texan", "/remittance-advice", params={"limit": 2, "cursor": first["next"]})).json()
    amounts = [one["lines"][0]["amount"] for one in first["advice"] + second["advice"]]
    assert (amounts, second["next"]) == (["3.00", "2.00", "1.00"], None)
    assert (await store.call("rival", "/remittance-advice")).json() == {"advice": [], "next": None}


async def test_an_advice_never_names_another_resellers_order(store: Store) -> None:
    lines = [{"reference": name, "amount": "19.49", "currency": "USD"} for name in ("1", REFERENCE, "2026-00001")]
    body = (await advise(store, "rival", lines=lines)).json()
    assert [(line["order_number"], line["open"]) for line in body["lines"]] == [(None, None)] * 3
    assert {one["code"] for line in body["lines"] for one in line["reasons"]} == {"advice_unknown"}


LINE = {"reference": "1", "amount": "5.00", "currency": "USD"}


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ({}, 400, "advice", "either text or lines"),
        ({"text": "1 5.00", "lines": [LINE]}, 400, "advice", "either text or lines"),
        ({"text": "Dear Sir or Madam"}, 400, "advice", "No line"),
        ({"text": "1  1.234"}, 400, "advice", "two ways"),
        ({"text": "\n".join(["1 5.00"] * 201)}, 400, "advice", "at most 200"),
        ({"lines": [LINE, LINE | {"currency": "ABC"}]}, 400, "currency", "lines.2"),
        ({"lines": [LINE, LINE | {"amount": "0.00"}]}, 400, "amount", "lines.2"),
        ({"lines": [LINE | {"amount": "-1"}]}, 422, "validation", "lines.0.amount"),
        ({"lines": [LINE], "paid_on": "yesterday"}, 422, "validation", "paid_on"),
    ],
)
async def test_a_wrong_advice_is_named_and_not_kept(
    store: Store, body: dict[str, Any], status: int, code: str, says: str
) -> None:
    answer = await advise(store, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert says in answer.json()["detail"]
    assert await rows(store.world, RemittanceAdvice) == []

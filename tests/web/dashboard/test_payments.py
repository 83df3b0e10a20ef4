"""The pages of payments: a file is tried, imported and undone, and its lines are accepted, shared out, put aside, taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.bank.tables import BankAccountRow, BankImport, BankLineRow, LearnedPayer
from app.db.session import Database
from app.errors import Conflict
from app.files.tables import StoredFile
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.orders import bank_jobs
from app.resellers.tables import Reseller
from tests.orders.bank_files import ACCOUNT, imported, paid, rf
from tests.orders.builders import recorded, rows
from tests.web.dashboard.conftest import Dashboard


def mt940(*amounts: tuple[str, str]) -> bytes:
    """A statement with lines of (amount, text)."""
    lines = "".join(
        f":61:2603020302C{amount.replace('.', ',')}NTRFNONREF//B{number}\r\n:86:{text}\r\n"
        for number, (amount, text) in enumerate(amounts, 1)
    )
    return f":20:T\r\n:25:{ACCOUNT}\r\n:28C:1/1\r\n:60F:C260302USD0,00\r\n{lines}:62F:C260302USD0,00\r\n-\r\n".encode()


async def sent(dashboard: Dashboard, content: bytes, do: str = "import", **more: Any) -> Any:
    files = {"file": ("march.sta", content, "text/plain")}
    return await dashboard.ask("/payments/imports", "POST", data={"do": do, "account": ""}, files=files, **more)


async def work(dashboard: Dashboard) -> list[str]:
    """Do what was asked of the durable work about bank files, as the worker does; what became of each."""
    world, became = dashboard.world, list[str]()
    steps: dict[str, Callable[..., Awaitable[str]]] = {
        "import_bank_file": bank_jobs.import_kept,
        "undo_bank_file": bank_jobs.undo_asked,
    }
    for workflow, _, (_, *args) in [asked for asked in world.asked if asked[0] in steps]:
        became.append(await steps[workflow](world.services, world.shop, *args))
    world.asked[:] = [asked for asked in world.asked if asked[0] not in steps]
    return became


async def referenced(dashboard: Dashboard, *numbers: str) -> None:
    """Orders with references as banks carry them."""
    for number in numbers:
        await recorded(dashboard.world, number, reference=rf(number))


async def line(dashboard: Dashboard, *lines: Any) -> BankLineRow:
    await imported(dashboard.world, *(lines or (paid("2", "30.00"),)))
    return max(await rows(dashboard.world, BankLineRow), key=lambda row: row.number)


async def decided(dashboard: Dashboard, row: BankLineRow, do: str, **fields: str) -> Any:
    data = {"do": do, "version": str(row.version), **fields}
    return await dashboard.ask(f"/payments/lines/{row.id}", "POST", data=data)


async def test_a_dry_run_keeps_nothing_and_says_everything(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    content = mt940(("30.00", f"paid {rf(2)}"), ("5.00", "who knows"))
    tried = await sent(dashboard, content, "dry")
    assert tried.status_code == 200, tried.text
    assert "10.51" in tried.text
    assert "who knows" not in tried.text  # the payer is shown, the reasons say the rest
    german = await sent(dashboard, content, "dry", headers={"Dashboard-Locale": "de"})
    assert "Probelauf" in german.text
    assert "Sie trägt nichts von uns" in german.text
    assert await rows(dashboard.world, BankImport) == []
    assert await rows(dashboard.world, BankAccountRow) == []


async def test_a_file_is_imported_once_and_undone(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    content = mt940(("19.49", f"paid {rf(2)}"), ("5.00", "who knows"))
    first = await sent(dashboard, content)
    assert first.status_code == 200, first.text
    (file,) = await rows(dashboard.world, BankImport)
    assert file.state == "reading"
    at = f"/payments/imports/{file.id}"
    for beside in ("form", "page"):
        assert "every 1s" in (await dashboard.ask(f"{at}/progress?beside={beside}")).text
    assert "every 1s" in (await dashboard.ask(at)).text
    # A worker that was killed does the whole step again; the file is taken away from the store when it is through.
    assert [await work(dashboard), [row.state for row in await rows(dashboard.world, StoredFile)]] == [["done"], ["removed"]]
    assert "The file is imported" in (await dashboard.ask(f"{at}/progress?beside=form")).text
    assert 'hx-trigger="load"' in (await dashboard.ask(f"{at}/progress")).text
    assert "imported before" in (await sent(dashboard, content)).text
    assert await work(dashboard) == []
    (file,) = await rows(dashboard.world, BankImport)
    assert (file.state, file.lines_done) == ("done", 2)
    for path in ("/payments/imports", "/payments/imports/list", f"/payments/imports/{file.id}", "/payments?which=unmatched"):
        page = await dashboard.ask(path)
        assert page.status_code == 200
        assert "march.sta" in page.text or "5.00" in page.text
    only = await dashboard.ask(f"/payments/imports/{file.id}?outcome=booked")
    assert "19.49" in only.text
    assert "5.00" not in only.text
    assert "Lines booked from it: 1." in only.text
    undone = await dashboard.ask(f"/payments/imports/{file.id}/undo", "POST")
    assert undone.headers["location"].endswith("?notice=import_undoing")
    assert "being undone" in (await dashboard.ask(f"{at}/progress")).text
    assert await work(dashboard) == ["undone"]
    assert (await dashboard.ask(f"{at}/undo", "POST")).headers["location"].endswith("?notice=import_undone")
    assert await work(dashboard) == []
    shown = await dashboard.ask(f"/payments/imports/{file.id}")
    assert "ada@vendor.example undid it" in shown.text
    assert (await dashboard.ask("/payments/imports/none/undo", "POST")).status_code == 404
    for row in await rows(dashboard.world, BankLineRow):
        assert (await dashboard.ask(f"/payments/lines/{row.id}")).status_code == 404


async def test_what_is_no_bank_file_is_refused_with_its_place_and_nothing_stays(dashboard: Dashboard) -> None:
    nothing = await dashboard.ask("/payments/imports", "POST", data={"do": "import"}, files={"other": ("", b"")})
    assert "choose the bank" in nothing.text
    for content in (b"", b"%PDF-1.7"):
        answer = await sent(dashboard, content)
        assert answer.status_code >= 400, content
        assert 'role="alert"' in answer.text
    services = dashboard.world.services
    services.settings.max_bank_file_bytes = 300_000
    try:
        large = await sent(dashboard, b"x" * 300_001)
        assert (large.status_code, 'role="alert"' in large.text) == (413, True)
    finally:
        services.settings.max_bank_file_bytes = type(services.settings).model_fields["max_bank_file_bytes"].default
    assert await rows(dashboard.world, BankImport) == []
    assert await rows(dashboard.world, StoredFile) == []


async def test_what_only_reading_shows_is_told_where_the_file_is_listed(dashboard: Dashboard) -> None:
    foreign = mt940(("1.00", "x")).replace(ACCOUNT.encode(), b"999")
    assert (await sent(dashboard, foreign)).status_code == 200
    assert await work(dashboard) == ["refused"]
    (file,) = await rows(dashboard.world, BankImport)
    assert (file.state, await rows(dashboard.world, BankLineRow)) == ("refused", [])
    german = {"Dashboard-Locale": "de"}
    for path in (f"/payments/imports/{file.id}", f"/payments/imports/{file.id}/progress?beside=form"):
        assert "Das Konto der Datei ist nicht bekannt" in (await dashboard.ask(path, headers=german)).text, path
    assert (await sent(dashboard, foreign)).status_code == 200, "it may come again"


async def test_an_import_that_was_killed_goes_on_and_books_nothing_twice(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    assert (await sent(dashboard, mt940(("19.49", f"paid {rf(2)}")))).status_code == 200
    ((_, _, (_, *args)),) = [asked for asked in dashboard.world.asked if asked[0] == "import_bank_file"]
    world = dashboard.world
    for became in ("done", "known"):
        assert await bank_jobs.import_kept(world.services, world.shop, *args) == became
    assert len(await rows(world, BankLineRow)) == 1


async def test_why_an_undoing_stopped_is_told_and_it_goes_on_when_asked_again(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    await sent(dashboard, mt940(("19.49", f"paid {rf(2)}")))
    await work(dashboard)
    (file,) = await rows(dashboard.world, BankImport)
    at = f"/payments/imports/{file.id}"
    await dashboard.ask(f"{at}/undo", "POST")

    async def stops(*given: Any, **more: Any) -> BankImport:
        raise Conflict("What this takes back was paid by something else since; take that back first.", code="paid_meanwhile")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank_jobs, "undo_import", stops)
        assert await work(dashboard) == ["stopped"]
    page = (await dashboard.ask(at, headers={"Dashboard-Locale": "de"})).text
    assert "Das Zurücknehmen hielt an" in page
    assert "inzwischen anders bezahlt" in page
    assert "every 1s" not in page
    await dashboard.ask(f"{at}/undo", "POST")
    assert await work(dashboard) == ["undone"]
    assert "hielt an" not in (await dashboard.ask(at, headers={"Dashboard-Locale": "de"})).text


async def test_a_proposal_is_accepted_from_the_desk(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    row = await line(dashboard)
    desk = (await dashboard.ask("/payments")).text
    for shown in ("30.00", "19.49", "10.51", "% sure", "Reference in its own field"):
        assert shown in desk, shown
    answer = await decided(dashboard, row, "accept", of="desk")
    assert answer.headers["location"].startswith("/dashboard/payments?notice=line_accept")
    assert "No money waits" in (await dashboard.ask("/payments")).text
    booked = (await dashboard.ask(f"/payments/lines/{row.id}")).text
    assert "What it paid" in booked
    assert 'data-share="10.51"' in booked  # the rest can be shared out still
    (payer,) = await rows(dashboard.world, LearnedPayer)
    mine = await dashboard.ask("/payments/payers", "POST", data={"do": "confirm", "payer": payer.id, "which": "waiting"})
    assert mine.status_code == 403
    assert "second person" in mine.text
    off = await dashboard.ask("/payments/payers", "POST", data={"do": "off", "payer": payer.id, "which": "waiting"})
    assert off.status_code == 303
    assert "TEXAN" in (await dashboard.ask("/payments/payers?which=off")).text


async def test_a_proposal_whose_order_was_paid_otherwise_meanwhile_offers_no_accepting(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    row = await line(dashboard)
    fields = {"number": "#2", "amount": "19.49", "value_date": "2026-03-02", "bank_reference": "B77"}
    assert (await dashboard.ask("/payments/wire", "POST", data=fields)).status_code == 303
    for path in ("/payments", f"/payments/lines/{row.id}"):
        shown = (await dashboard.ask(path)).text
        assert "paid otherwise meanwhile" in shown, path
        assert 'value="accept"' not in shown, path
    assert (await decided(dashboard, row, "accept")).status_code == 409


async def test_a_line_is_shared_out_over_several_orders_with_what_is_left(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2", "3")
    row = await line(dashboard, paid("9", "30.00", reference_structured=None, reference_text="for two"))
    empty = (await dashboard.ask(f"/payments/lines/{row.id}")).text
    assert "Search for the orders" in empty
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        for number in range(5):  # many companies are called alike; those that owe something are the ones looked for
            address = {"street": "1 Main", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}
            names = {"email": f"t{number}@partner.example", "company": f"A Texan {number}"}
            session.add(Reseller(**names, **address, status="approved", created_at=dashboard.world.clock()))
    found = (await dashboard.ask(f"/payments/lines/{row.id}?q=texan")).text
    assert found.count('class="part"') == 3
    assert (await decided(dashboard, row, "allocate")).status_code == 400
    for wrong in ("x", "-1", "19.495"):
        answer = await decided(dashboard, row, "allocate", **{"part:2": wrong})
        assert answer.status_code == 400, wrong
    over = await decided(dashboard, row, "allocate", **{"part:2": "19.50"})
    assert over.status_code == 409
    assert "Only 19.49 USD" in over.text
    done = await decided(dashboard, row, "allocate", **{"part:2": "19,49", "part:3": "10.00", "credit": ""})
    assert done.status_code == 303, done.text
    kinds = [item.kind for item in await rows(dashboard.world, LedgerItem, LedgerItem.payment_id.is_not(None))]
    assert kinds.count(Kind.ALLOCATION) == 2
    (now,) = await rows(dashboard.world, BankLineRow)
    undone = await decided(dashboard, now, "undo", reason="wrong orders")
    assert undone.status_code == 303
    (now,) = await rows(dashboard.world, BankLineRow)
    assert (await decided(dashboard, now, "reject", reason=" ")).status_code == 400
    assert (await decided(dashboard, now, "reject", reason="not ours")).status_code == 303
    assert "not ours" in (await dashboard.ask(f"/payments/lines/{row.id}")).text


async def test_the_second_of_two_people_is_told_what_the_first_did(dashboard: Dashboard) -> None:
    await referenced(dashboard, "2")
    row = await line(dashboard)
    assert (await decided(dashboard, row, "reject", reason="a gift")).status_code == 303
    for do in ("accept", "reject", "allocate"):
        second = await decided(dashboard, row, do, reason="x")
        assert second.status_code == 409
        assert "a gift" in second.text
        assert "ada@vendor.example" in second.text
    (now,) = await rows(dashboard.world, BankLineRow)
    assert (await decided(dashboard, now, "nonsense")).status_code == 400
    assert (await dashboard.ask("/payments/lines/none", "POST", data={"do": "accept"})).status_code == 404


async def test_a_wire_is_confirmed_by_hand(dashboard: Dashboard) -> None:
    fields = {"number": "#1", "amount": "19.49", "value_date": "2026-03-02", "bank_reference": "B77"}
    booked = await dashboard.ask("/payments/wire", "POST", data=fields)
    assert booked.headers["location"] == "/dashboard/orders/1?notice=wire_booked"
    again = await dashboard.ask("/payments/wire", "POST", data=fields)
    assert again.headers["location"].endswith("wire_known")
    assert (await dashboard.ask("/payments/wire", "POST", data={**fields, "number": "77"})).status_code == 404


async def test_bank_fees_of_one_reseller(dashboard: Dashboard) -> None:
    fields = {"email": "", "wire": "15", "year": "60,00", "currency": "usd"}
    fields["email"] = next(row.email for row in await rows(dashboard.world, Reseller) if row.company == "Rival Inc")
    answer = await dashboard.ask("/payments/tolerance", "POST", data=fields)
    assert "notice=tolerance_set" in answer.headers["location"]
    shown = (await dashboard.ask("/payments/payers")).text
    assert "60.00" in shown
    assert (await dashboard.ask("/payments/tolerance", "POST", data={**fields, "wire": "-1"})).status_code == 400
    assert (await dashboard.ask("/payments/tolerance", "POST", data={**fields, "email": "no@b.example"})).status_code == 404


@pytest.mark.parametrize("path", ["", "/imports", "/imports/list", "/payers", "?cursor=x", "/imports/x", "/lines/x"])
async def test_every_page_needs_the_permission_for_orders(dashboard: Dashboard, database: Database, path: str) -> None:
    session = await dashboard.session("MANAGE_USERS", "MANAGE_APPS")
    assert (await dashboard.ask(f"/payments{path}", session=session)).status_code == 403
    assert (await dashboard.ask(f"/payments{path}")).status_code in (200, 400, 404)

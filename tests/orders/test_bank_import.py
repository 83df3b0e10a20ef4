import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.bank.lines import LineStatus, RefusedLine
from app.bank.reading import read
from app.bank.service import add_account
from app.bank.tables import BankAccountRow, BankImport, BankLineRow, BankStatement
from app.db.session import Database
from app.errors import Conflict, InvalidInput
from app.ledger.rules import Kind
from app.ledger.service import receivable, receivable_id
from app.ledger.tables import LedgerItem
from app.mail.tables import Mail
from app.orders.bank_undo import undo_import
from app.orders.check import check, show_contradictions
from app.orders.service import cancel_order, decide_release
from app.orders.tables import MoneyReport, OrderEvent, ResellerOrder, StaffTask
from tests.conftest import NOW
from tests.orders.bank_files import ACCOUNT, imported, outcomes, paid, rf, statement
from tests.orders.builders import USD_ACCOUNT, World, opened, recorded, reseller, rows, wire

DAY = date(2026, 3, 2)


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


async def orders(world: World, *numbers: str, **changed: Any) -> list[ResellerOrder]:
    return [await recorded(world, number, reference=rf(number), **changed) for number in numbers]


async def open_minor(world: World, order: ResellerOrder) -> int:
    async with world.database.tenant(world.shop.tenant_id) as session:
        debt = await receivable_id(session, order.id)
        assert debt is not None
        return (await receivable(session, debt)).open_minor


async def test_a_file_pays_its_orders_and_the_rest_follows(world: World) -> None:
    first, second = await orders(world, "1", "2")
    report = await imported(world, paid("1"), paid("2"))
    assert (report.repeated, report.counts) == (False, {"booked": 2})
    assert [await open_minor(world, order) for order in (first, second)] == [0, 0]
    kept = await rows(world, BankLineRow)
    assert outcomes(kept) == ["booked", "booked"]
    assert {row.rule for row in kept} == {"structured_reference"}
    payments = await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT)
    assert {item.id for item in payments} == {row.payment_id for row in kept}
    reports = await rows(world, MoneyReport)
    assert {(each.type, each.psp_reference, each.amount_minor) for each in reports} == {
        ("CHARGE_SUCCESS", "BT-T1", 1949),
        ("CHARGE_SUCCESS", "BT-T2", 1949),
    }
    ((workflow, _, args),) = [asked for asked in world.asked if asked[0] == "money_came_for"]
    assert (workflow, args[0]) == ("money_came_for", world.shop.tenant_id)
    for order in (first, second):
        assert order.id in args[2]
        async with world.database.tenant(world.shop.tenant_id) as session:
            assert await decide_release(session, world.services, world.shop.tenant_id, order.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()


async def test_case_60_a_file_twice_and_overlapping_ones_book_once(world: World) -> None:
    (order,) = await orders(world, "1")
    await orders(world, "2")
    await imported(world, paid("1"))
    assert (await imported(world, paid("1"))).repeated
    report = await imported(world, paid("1"), paid("2"))
    assert report.counts == {"known": 1, "booked": 1}
    assert any(note.code == "overlap" for note in report.notes)
    assert len(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT)) == 2
    assert await open_minor(world, order) == 0


async def test_case_60_two_identical_genuine_payments_are_both_kept(world: World) -> None:
    await orders(world, "1")
    report = await imported(world, paid("1"), paid("1"))
    assert report.counts == {"booked": 1, "proposal": 1}
    kept = sorted(await rows(world, BankLineRow), key=lambda row: row.number)
    assert [row.occurrence for row in kept] == [1, 2]
    assert kept[1].reasons[1]["code"] == "paid_before"
    assert (await imported(world, paid("1"), paid("1"), name="again")).repeated
    assert (await imported(world, paid("1"), paid("1"), paid("1"))).counts == {"known": 2, "proposal": 1}


IBAN, GERMAN = "DE89370400440532013000", "37040044/532013000"


@pytest.mark.parametrize("names", [(IBAN, GERMAN), (GERMAN, IBAN)])
async def test_case_61_one_account_under_two_names_tells_of_a_payment_once(world: World, names: tuple[str, str]) -> None:
    await world.configure(bank_accounts=[USD_ACCOUNT, {"currency": "EUR", "beneficiary": "V", "iban": IBAN}])
    await orders(world, "1")
    for place, name in enumerate(names):
        line = paid("1", account=name, bank_reference=f"OTHER-{place}")
        report = await imported(world, line, account=name, name=f"{place}.txt")
        assert report.counts == ({"proposal": 1} if place else {"booked": 1})
    (again,) = await rows(world, BankLineRow, BankLineRow.outcome == "proposal")
    assert "possible_duplicate" in {reason["code"] for reason in again.reasons}
    assert [row.identifier for row in await rows(world, BankAccountRow)] == [IBAN]
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await add_account(session, GERMAN, by="ada", at=NOW)).identifier == IBAN
    with pytest.raises(InvalidInput, match="one account as"):
        await imported(world, paid("1", account=IBAN), paid("2", account=GERMAN), account=IBAN)


async def test_a_file_that_is_being_undone_is_not_read_beside_it(world: World) -> None:
    await orders(world, "1")
    await imported(world, paid("1"))
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await session.scalars(select(BankImport))).one().state = "undoing"
    with pytest.raises(Conflict, match=r"being undone.*bank undo --file"):
        await imported(world, paid("1"))


async def test_case_60_lines_known_from_an_undone_file_come_with_the_file_that_knew_them(world: World) -> None:
    await orders(world, "1", "2")
    day = await imported(world, paid("1"), name="day.xml")
    await imported(world, paid("1"), paid("2"), name="month.xml")
    row = await undo_import(world.services, world.shop, day.import_id or "", by="ada")
    assert [(note["code"], note["params"]) for note in row.notes] == [("read_again", {"files": "month.xml"})]
    for repeated, counts in ((False, {"booked": 2}), (True, {"known": 2})):
        world.clock.now += timedelta(minutes=1)
        report = await imported(world, paid("1"), paid("2"), name="month.xml")
        assert (report.repeated, report.counts) == (repeated, counts)
    assert len(await rows(world, BankStatement, BankStatement.undone == "")) == 1


async def test_a_wire_whose_return_is_booked_is_undone_after_the_return(world: World) -> None:
    await orders(world, "1")
    wire = await imported(world, paid("1"), name="wire.xml")
    back = await imported(world, paid("1", "-19.49", reversal=True), name="back.xml")
    with pytest.raises(Conflict, match=r"back\.xml took money of this one back"):
        await undo_import(world.services, world.shop, wire.import_id or "", by="ada")
    for report in (back, wire):
        await undo_import(world.services, world.shop, report.import_id or "", by="ada")
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()


async def test_the_same_file_by_six_at_once(world: World) -> None:
    await orders(world, "1", "2")
    results = await asyncio.gather(*(imported(world, paid("1"), paid("2")) for _ in range(6)), return_exceptions=True)
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert len(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT)) == 2
    assert (await imported(world, paid("1"), paid("2"))).counts["known"] == 2


async def test_case_61_a_corrected_file_shows_what_is_gone_and_books_nothing_in_doubt(world: World) -> None:
    await orders(world, "1", "2")
    await imported(world, paid("1"), paid("2"), name="first.xml")
    corrected = replace(paid("1"), reference_text="corrected by the bank")
    report = await imported(world, corrected, paid("2"), name="second.xml")
    assert report.counts == {"known": 1, "proposal": 1}
    (gone,) = [note for note in report.notes if note.code == "line_gone"]
    assert "BANK-1" in str(gone)
    (doubtful,) = await rows(world, BankLineRow, BankLineRow.outcome == "proposal")
    assert doubtful.reasons[0] == {"code": "possible_duplicate", "params": {"file": "first.xml"}}


async def test_case_62_a_gap_between_two_files_is_told_with_its_days(world: World) -> None:
    await orders(world, "1", "2", "3")
    await imported(world, paid("1"), opening="100.00", closing="119.49")
    later = DAY + timedelta(days=3)
    fits = await imported(world, paid("2", booking_date=later), opening="119.49", closing="138.98", day=later)
    assert [note.code for note in fits.notes] == []
    latest = later + timedelta(days=3)
    report = await imported(world, paid("3", booking_date=latest), opening="150.00", day=latest)
    (gap,) = report.notes
    assert gap.code == "balance_gap"
    assert dict(gap.params)["closing_date"] == str(later)
    assert dict(gap.params)["opening_date"] == str(latest)
    assert report.counts == {"booked": 1}, "a gap stops no line"


async def test_case_57_a_pending_entry_is_shown_and_pays_when_it_is_booked(world: World) -> None:
    (order,) = await orders(world, "1")
    assert (await imported(world, paid("1", status=LineStatus.PENDING))).counts == {"pending": 1}
    assert await open_minor(world, order) == 1949
    assert (await imported(world, paid("1"))).counts == {"booked": 1}
    assert await open_minor(world, order) == 0


async def test_case_55_a_refused_line_is_told_of_and_no_mail_is_sent(world: World) -> None:
    await orders(world, "1")
    refused = RefusedLine(position="line 7", code="zero_amount", sentence="The amount is 0.")
    report = await imported(world, refused, paid("1"))
    assert report.counts == {"booked": 1, "refused": 1}
    assert str(report.notes[0]) == "line 7: The amount is 0."
    assert await rows(world, Mail) == []


@pytest.mark.parametrize("released", [False, True])
async def test_case_58_and_66_a_returned_wire_undoes_what_it_paid(world: World, released: bool) -> None:
    (order,) = await orders(world, "1")
    await imported(world, paid("1"))
    if released:
        async with world.database.tenant(world.shop.tenant_id) as session:
            assert await decide_release(session, world.services, world.shop.tenant_id, order.id)
    back = paid("1", "-19.49", reversal=True, return_reason="AC04", booking_date=DAY + timedelta(days=2))
    assert (await imported(world, back)).counts == {"booked": 1}
    assert await open_minor(world, order) == 1949
    types = [report.type for report in await rows(world, MoneyReport)]
    assert sorted(types) == ["CHARGE_BACK", "CHARGE_SUCCESS"]
    tasks = [task.key.partition(":")[0] for task in await rows(world, StaffTask)]
    assert tasks == (["returned"] if released else [])
    assert any("AC04" in str(event.what) for event in await rows(world, OrderEvent))
    assert world.asked[-1][0] == "money_came"
    again = paid("1", bank_reference="BANK-NEW", booking_date=DAY + timedelta(days=5))
    assert (await imported(world, again)).counts == {"booked": 1}
    assert await open_minor(world, order) == 0


async def test_case_58_a_return_in_the_same_file_and_one_that_fits_nothing(world: World) -> None:
    (order,) = await orders(world, "1")
    unknown = paid("9", "-5.00", reversal=True)
    report = await imported(world, paid("1", "-19.49", reversal=True), paid("1"), unknown)
    assert report.counts == {"booked": 2, "unmatched": 1}
    assert await open_minor(world, order) == 1949


async def test_case_58_a_return_by_payer_and_amount_alone_is_a_proposal(world: World) -> None:
    (order,) = await orders(world, "1")
    await imported(world, paid("1"))
    back = paid(
        "1", "-19.49", reversal=True, bank_reference=None, reference_structured=None, booking_date=DAY + timedelta(days=2)
    )
    assert (await imported(world, back)).counts == {"proposal": 1}
    assert await open_minor(world, order) == 0


async def test_case_52_and_53_paid_before_and_after_cancellation_wait_for_staff(world: World) -> None:
    first, second = await orders(world, "1", "2")
    await wire(world, "1")
    async with world.database.tenant(world.shop.tenant_id) as session:
        await cancel_order(session, second.id, NOW)
    report = await imported(world, paid("1"), paid("2"), paid("2", reference_structured=None, reference_text="order 2"))
    assert report.counts == {"proposal": 3}
    found = sorted(await rows(world, BankLineRow), key=lambda row: row.number)
    codes = [{reason["code"] for reason in row.reasons} for row in found]
    assert "paid_before" in codes[0]
    assert "paid_after_cancellation" in codes[1]
    assert "paid_after_cancellation" in codes[2]
    assert {row.reseller_id for row in found} == {first.reseller_id}
    (task,) = [task for task in await rows(world, StaffTask) if task.key.startswith("bank:")]
    assert task.done_at is None


async def test_case_50_bank_charges_within_the_year(world: World) -> None:
    await world.set(fee_tolerance_minor=100, fee_tolerance_year_minor=150)
    await orders(world, "1", "2")
    report = await imported(world, paid("1", "18.49"), paid("2", "18.49"))
    assert report.counts == {"booked": 1, "proposal": 1}
    (charge,) = await rows(world, LedgerItem, LedgerItem.kind == Kind.BANK_CHARGE)
    assert charge.amount_minor == 100
    assert charge.payment_id is not None
    (told,) = await rows(world, MoneyReport)
    assert told.amount_minor == 1949, "what a bank kept is settled too"
    await orders(world, "3")
    assert (await imported(world, paid("3", "18.49"))).counts == {"proposal": 1}


async def test_case_47_somebody_else_paid_above_the_limit(world: World) -> None:
    await world.set(other_payer_limit_minor=1000)
    (order,) = await orders(world, "1")
    assert (await imported(world, paid("1", payer_name="HOLDING ONE AG"))).counts == {"booked": 1}
    assert await open_minor(world, order) == 0
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert not await decide_release(session, world.services, world.shop.tenant_id, order.id)
    assert any(task.key.startswith("other-payer:") for task in await rows(world, StaffTask))


async def test_case_71_the_value_date_counts_or_the_booking_date(world: World) -> None:
    await orders(world, "1", "2")
    early: dict[str, Any] = {"value_date": date(2026, 2, 27)}
    await imported(world, paid("1", **early))
    await world.set(value_date_counts=False)
    await imported(world, paid("2", **early))
    first, second = sorted(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT), key=lambda item: item.value_date)
    assert (first.value_date, second.value_date) == (date(2026, 2, 27), DAY)


async def test_a_dry_run_says_what_would_be_and_keeps_nothing(world: World) -> None:
    (order,) = await orders(world, "1")
    report = await imported(world, paid("1"), paid("1", "3.00", reference_structured=None), dry_run=True)
    assert report.counts == {"booked": 1, "unmatched": 1}
    assert report.import_id is None
    assert report.lines[0]["pays"] == [{"number": "1", "amount": "19.49 USD"}]
    for table in (BankLineRow, BankImport, BankStatement, BankAccountRow, MoneyReport):
        assert await rows(world, table) == []
    assert await open_minor(world, order) == 1949
    await imported(world, paid("1"))
    assert (await imported(world, paid("1"), paid("2"), dry_run=True)).counts == {"known": 1, "unmatched": 1}


async def test_another_accounts_file_is_refused_whole(world: World) -> None:
    await orders(world, "1")
    with pytest.raises(InvalidInput, match="bank account 999"):
        await imported(world, paid("1", account="999"), account="999")
    assert await rows(world, BankImport) == []
    with pytest.raises(InvalidInput, match="--account"):
        read(statement(paid("1", account=None), account=None))
    named = read(statement(paid("1", account=None), account=None), account=ACCOUNT)
    assert (named.count, set(named.prints)) == (1, {ACCOUNT})
    named.close()


async def test_a_file_that_is_refused_at_its_end_leaves_nothing(world: World) -> None:
    def broken() -> Any:
        yield from statement(paid("1"))
        raise InvalidInput("entry 2: the file ends within it.")

    with pytest.raises(InvalidInput, match="entry 2"):
        read(broken())


async def test_an_import_that_ended_early_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.orders import bank_batch, bank_import

    await orders(world, "1", "2")
    monkeypatch.setattr(bank_import, "BATCH", 1)
    monkeypatch.setattr(bank_import, "GROWN", (1, 2))
    batches = 0
    whole = bank_batch.book_batch

    async def killed(*args: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise RuntimeError("killed")
        await whole(*args)

    monkeypatch.setattr(bank_import, "book_batch", killed)
    with pytest.raises(RuntimeError):
        await imported(world, paid("1"), paid("2"))
    (kept,) = await rows(world, BankImport)
    assert kept.state == "running"
    monkeypatch.setattr(bank_import, "book_batch", whole)
    report = await imported(world, paid("1"), paid("2"))
    assert (report.import_id, report.counts) == (kept.id, {"booked": 2})
    assert len(await rows(world, LedgerItem, LedgerItem.kind == Kind.PAYMENT)) == 2


async def test_an_import_is_undone_and_comes_again(world: World) -> None:
    first, second = await orders(world, "1", "2")
    before = len(await rows(world, LedgerItem))
    report = await imported(world, paid("1"), paid("2"), paid("2"), opening="0", closing="58.47")
    assert report.import_id is not None
    for _ in range(2):
        done = await undo_import(world.services, world.shop, report.import_id, by="anna")
        assert (done.state, done.undone_by) == ("undone", "anna")
    assert [await open_minor(world, order) for order in (first, second)] == [1949, 1949]
    assert sum(item.amount_minor for item in await rows(world, LedgerItem, LedgerItem.kind != Kind.RECEIVABLE)) == 0
    assert len(await rows(world, LedgerItem)) > before, "nothing is deleted from the ledger"
    assert sorted(each.type for each in await rows(world, MoneyReport)) == ["CHARGE_BACK"] * 2 + ["CHARGE_SUCCESS"] * 2
    again = await imported(world, paid("1"), paid("2"), paid("2"), opening="0", closing="58.47")
    assert (again.repeated, again.counts) == (False, {"booked": 2, "proposal": 1})
    assert await open_minor(world, first) == 0
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert {name for name, found in (await check(session, NOW)).items() if found} == set()


async def test_undoing_the_file_of_a_return_pays_again(world: World) -> None:
    (order,) = await orders(world, "1")
    await imported(world, paid("1"))
    back = paid("1", "-19.49", reversal=True, booking_date=DAY + timedelta(days=2))
    report = await imported(world, back)
    assert report.import_id
    await undo_import(world.services, world.shop, report.import_id, by="anna")
    assert await open_minor(world, order) == 0
    assert (await imported(world, back)).counts == {"booked": 1}
    assert await open_minor(world, order) == 1949


async def test_the_books_are_asked_for_each_line_and_payment(world: World) -> None:
    await orders(world, "1", "2")
    await imported(world, paid("1"), paid("2"))
    tenant = world.shop.tenant_id

    async def contradictions() -> dict[str, int]:
        async with world.database.tenant(tenant) as session:
            return {name: len(found) for name, found in (await check(session, NOW)).items() if found}

    first, second = await rows(world, BankLineRow)
    async with world.database.tenant(tenant) as session:
        await session.execute(update(BankLineRow).where(BankLineRow.id == first.id).values(amount="19.48"))
    assert await contradictions() == {"bank_lines_without_their_payment": 1}
    async with world.database.tenant(tenant) as session:
        await session.execute(
            update(BankLineRow).where(BankLineRow.id == first.id).values(payment_id=second.payment_id, amount="19.49")
        )
    assert await contradictions() == {"payments_without_their_bank_line": 2}
    async with world.database.tenant(tenant) as session:
        assert await show_contradictions(session, NOW) == 1
    (task,) = [task for task in await rows(world, StaffTask) if task.key.startswith("check:")]
    assert task.key == "check:payments_without_their_bank_line"
    async with world.database.tenant(tenant) as session:
        await session.execute(update(BankLineRow).where(BankLineRow.id == first.id).values(payment_id=first.payment_id))
        assert await show_contradictions(session, NOW) == 0
    (task,) = [task for task in await rows(world, StaffTask) if task.key.startswith("check:")]
    assert task.done_at == NOW


async def test_a_file_that_did_not_come_to_its_end_is_told_of(world: World) -> None:
    row = BankImport(file_name="half.xml", sha256="0" * 64, format="camt", state="running", by="ada", started_at=NOW)
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(row)
    async with world.database.tenant(world.shop.tenant_id) as session:
        assert (await check(session, NOW + timedelta(hours=1)))["bank_files_not_finished"] == ["half.xml"]

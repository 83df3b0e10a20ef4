from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from app.errors import InvalidInput, Refused
from app.money import Money
from app.pricing.content import Changes, Content, EntryKey, Terms, between
from app.pricing.draft import Draft, check_entry, difference
from app.pricing.rules import Entry, PriceList, Scope, StaffException
from tests.pricing.strategies import FEWER, contents

DAY = date(2026, 3, 2)
A, B = EntryKey(Scope.VARIANT, "v1"), EntryKey(Scope.PRODUCT, "p1", 10, "USD", date(2026, 4, 1))
FIVE, SIX = Terms(Decimal(5), label="GRID"), Terms(Decimal(6), label="GRID")
FIXED = Terms(fixed_minor=950, valid_to=date(2026, 6, 30), label="Grid")
LEAVE = StaffException(Decimal(20), "launch", date(2026, 12, 31), "anna")
OLD = Content(Decimal(10), {A: FIVE})


def test_what_is_added_changed_and_removed_is_told_with_old_and_new() -> None:
    found = between(OLD, Content(Decimal(8), {A: SIX, B: FIXED}, LEAVE))
    assert (found.rate, found.exception) == ((Decimal(10), Decimal(8)), (None, LEAVE))
    assert [(change.kind, change.label, change.old, change.new) for change in found.entries] == [
        ("added", "Grid", None, FIXED),
        ("changed", "GRID", FIVE, SIX),
    ]
    (gone,) = between(OLD, Content(Decimal(10))).entries
    assert (gone.kind, gone.label, gone.new) == ("removed", "GRID", None)
    assert not between(OLD, OLD)


@FEWER
@given(contents(), contents())
def test_a_difference_leads_there_and_back_and_can_be_stored(old: Content, new: Content) -> None:
    found = between(old, new)
    assert found.on(old) == new
    assert found.undone().on(new) == old
    assert Changes.from_dict(found.as_dict()) == found
    assert bool(found) == (old != new)


def test_a_draft_leaves_what_it_does_not_name_unless_it_is_the_whole_list() -> None:
    assert Draft(entries={B: FIXED}).on(OLD).on(OLD).entries == {A: FIVE, B: FIXED}
    assert Draft(entries={B: FIXED}, whole=True).on(OLD).on(OLD).entries == {B: FIXED}
    assert Draft(entries={A: None, B: None}).on(OLD).on(OLD).entries == {}
    assert Draft(whole=True).on(Content(Decimal(8), {}, LEAVE)) == Changes()
    assert Draft(lift_exception=True).on(Content(Decimal(8), {}, LEAVE)).exception == (LEAVE, None)


def test_what_a_difference_does_not_touch_stays_when_it_is_carried_out_later() -> None:
    planned = between(OLD, Content(Decimal(8), {A: SIX}))
    assert planned.on(Content(Decimal(9), {A: FIVE, B: FIXED})) == Content(Decimal(8), {A: SIX, B: FIXED})


def test_how_many_entries_stay_as_they_are() -> None:
    old = Content(Decimal(10), {A: FIVE, B: FIXED, EntryKey(Scope.CATEGORY, "c"): FIVE})
    found = difference(Draft(entries={A: SIX, EntryKey(Scope.CATEGORY, "d"): FIVE, B: FIXED}, whole=True), old, cap=10, on=DAY)
    assert [found.changes.count(kind) for kind in ("added", "changed", "removed")] == [1, 1, 1]
    assert found.unchanged == 1


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (Draft(rate=Decimal(15)), "15 % is above the cap of 10 %. Give an exception of at least 15 %"),
        (Draft(entries={A: Terms(Decimal(12))}, lines={A: 7}), "line 7: rate: 12 % is above the cap of 10 %. Give"),
        (
            Draft(rate=Decimal(11), entries={A: Terms(Decimal("12.50"))}, lines={None: 2, A: 7}),
            "line 2: rate: 11 % is above the cap of 10 %.\nline 7: rate: 12.5 % is above the cap of 10 %. "
            "Give an exception of at least 12.5 %",
        ),
        (Draft(rate=Decimal(25), exception=LEAVE), "25 % is above"),
        (Draft(entries={EntryKey(Scope.VARIANT, "v", valid_from=date(2027, 1, 1)): Terms(Decimal(15))}, exception=LEAVE), "15 %"),
    ],
)
def test_above_the_cap_every_place_and_the_way_out_are_named(draft: Draft, says: str) -> None:
    with pytest.raises(Refused) as caught:
        difference(draft, OLD, cap=10, on=DAY)
    assert says in caught.value.sentence
    assert caught.value.code == "above_cap"


def test_an_exception_allows_up_to_its_rate_through_its_last_day() -> None:
    draft = Draft(rate=Decimal(20), exception=LEAVE)
    assert difference(draft, OLD, cap=10, on=LEAVE.expires).changes.rate == (Decimal(10), Decimal(20))
    kept = Content(Decimal(20), {}, LEAVE)
    assert difference(Draft(entries={A: Terms(Decimal(15))}), kept, cap=10, on=DAY).changes.count("added") == 1
    with pytest.raises(Refused):
        difference(Draft(entries={A: Terms(Decimal(15))}), kept, cap=10, on=date(2027, 1, 1))
    with pytest.raises(Refused):
        difference(Draft(rate=Decimal(20), lift_exception=True), kept, cap=10, on=DAY)


def test_a_whole_list_is_not_judged_again_for_what_it_leaves() -> None:
    kept = Content(Decimal(20), {A: Terms(Decimal(15))})
    assert not difference(Draft(Decimal(20), {A: Terms(Decimal(15))}, whole=True), kept, cap=10, on=DAY).changes
    with pytest.raises(Refused):
        difference(Draft(rate=Decimal(20)), kept, cap=10, on=DAY)


def test_of_many_findings_the_first_are_named() -> None:
    entries: dict[EntryKey, Terms | None] = {EntryKey(Scope.VARIANT, f"v{n}"): Terms(Decimal(50)) for n in range(50)}
    with pytest.raises(Refused) as caught:
        difference(Draft(entries=entries, lines={key: n for n, key in enumerate(entries, 2)}), OLD, cap=10, on=DAY)
    assert caught.value.sentence.count("\n") == 20
    assert "... and 30 more." in caught.value.sentence


@pytest.mark.parametrize(
    ("key", "terms", "field"),
    [
        (A, Terms(), "price"),
        (A, Terms(fixed_minor=10**16), "price"),
        (EntryKey(Scope.VARIANT, "v" * 101), FIVE, "target"),
        (EntryKey(Scope.VARIANT, " v"), FIVE, "target"),
        (A, Terms(Decimal(5), label="x" * 251), "label"),
        (A, Terms(Decimal(5), label="a\nb"), "label"),
        (EntryKey(Scope.VARIANT, "v", 10**10), FIVE, "minimum_quantity"),
        (A, Terms(Decimal("1e30")), "rate"),
    ],
)
def test_what_an_entry_cannot_be_names_its_field(key: EntryKey, terms: Terms, field: str) -> None:
    key = key._replace(currency="USD") if terms.fixed_minor else key
    with pytest.raises(InvalidInput) as caught:
        check_entry(key, terms)
    assert caught.value.code == field


def test_the_rules_read_it() -> None:
    content = Content(Decimal(8), {A: FIVE, B: FIXED}, LEAVE)
    assert content.as_list(7, Decimal(10)) == PriceList.of(
        7,
        [
            Entry(Scope.VARIANT, "v1", Decimal(5)),
            Entry(Scope.PRODUCT, "p1", None, Money(950, "USD"), 10, date(2026, 4, 1), date(2026, 6, 30)),
        ],
        rate=Decimal(8),
        exception=LEAVE,
    )
    assert [change.new and change.new.price(change.key) for change in between(OLD, content).entries] == [Money(950, "USD")]

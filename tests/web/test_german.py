"""German for the vendor's staff: every error that a page of theirs can meet has a sentence, and it keeps the facts."""

from __future__ import annotations

import ast
import inspect
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import ResellerError
from app.orders.record import PROGRAM
from app.reasons import because, told
from app.web.dashboard import application
from app.web.dashboard.rendering import speech
from app.web.dashboard.words import WORDS
from app.web.german import ERRORS
from app.web.german_errors import STAFF_ERRORS
from app.web.speech import GERMAN, GERMAN_ERRORS

ELSEWHERE = (
    "app.saleor.registration",  # installs the app
    "app.web.inbound",  # is posted to by a mail service
    "app.settings",  # read when a process starts; its other codes have German sentences
)
"""Modules whose own errors no page shows, though pages import them."""
OF_PLACES = {"no_line", "which_line", "no_import", "which_import"}
"""Codes that are put together from what is looked for."""


def errors(of: type[ResellerError] = ResellerError) -> Iterator[type[ResellerError]]:
    """The tree of errors, as far as the program has it."""
    yield of
    for one in of.__subclasses__():
        yield from errors(one)


def codes() -> Iterator[tuple[str, str]]:
    """(code, module) of every error below 500 that modules behind the pages of staff raise."""
    assert application.PAGES
    tree = {one.__name__: one for one in errors() if one.__module__.startswith("app.")}
    for one in tree.values():
        if one.status < 500 and one.__module__ in sys.modules:
            yield one.default_code, one.__module__
    behind = [name for name in sorted(sys.modules) if name.startswith("app.") and not name.startswith(ELSEWHERE + OTHERS)]
    for name in behind:
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[name]) or "")):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = next((one.value for one in node.keywords if one.arg == "code"), None)
            if called in tree and tree[called].status < 500 and isinstance(given, ast.Constant):
                yield str(given.value), name


OTHERS = (
    "app.cli", "app.sandbox", "app.db", "app.main", "app.web.storefront", "app.web.portal", "app.web.webhooks", "app.web.install",
    "app.sentry", "app.tracing", "app.saleor.manifest", "app.orders.purge",
)  # fmt: skip
"""What other tests of the same process import, and no page of staff."""


def test_every_error_that_staff_can_meet_has_a_german_sentence() -> None:
    found = dict(codes())
    assert len(found) > 200
    missing = {code: module for code, module in found.items() if code not in GERMAN_ERRORS}
    assert not missing
    assert GERMAN_ERRORS.keys() >= OF_PLACES


def test_each_is_written_once_and_names_only_places_that_there_are() -> None:
    assert not ERRORS.keys() & STAFF_ERRORS.keys()
    for code, sentence in GERMAN_ERRORS.items():
        assert {name for _, name, _, _ in string.Formatter().parse(sentence) if name} <= {"wait", "place", "sentence", "tail"}, (
            code
        )


@pytest.mark.parametrize(
    ("sentence", "code", "german"),
    [
        ("company: it is missing.", "company", "Firma: fehlt."),
        ("company: at most 200 characters.", "company", "Firma: höchstens 200 Zeichen."),
        (
            "line 3: the file ends.",
            "truncated",
            "Zeile 3: Die Datei endet mitten im Text; holen Sie sie noch einmal von der Bank.",
        ),
        ("file: it may have at most 200 MB.", "file_too_large", "Die Datei ist zu groß: höchstens 200 MB."),
        ("Only 5.00 EUR are left.", "refund_amount", "So viel kann nicht zurückgehen: Only 5.00 EUR are left."),
        ("Something {odd}.", "never_heard_of", "Das hat nicht geklappt: Something {odd}."),
    ],
)
def test_what_an_error_says_in_german(sentence: str, code: str, german: str) -> None:
    assert speech("de").failed(_Error(sentence, code=code)) == german
    assert speech("en").failed(_Error(sentence, code=code)) == sentence


def test_what_is_within_a_reason_is_german_too() -> None:
    error = _Error("No mail can be sent to 'x': it is not a mail address.", code="mail_address")
    reason = because("no_wire_mail", company="Texan", **told("words", error))
    assert speech("de").said(reason) == (
        "Texan konnte von der Überweisung nicht erfahren: An diese Adresse kann keine Mail gehen; sie ist keine Mailadresse. "
        "Berichtigen Sie die Adresse des Benutzers."
    )
    assert error.sentence in speech("en").said(reason)
    stored = str(because("other_reseller")).rstrip(".")
    held = because("staff_hold", by=PROGRAM, reason=stored)
    assert speech("de").said(held) == f"Angehalten von dem Programm: {GERMAN['other_reseller'].rstrip('.')}."
    assert speech("en").said(held) == f"Held by the program: {stored}."
    by_person = because("staff_hold", by="ada@vendor.example", reason=stored)
    assert stored in speech("de").said(by_person), "what a person wrote stays as it was written"


def test_stuck_work_notes_and_faults_of_the_record_are_german() -> None:
    stuck = because("work_stuck", workflow="release_order", error="boom")
    assert speech("de").said(stuck).startswith("Bestellung freigeben gab auf")
    note = "31.2 MB is more than is kept; these are its headers, the mail lies in the mailbox"
    assert (
        speech("de").noted(note) == "31.2 MB ist mehr, als aufbewahrt wird; das sind die Kopfzeilen, die Mail liegt im Postfach"
    )
    assert (speech("en").noted(note), speech("de").noted("Anna called")) == (note, "Anna called")
    fault = because("record_changed", whose="reseller 1", number=7, on="2026-03-02", subject="Hello")
    assert speech("de").said(fault) == "Nummer 7 vom 2. März 2026 „Hello“: Sie wurde verändert."


def test_every_durable_work_has_a_name_for_people() -> None:
    root = Path(inspect.getfile(application)).parents[2]
    text = "".join(path.read_text() for path in root.rglob("*.py"))
    made = set(re.findall(r'DBOS\.workflow\(name="(\w+)"', text))
    assert "release_order" in made
    assert {f"workflow_{name}" for name in made} <= WORDS.keys()


class _Error(ResellerError):
    status = 400

"""Words, reasons, errors, money and days in the reader's language: one way of saying them for all pages of the program."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from babel.core import negotiate_locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.errors import ResellerError
from app.mail.markup import FILTERS as MAILS
from app.mail.markup import LOCALES
from app.mail.schemas import Language
from app.money import Money
from app.orders.attend import order_state
from app.orders.record import PROGRAM
from app.reasons import CODE, SENTENCES, Reason, recognized
from app.web.german import ERRORS, REASONS
from app.web.german_errors import STAFF_ERRORS, TAILS
from app.web.german_health import HEALTH_REASONS
from app.web.german_staff import NOTES, STAFF_REASONS

LANGUAGES: tuple[Language, ...] = get_args(Language)
Words = Mapping[str, tuple[str, str]]
"""For each key the English and the German."""
GERMAN = {**REASONS, **STAFF_REASONS, **HEALTH_REASONS}
GERMAN_ERRORS = {**ERRORS, **STAFF_ERRORS}
_LINE = re.compile(r"\bline (\d+)")
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
_RATE = re.compile(r"\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Raw HTML and pictures stay text, so that a policy can only ever be text; links to scripts are refused by the library itself.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def first_language(accepted: str) -> Language:
    """The first of ours in a list like `de-AT,de;q=0.9,en;q=0.8`, else English."""
    wanted = [part.partition(";")[0].strip().replace("-", "_") for part in accepted[:200].split(",")]
    found = negotiate_locale([part for part in wanted if part], LANGUAGES)
    return "de" if found == "de" else "en"


class Speech:
    """One language over one kind of pages. `words` are theirs, `fields` what their forms call the fields of use cases."""

    def __init__(self, language: Language, words: Words, fields: Words, zone: ZoneInfo | None = None) -> None:
        self.language = language
        self._words, self._fields = words, fields
        self._column = LANGUAGES.index(language)
        self._zone = zone or ZoneInfo("UTC")

    def helpers(self) -> dict[str, Any]:
        """What templates call: `t state said noted failed label money day moment month`."""
        return {
            "t": self.word,
            "state": self.state,
            "said": self.said,
            "noted": self.noted,
            "failed": self.failed,
            "label": self.label,
            "money": self.money,
            "day": self.day,
            "moment": self.moment,
            "month": self.month,
        }

    def word(self, key: str, /, **values: object) -> str:
        """A word or sentence of the pages. Raises KeyError for one that is not there."""
        return self._words[key][self._column].format(**values)

    def state(self, group: str, value: str) -> str:
        """A state as people say it; one that nobody translated is shown as it is."""
        return self.word(f"{group}_{value}") if f"{group}_{value}" in self._words else value

    def label(self, field: str) -> str:
        """What a form calls a field of ours; the field's own name where no form has it."""
        return self._fields[field][self._column] if field in self._fields else field

    def said(self, reason: Reason) -> str:
        """A reason in the reader's language, its amounts and days as the language writes them."""
        sentence = SENTENCES[reason.code] if self.language == "en" else GERMAN.get(reason.code, SENTENCES[reason.code])
        facts = dict(reason.params)
        return sentence.format(**{name: self._fact(name, value, facts) for name, value in facts.items()})

    def noted(self, note: str) -> str:
        """A note on the written record; the program's own in the reader's language."""
        for english, german in NOTES if self.language == "de" else ():
            if found := english.fullmatch(note):
                return found.expand(german)
        return note

    def _fact(self, name: str, value: str, facts: Mapping[str, str]) -> str:
        """A fact of a reason as the language writes it; an error, and what the program decided, as pages say it."""
        if self.language == "en":
            return self._local(name, value)
        if code := facts.get(f"{name}{CODE}"):
            return self._german(code, value)
        if facts.get("by") == PROGRAM:
            if name == "by":
                return "dem Programm"
            if name == "reason" and (nested := recognized(value)) is not None:
                return self.said(nested).rstrip(".")
        return self._local(name, value)

    def failed(self, error: ResellerError) -> str:
        """An error in the reader's language; in German its own sentence stands behind where only that has the facts."""
        if error.status >= 500:  # what exactly failed behind us is for the log
            return self.word("failed_shop" if error.status == 502 else "failed_ours")
        wait = getattr(error, "wait", "")
        if self.language == "en":
            return error.sentence
        return self._german(error.code, error.sentence, wait)

    def _german(self, code: str, said: str, wait: object = "") -> str:
        head, colon, rest = said.partition(":")
        place = _LINE.sub(r"Zeile \1", self.label(head)) if colon else ""
        sentence = f"{place}{colon}{rest}" if colon else said
        tails = (found.expand(german) for english, german in TAILS if (found := english.fullmatch(rest.strip())))
        tail = next(tails, "")
        if code in GERMAN_ERRORS:
            return GERMAN_ERRORS[code].format(wait=wait, place=place, sentence=sentence, tail=tail)
        if tail:
            return f"{place}: {tail}"
        return self.word("failed", sentence=sentence)

    def money(self, value: Money) -> str:
        """An amount with its currency, as mails write it."""
        return str(MAILS["money"](value, self.language))

    def day(self, value: date | datetime) -> str:
        """The day of a moment in the reader's zone, or a day as it is."""
        found = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return str(MAILS["day"](found, self.language))

    def moment(self, value: datetime) -> str:
        """Day and time in the reader's zone."""
        local, locale = value.astimezone(self._zone), LOCALES[self.language]
        return f"{format_date(local, 'medium', locale)}, {format_time(local, 'short', locale=locale)}"

    def month(self, value: date) -> str:
        """The month of a day."""
        return str(format_date(value, "LLLL yyyy", LOCALES[self.language]))

    def _local(self, name: str, value: str) -> str:
        if name in ("field", "sentence"):
            head, colon, rest = value.partition(":")
            return f"{self.label(head)}{colon}{rest}"
        if name == "status":
            return self.state("reseller", value)
        if name == "workflow":
            return self.state("workflow", value)
        if name in ("role", "roles"):
            return " / ".join(self.state("role", one) for one in value.split(" or "))
        if name in ("rate", "cap") and _RATE.fullmatch(value):
            return str(format_decimal(Decimal(value), "0.####", LOCALES[self.language]))
        if name == "scope":
            return self.state("scope", value)
        if found := _AMOUNT.fullmatch(value):
            return self.money(Money.of(found[1], found[2]))
        if _DAY.fullmatch(value):
            return self.day(date.fromisoformat(value))
        return value


def environment(templates: Path) -> Environment:
    """Templates in which everything is escaped and a name that nobody gave is an error."""
    made = Environment(
        loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["iban"] = MAILS["iban"]
    made.filters["markdown"] = _markdown
    made.filters["minor"] = Money
    made.filters["number"] = lambda value, language: format_decimal(value, "0.####", LOCALES[language])
    made.filters["grouped"] = lambda value, language: format_decimal(value, "#,##0", LOCALES[language])
    made.filters["tenths"] = lambda value, language: format_decimal(value, "#,##0.0", LOCALES[language])
    made.filters["order_state"] = order_state
    made.filters["reason"] = Reason.from_dict
    made.filters["picture"] = lambda svg: f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return made


def _markdown(text: str) -> Markup:
    # Headings of the text come below the page's own; what the library gives is escaped.
    made: str = _MARKDOWN.render(text)
    for level in (3, 2, 1):
        made = made.replace(f"<h{level}>", f"<h{level + 1}>").replace(f"</h{level}>", f"</h{level + 1}>")
    return Markup(made)  # noqa: S704 - made with raw HTML switched off

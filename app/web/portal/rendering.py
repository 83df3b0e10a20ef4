"""Pages from templates: everything is escaped, words come in the reader's language, money and days as mails write them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from babel.core import negotiate_locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.errors import ResellerError
from app.mail.rules import ENVIRONMENT as MAILS
from app.mail.rules import LOCALES
from app.mail.schemas import Language
from app.money import Money
from app.orders.attend import order_state
from app.reasons import SENTENCES, Reason
from app.web.portal.german import ERRORS, REASONS
from app.web.portal.session import PATH
from app.web.portal.words import FIELDS, WORDS

if TYPE_CHECKING:
    from app.web.portal.visit import Visit

HERE = Path(__file__).parent
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: Mapping[Language, str] = {"en": "English", "de": "Deutsch"}
STYLE = hashlib.sha256((HERE / "static" / "portal.css").read_bytes()).hexdigest()[:12]
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
_RATE = re.compile(r"\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Raw HTML and pictures stay text, so that a policy can only ever be text; links to scripts are refused by the library itself.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def language_of(asked: str | None, kept: str | None, accepted: str) -> Language:
    """The language of a page: the one asked for, else the one kept, else the browser's first of ours, else English."""
    for given in (asked, kept):
        for known in LANGUAGES:
            if given == known:
                return known
    wanted = [part.partition(";")[0].strip().replace("-", "_") for part in accepted[:200].split(",")]
    found = negotiate_locale([part for part in wanted if part], LANGUAGES)
    return "de" if found == "de" else "en"


def render(visit: Visit, name: str, context: Mapping[str, Any]) -> str:
    """The page. Raises jinja2's UndefinedError for a name the template needs and nobody gave."""
    language = visit.language
    shop = visit.shop
    zone = ZoneInfo(shop.settings.time_zone if shop else "UTC")
    return _ENVIRONMENT.get_template(name).render(
        visit=visit,
        language=language,
        languages=NAMES,
        seller=shop.settings.seller if shop else None,
        path=f"{PATH}{visit.request.url.path.removeprefix(PATH)}",
        base=PATH,
        style=STYLE,
        form_token=visit.session.csrf if visit.session else "",
        t=partial(word, language),
        state=partial(state, language),
        said=partial(said, language),
        failed=partial(failed, language),
        label=partial(label, language),
        money=partial(MAILS.filters["money"], language=language),
        day=partial(_day, language, zone),
        moment=partial(_moment, language, zone),
        month=partial(_month, language),
        **context,
    )


def word(language: Language, key: str, /, **values: object) -> str:
    """A word or sentence of the pages. Raises KeyError for one that is not there."""
    return WORDS[key][LANGUAGES.index(language)].format(**values)


def state(language: Language, group: str, value: str) -> str:
    """A state as people say it; one that nobody translated is shown as it is."""
    return word(language, f"{group}_{value}") if f"{group}_{value}" in WORDS else value


def label(language: Language, field: str) -> str:
    """What a form calls a field of ours; the field's own name where no form has it."""
    return FIELDS[field][LANGUAGES.index(language)] if field in FIELDS else field


def said(language: Language, reason: Reason) -> str:
    """A reason in the reader's language, its amounts and days as the language writes them."""
    sentences = SENTENCES if language == "en" else {**SENTENCES, **REASONS}
    values = {name: _local(language, name, value) for name, value in reason.params}
    return sentences[reason.code].format(**values)


def failed(language: Language, error: ResellerError) -> str:
    """An error in the reader's language; in German its own sentence stands behind where only that names the place."""
    if error.status >= 500:  # what exactly failed behind us is for the log
        return word(language, "failed_shop" if error.status == 502 else "failed_ours")
    wait = getattr(error, "wait", "")
    if language == "en":
        return error.sentence
    return ERRORS[error.code].format(wait=wait) if error.code in ERRORS else word(language, "failed", sentence=error.sentence)


def _local(language: Language, name: str, value: str) -> str:
    if name in ("field", "sentence"):
        head, colon, rest = value.partition(":")
        return f"{label(language, head)}{colon}{rest}"
    if name == "status":
        return state(language, "reseller", value)
    if name in ("role", "roles"):
        return " / ".join(state(language, "role", one) for one in value.split(" or "))
    if name in ("rate", "cap") and _RATE.fullmatch(value):
        return str(format_decimal(Decimal(value), "0.####", LOCALES[language]))
    if name == "scope":
        return state(language, "scope", value)
    if found := _AMOUNT.fullmatch(value):
        return str(MAILS.filters["money"](Money.of(found[1], found[2]), language))
    if _DAY.fullmatch(value):
        return str(MAILS.filters["day"](date.fromisoformat(value), language))
    return value


def _day(language: Language, zone: ZoneInfo, value: date | datetime) -> str:
    day = value.astimezone(zone).date() if isinstance(value, datetime) else value
    return str(MAILS.filters["day"](day, language))


def _moment(language: Language, zone: ZoneInfo, value: datetime) -> str:
    return str(format_datetime(value, "medium", zone, LOCALES[language]))


def _month(language: Language, value: date) -> str:
    return str(format_date(value, "LLLL yyyy", LOCALES[language]))


def _markdown(text: str) -> Markup:
    # Headings of the text come below the page's own; what the library gives is escaped.
    made: str = _MARKDOWN.render(text)
    for level in (3, 2, 1):
        made = made.replace(f"<h{level}>", f"<h{level + 1}>").replace(f"</h{level}>", f"</h{level + 1}>")
    return Markup(made)  # noqa: S704 - made with raw HTML switched off


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["iban"] = MAILS.filters["iban"]
    environment.filters["markdown"] = _markdown
    environment.filters["minor"] = Money
    environment.filters["number"] = lambda value, language: format_decimal(value, "0.####", LOCALES[language])
    environment.filters["order_state"] = order_state
    environment.filters["picture"] = lambda svg: f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return environment


_ENVIRONMENT = _environment()

"""Making a mail's subject, HTML and text from one template in MJML and Jinja2, and naming the line that is wrong. No I/O beside
reading the program's own templates.

A vendor's templates lie over the built-in ones by name. They run in a sandbox: they see the mail's facts and nothing else.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType, GeneratorType
from typing import Any

import mrml
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from jinja2 import (
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.mail.lines import one_line, printable
from app.mail.plain import plain_text
from app.mail.schemas import Language, PriceTerms
from app.money import Money

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".mjml"
LOCALES = {"en": "en_US", "de": "de_DE"}
MONEY = {"en": "¤¤ #,##0.00", "de": "#,##0.00 ¤¤"}
DATES = {"en": "MMMM d, y", "de": "d. MMMM y"}
OFF_RETAIL = {"en": "{percent} % off retail", "de": "{percent} % unter Listenpreis"}
UNTIL = {"en": "{price} through {day}", "de": "{price} bis einschließlich {day}"}
MAX_SUBJECT = 200
MAX_MARKUP = 500_000
"""Characters of a mail's markup: far more than any mail has."""
VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How the vendor's mails look, and where they lead. `logo` is a PNG of twice the pixels it is shown with, empty for none."""

    logo: bytes = b""
    logo_width: int = 0
    """Pixels it is shown with."""
    accent: str = "#1f3a5f"
    portal: str = ""
    """What stands before the path of a portal's page, like `/orders/1042`, in a link; empty where mails lead nowhere."""
    footer: Mapping[str, str] | None = None
    """By language: lines below the vendor's name and address."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a template of the vendor's own: its name, the line (0 where none can be told) and the words."""

    template: str
    line: int
    message: str

    @property
    def sentence(self) -> str:
        return f"{self.template}{f', line {self.line}' if self.line else ''}: {self.message}"


class TemplateFault(Exception):
    """A template cannot be made into a mail."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's words: the subject is one line of at most 200 characters."""

    subject: str
    html: str
    text: str


def render_mail(name: str, facts: Mapping[str, Any], own: Mapping[str, str]) -> Rendered:
    """A mail from the template `name`, with the vendor's `own` templates (source by name) over the built-in ones.

    Raises TemplateFault that names the template and the line.
    """
    env = environment(tuple(sorted(own.items())))
    markup, places = _markup(env, name, facts)
    if wrong := _misplaced(markup):
        raise TemplateFault(_at(env, places, markup, *wrong))
    try:
        made = mrml.to_html(markup)
    except (OSError, ValueError) as error:
        raise TemplateFault(Fault(name, 0, f"it is no MJML: {error}")) from error
    if not (title := one_line(html.unescape(made.title or ""))):
        raise TemplateFault(Fault(name, 0, "the mail has no subject: give it a <mj-title>, or the block `subject`"))
    return Rendered(title[:MAX_SUBJECT], made.content, plain_text(markup))


def check_source(name: str, source: str) -> None:
    """Raise TemplateFault for a source that is no template at all."""
    try:
        environment(()).parse(source, name)
    except TemplateSyntaxError as error:
        raise TemplateFault(Fault(name, error.lineno, error.message or "it cannot be read")) from error


def _markup(env: ImmutableSandboxedEnvironment, name: str, facts: Mapping[str, Any]) -> tuple[str, list[_Place]]:
    try:
        template = env.get_template(f"{name}{SUFFIX}")
        parts: list[str] = []
        places: list[_Place] = []
        size = 0
        stream = template.root_render_func(template.new_context(dict(facts)))
        for part in stream:
            places.append(_Place(size, *_origin(stream, name)))
            size += len(part)
            if size > MAX_MARKUP:
                words = f"the mail has more than {MAX_MARKUP:,} characters"
                raise TemplateFault(Fault(places[-1].template, places[-1].line, words))
            parts.append(part)
        return "".join(parts), places
    except TemplateSyntaxError as error:
        raise TemplateFault(Fault(_bare(error.name or name), error.lineno, error.message or "it cannot be read")) from error
    except TemplateNotFound as error:
        raise TemplateFault(Fault(name, _line_of(error, name), f"there is no template {error.name!r}")) from error
    except TemplateFault:
        raise
    except Exception as error:  # a template may fail like any program: at a filter, a division, a missing variable
        where = _last_place(error) or (name, 0)
        words = (error.message if isinstance(error, TemplateError) else str(error)) or type(error).__name__
        raise TemplateFault(Fault(*where, words)) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stretch of the markup comes from."""

    offset: int
    template: str
    line: int


def _origin(stream: Any, name: str) -> tuple[str, int]:
    """The line of a template that a generator of Jinja stands at, in the innermost block."""
    inner = stream
    while isinstance(inner.gi_yieldfrom, GeneratorType):
        inner = inner.gi_yieldfrom
    return _source_line(inner.gi_frame, inner.gi_frame.f_lineno) or (name, 0)


def _source_line(frame: FrameType, line: int) -> tuple[str, int] | None:
    template = frame.f_globals.get("__jinja_template__")
    if not isinstance(template, Template) or template.name is None:
        return None
    return _bare(template.name), template.get_corresponding_lineno(line)


def _last_place(error: BaseException) -> tuple[str, int] | None:
    """The innermost line of a template that an error passed, in the mail's own templates before the parts they share."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        place = _source_line(trace.tb_frame, trace.tb_lineno)
        if place is not None and place[0] != "parts":
            found = place
        trace = trace.tb_next
    return found


def _line_of(error: BaseException, name: str) -> int:
    place = _last_place(error)
    return place[1] if place is not None and place[0] == name else 0


def _at(env: ImmutableSandboxedEnvironment, places: list[_Place], markup: str, line: int, column: int, message: str) -> Fault:
    """The fault at a line of the markup, at the line of the template it comes from."""
    offset = sum(map(len, markup.splitlines(keepends=True)[: line - 1])) + column
    found = max(0, bisect_right([place.offset for place in places], offset) - 1)
    place = places[found]
    end = places[found + 1].offset if found + 1 < len(places) else len(markup)
    # Jinja knows the line of the last tag only; the text behind it is looked for from there on.
    assert env.loader is not None
    text = env.loader.get_source(env, f"{place.template}{SUFFIX}")[0]
    start = sum(map(len, text.splitlines(keepends=True)[: place.line - 1]))
    stretch = text.find(markup[place.offset : end], start)
    if stretch < 0:
        return Fault(place.template, place.line, message)
    return Fault(place.template, text.count("\n", 0, stretch + offset - place.offset) + 1, message)


def _misplaced(markup: str) -> tuple[int, int, str] | None:
    """What is wrong with the tags: (line of the markup, column, words); None when every tag is closed and known."""
    reader = _Tags()
    reader.feed(markup)
    reader.close()
    if reader.wrong is None and reader.open:
        tag, line, column = reader.open[-1]
        return line, column, f"<{tag}> is not closed"
    return reader.wrong


TAGS = frozenset((
    "mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-title", "mj-preview", "mj-style", "mj-font",
    "mj-breakpoint", "mj-raw", "mj-section", "mj-column", "mj-group", "mj-wrapper", "mj-hero", "mj-text", "mj-table",
    "mj-image", "mj-button", "mj-divider", "mj-spacer", "mj-social", "mj-social-element", "mj-navbar", "mj-navbar-link",
    "mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-accordion-text", "mj-carousel", "mj-carousel-image",
))  # fmt: skip


class _Tags(HTMLParser):
    """Reads tags only, for the first that is unknown, or closed where it is not open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, int, int]] = []
        self.wrong: tuple[int, int, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._known(tag)
        if tag not in VOID:
            self.open.append((tag, *self.getpos()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._known(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        elif any(tag == name for name, _, _ in self.open):
            name, line, column = self.open[-1]
            self._note(line, column, f"<{name}> is not closed before </{tag}>")
        else:
            self._note(*self.getpos(), f"</{tag}> closes nothing")

    def _known(self, tag: str) -> None:
        if tag == "mj-include":
            self._note(*self.getpos(), "<mj-include> is not possible here; use {% include %} or {% import %}")
        elif tag.startswith("mj-") and tag not in TAGS and not self._in_attributes():
            self._note(*self.getpos(), f"there is no <{tag}>")

    def _in_attributes(self) -> bool:
        return any(name == "mj-attributes" for name, _, _ in self.open)

    def _note(self, line: int, column: int, words: str) -> None:
        if self.wrong is None:
            self.wrong = line, column, words


def _bare(name: str) -> str:
    return name.removesuffix(SUFFIX)


def _money(money: Money, language: Language) -> str:
    return str(format_currency(money.amount, money.currency, MONEY[language], LOCALES[language]))


def _date(day: date, language: Language) -> str:
    return format_date(day, DATES[language], LOCALES[language])


def _month(day: date, language: Language) -> str:
    return format_date(day, "LLLL y", LOCALES[language])


def _moment(at: datetime, language: Language) -> str:
    return f"{_date(at.date(), language)}, {format_time(at, 'HH:mm z', tzinfo=at.tzinfo, locale=LOCALES[language])}"


def _number(number: int, language: Language) -> str:
    return str(format_decimal(number, "#,##0", LOCALES[language]))


def _terms(terms: PriceTerms, language: Language) -> str:
    """A price as it is said: `7.5 % off retail`, or an amount, with its last day."""
    if isinstance(terms.price, Money):
        said = _money(terms.price, language)
    else:
        percent = format_decimal(terms.price, "#,##0.##", LOCALES[language])
        said = OFF_RETAIL[language].format(percent=percent)
    return UNTIL[language].format(price=said, day=_date(terms.until, language)) if terms.until else said


def _iban(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


FILTERS: dict[str, Callable[..., str]] = {
    "money": _money,
    "number": _number,
    "day": _date,
    "month": _month,
    "moment": _moment,
    "terms": _terms,
    "iban": _iban,
    "line": one_line,
    "printable": printable,
}


@lru_cache(maxsize=64)
def environment(own: tuple[tuple[str, str], ...]) -> ImmutableSandboxedEnvironment:
    """Jinja2 with the vendor's own templates over the built-in ones; compiled templates are kept with it."""
    made = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([DictLoader({f"{name}{SUFFIX}": source for name, source in own}), FileSystemLoader(TEMPLATES)]),
        autoescape=select_autoescape(["mjml", "html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    return made

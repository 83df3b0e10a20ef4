"""Templates of the vendor's own: tried with made-up facts before they are kept, and left alone where they fail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound
from app.mail.markup import SUFFIX, TEMPLATES, Fault, Look, TemplateFault, check_source
from app.mail.rules import LAYOUT, Templates, words_and_pictures
from app.mail.samples import variants
from app.mail.schemas import Language, MailKind
from app.mail.tables import MailTemplate

LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES = (*(f"{kind}.{language}" for kind in MailKind for language in LANGUAGES), LAYOUT)
"""Every template a vendor can have of its own."""
MAX_SOURCE = 200_000
LOOKS = (
    Look(),
    Look(
        b"a picture", 120, "#006633", "https://store.example/portal", {"en": "Registered in Texas", "de": "Amtsgericht München"}
    ),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A template by name; who made it the vendor's own and when, if anybody did."""

    name: str
    set_by: str | None
    set_at: datetime | None


class WrongTemplate(InvalidInput):
    """A source that does not make its mails; `fault` names the line. What was in force stays in force."""

    default_code = "mail_template"

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.sentence}. The template that was in force stays in force.")
        self.fault = fault


class TemplateChanged(Conflict):
    """Somebody else changed the template since it was read; `source` is what is in force."""

    default_code = "template_changed"

    def __init__(self, source: str) -> None:
        super().__init__("Somebody else changed this template since you read it; nothing of yours was stored.")
        self.source = source


async def own_templates(session: AsyncSession) -> Templates:
    """The shop's own, for `compose`."""
    rows = await session.execute(select(MailTemplate.name, MailTemplate.source))
    return Templates({row.name: row.source for row in rows})


async def listed(session: AsyncSession) -> Sequence[Known]:
    """Every template by its name."""
    own = {row.name: row for row in await session.scalars(select(MailTemplate))}
    return [Known(name, own[name].set_by if name in own else None, own[name].set_at if name in own else None) for name in NAMES]


async def source_of(session: AsyncSession, name: str) -> tuple[str, bool]:
    """A template's source, and whether it is the shop's own. Raises NotFound that names what there is."""
    known(name)
    own = await session.scalar(select(MailTemplate.source).where(MailTemplate.name == name))
    return (own, True) if own is not None else (built_in(name), False)


def mark(source: str) -> str:
    """A short text that differs where the source does."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


async def set_template(session: AsyncSession, name: str, source: str, *, by: str, at: datetime, unchanged: str = "") -> None:
    """Make this the shop's own template, once it makes every mail it is for from made-up facts.

    `unchanged` is the `mark` of the source that was read. Raises NotFound for an unknown name, WrongTemplate that names the line:
    what was in force before stays in force, and TemplateChanged.
    """
    known(name)
    query = select(MailTemplate).where(MailTemplate.name == name).with_for_update()
    row = await session.scalar(query)
    in_force = row.source if row is not None else built_in(name)
    if unchanged and mark(in_force) != unchanged:
        raise TemplateChanged(in_force)
    check_template(name, source, await own_templates(session))
    if row is None:
        session.add(MailTemplate(name=name, source=source, set_by=by, set_at=at))
    else:
        row.source, row.set_by, row.set_at = source, by, at
    await session.flush()


async def reset_template(session: AsyncSession, name: str) -> bool:
    """Take the built-in one again; False where it is in force already. Raises NotFound."""
    known(name)
    found = await session.scalar(select(MailTemplate.id).where(MailTemplate.name == name))
    await session.execute(delete(MailTemplate).where(MailTemplate.name == name))
    return found is not None


def check_template(name: str, source: str, templates: Templates) -> None:
    """Raise WrongTemplate, with the line, for a source that does not make its mails together with the shop's other templates."""
    if len(source) > MAX_SOURCE:
        raise WrongTemplate(Fault(name, 0, f"it has more than {MAX_SOURCE:,} characters"))
    if "\x00" in source:
        raise WrongTemplate(Fault(name, 0, "it is no text"))
    try:
        check_source(name, source)
    except TemplateFault as error:
        raise WrongTemplate(error.fault) from error
    tried = Templates({**templates.own, name: source})
    for made in MailKind if name == LAYOUT else [MailKind(name.partition(".")[0])]:
        for language in LANGUAGES if name == LAYOUT else [lang for lang in LANGUAGES if name.endswith(f".{lang}")]:
            for facts in variants(made):
                for look in LOOKS:
                    words_and_pictures(made, language, facts, look, tried, "preview@localhost")
                    if tried.faults:
                        raise WrongTemplate(tried.faults[0])


def known(name: str) -> str:
    """The name, where there is such a template. Raises NotFound that names what there is."""
    if name not in NAMES:
        raise NotFound(f"There is no template {name!r}. There are: {', '.join(NAMES)}.", code="mail_template")
    return name


def built_in(name: str) -> str:
    """The source that comes with the program."""
    return (TEMPLATES / f"{known(name)}{SUFFIX}").read_text(encoding="utf-8")

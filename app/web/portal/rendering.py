"""The portal's pages from templates, in the reader's language (`app.web.speech`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from app.mail.schemas import Language
from app.web.portal.session import PATH
from app.web.portal.words import FIELDS, WORDS
from app.web.speech import LANGUAGES, Speech, environment, first_language

if TYPE_CHECKING:
    from app.web.portal.visit import Visit

HERE = Path(__file__).parent
NAMES: Mapping[Language, str] = {"en": "English", "de": "Deutsch"}
STYLE = hashlib.sha256((HERE / "static" / "portal.css").read_bytes()).hexdigest()[:12]
_ENVIRONMENT = environment(HERE / "templates")


def language_of(asked: str | None, kept: str | None, accepted: str) -> Language:
    """The language of a page: the one asked for, else the one kept, else the browser's first of ours, else English."""
    for given in (asked, kept):
        for known in LANGUAGES:
            if given == known:
                return known
    return first_language(accepted)


def speech(language: Language, zone: ZoneInfo | None = None) -> Speech:
    """The portal in one language."""
    return Speech(language, WORDS, FIELDS, zone)


def render(visit: Visit, name: str, context: Mapping[str, Any]) -> str:
    """The page. Raises jinja2's UndefinedError for a name the template needs and nobody gave."""
    shop = visit.shop
    return _ENVIRONMENT.get_template(name).render(
        visit=visit,
        language=visit.language,
        languages=NAMES,
        seller=shop.settings.seller if shop else None,
        path=f"{PATH}{visit.request.url.path.removeprefix(PATH)}",
        base=PATH,
        style=STYLE,
        form_token=visit.session.csrf if visit.session else "",
        **speech(visit.language, ZoneInfo(shop.settings.time_zone) if shop else None).helpers(),
        **context,
    )

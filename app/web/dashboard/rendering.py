"""The staff's pages from templates, in the reader's language and zone (`app.web.speech`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from app.mail.schemas import Language
from app.web.dashboard.words import FIELDS, WORDS
from app.web.speech import LANGUAGES, Speech, environment

if TYPE_CHECKING:
    from app.web.dashboard.visit import Reader

PATH = "/dashboard"
HERE = Path(__file__).parent
STATIC = HERE / "static"
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]
"""In the address of every static file, so that a new one is fetched at once."""
SCRIPTS = ("htmx-2.0.11.min.js", "bridge.js", "dashboard.js")
_ENVIRONMENT = environment(HERE / "templates")


def speech(language: Language, zone: ZoneInfo | None = None) -> Speech:
    """The staff's pages in one language."""
    return Speech(language, WORDS, FIELDS, zone)


_BOTH = {language: speech(language) for language in LANGUAGES}


def render(reader: Reader, name: str, context: Mapping[str, Any]) -> str:
    """The page. Raises jinja2's UndefinedError for a name the template needs and nobody gave."""
    return _ENVIRONMENT.get_template(name).render(
        visit=reader,
        language=reader.language,
        frame=reader.frame,
        base=PATH,
        here=f"{PATH}{reader.request.url.path.removeprefix(PATH)}",
        menu=reader.request.app.state.menu,
        notice=_notice(reader),
        **reader.speech.helpers(),
        **context,
    )


def fragment(reader: Reader, name: str, **context: Any) -> str:
    """The page of a template, as `render` makes it."""
    return render(reader, name, context)


def widget(reader: Reader, content: str, here: str, session: str = "", seconds: int = 0) -> str:
    """The document around what a widget shows first. `here` is where it is shown again."""
    return _ENVIRONMENT.get_template("widget.html").render(
        base=PATH,
        version=VERSION,
        both=_BOTH,
        language=reader.language,
        origins=" ".join(reader.origins),
        content=Markup(content),  # noqa: S704 - made by a template
        here=here,
        session=session,
        seconds=seconds,
    )


@lru_cache(maxsize=64)
def shell(frame: str, dashboard_origins: str) -> str:
    """The document that a frame loads first: no data, the same for everybody, cheap to be asked for twice (facts 0.1)."""
    return _ENVIRONMENT.get_template("shell.html").render(
        base=PATH, frame=frame, origins=dashboard_origins, version=VERSION, both=_BOTH
    )


def _notice(reader: Reader) -> str:
    """What the page before carried out, told once; only sentences of ours, whatever the address says."""
    given = reader.request.query_params.get("notice", "")
    key = f"notice_{given}"
    if key not in WORDS:
        return ""
    values = {name: value[:200] for name, value in reader.request.query_params.items()}
    try:
        return reader.speech.word(key, **values)
    except KeyError:
        return ""

"""What a mail looks like: made from made-up facts with the shop's own look and templates, sent to nobody."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.errors import NotFound
from app.mail.markup import Fault, Look
from app.mail.overrides import check_template, known
from app.mail.rules import LAYOUT, Context, Templates, compose, words_and_pictures
from app.mail.samples import sample
from app.mail.schemas import Language, MailKind
from app.settings import Seller

SENDER = "preview@localhost"


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as it would be. `html` is a whole page with its pictures in it; `faults` says where a template of the shop's own
    failed, so that the built-in one is shown."""

    name: str
    kind: MailKind
    language: Language
    own: bool
    subject: str
    html: str
    text: str
    faults: Sequence[Fault]
    _context: Context
    _look: Look
    _templates: Templates

    def eml(self, at: datetime) -> bytes:
        """The whole mail as it goes over the wire."""
        facts: dict[str, Any] = {"sender": SENDER, "recipient": SENDER, "message_id": SENDER}
        own = Templates(self._templates.own)
        return compose(self.kind, self.language, self._context, [], at=at, look=self._look, templates=own, **facts).content


def preview(name: str, language: str, templates: Templates, look: Look, seller: Seller, source: str | None = None) -> Preview:
    """The mail of a template, like `order_received.de`; a name without a language takes `language`, and so does the layout, which
    is shown around the mail of an order. `source` is a template that is not in force yet.

    Raises NotFound for an unknown name, WrongTemplate for a source that does not make its mails.
    """
    kind_name, _, of_name = name.partition(".")
    tongue: Language = "de" if (of_name or language) == "de" else "en"
    full = LAYOUT if kind_name == LAYOUT else f"{kind_name}.{tongue}"
    if kind_name != LAYOUT and kind_name not in set(MailKind):
        raise NotFound(f"There is no mail {kind_name!r}. There are: {', '.join(MailKind)}.", code="mail_template")
    kind = MailKind.ORDER_RECEIVED if kind_name == LAYOUT else MailKind(kind_name)
    tried = Templates(templates.own)
    if source is not None:
        check_template(known(full), source, templates)
        tried = Templates({**templates.own, full: source})
    context = sample(kind, **({"seller": seller} if seller.name else {}))
    made, pictures = words_and_pictures(kind, tongue, context, look, tried, SENDER)
    page = made.html
    for picture, content in pictures.items():
        page = page.replace(f"cid:{picture}.{SENDER}", "data:image/png;base64," + base64.b64encode(content).decode())
    return Preview(
        full, kind, tongue, full in tried.own, made.subject, page, made.text, tuple(tried.faults), context, look, tried
    )

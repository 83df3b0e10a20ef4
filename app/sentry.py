"""Errors to Sentry, off unless RESELLER_SENTRY_DSN is set (extra `sentry`). What goes out went through the logs' redaction first:
no local variables, no request bodies, no headers, no addresses.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app import logs
from app.errors import InvalidInput
from app.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

TAGS = ("tenant", "workflow", "subject", "path", "code", "shop")


def configure(settings: Settings) -> None:
    """Send every error that is logged to the DSN of the settings. Raises InvalidInput where the extra is missing."""
    if not settings.sentry_dsn:
        return
    if importlib.util.find_spec("sentry_sdk") is None:
        raise InvalidInput(
            "RESELLER_SENTRY_DSN needs the extra `sentry`: install saleor-reseller-program[sentry].", code="settings"
        )
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment,
        # Nothing is gathered by itself: what the logs say is all there is.
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        before_send=cleaned,
    )
    logs.report_to(_send)


def cleaned(event: Event, hint: Hint) -> Event:
    """The event without secrets and with addresses shortened, in messages of causes too."""
    kept: dict[str, Any] = {
        name: logs.redacted(event.get(name)) for name in ("message", "logentry", "exception", "extra", "tags") if name in event
    }
    return {**event, **kept}  # type: ignore[typeddict-item]


def _send(facts: Mapping[str, Any], error: BaseException | None) -> None:
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        for name, value in facts.items():
            (scope.set_tag if name in TAGS else scope.set_extra)(name, value)
        if error is not None:
            scope.capture_exception(error)
        else:
            scope.capture_message(str(facts.get("event", "error")), level="error")

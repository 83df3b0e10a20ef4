"""Spans on their way out of the process, without what opens a door (extra `otel`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from app.logs import redacted

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes


class Redacting(SpanExporter):
    """Hands each span on as the log would write it.

    The workflow engine puts an error's whole text into its spans, so they are cleaned where all of them pass.
    """

    def __init__(self, to: SpanExporter) -> None:
        self._to = to

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._to.export([_clean(span) for span in spans])

    def shutdown(self) -> None:
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._to.force_flush(timeout_millis)


def _clean(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_facts(span.attributes),
        events=[Event(event.name, _facts(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, redacted(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _facts(attributes: Attributes | Mapping[str, object]) -> Attributes:
    return {name: redacted(value, name) for name, value in (attributes or {}).items()}

"""One trace leads from the webhook of an order to its mails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dbos._context import DBOSContext
from dbos._tracer import dbos_tracer
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app import tracing
from app.sandbox.seed import EXEMPT
from app.spans import Redacting
from tests.journeys.harness import journey


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Redacting(exporter)))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    monkeypatch.setattr(tracing, "_provider", provider)
    # DBOS keeps for the whole process what the last launch said; one without traces may have come before.
    monkeypatch.setattr(dbos_tracer, "disable_otlp", False)
    yield exporter
    provider.shutdown()


async def test_one_trace_leads_from_the_webhook_of_an_order_to_its_license_and_mails(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path) as at:
        await at.trust(EXEMPT)
        _, order = await at.buy(EXEMPT, [("GRID-DEV", 1)], end_customer="new@customer.example")
        await at.idle()
    found: tuple[ReadableSpan, ...] = spans.get_finished_spans()
    (webhook,) = [span for span in found if span.name == "webhook order_created"]
    assert webhook.context is not None
    assert webhook.attributes == {"reseller.tenant": at.tenant_id}
    of_order = [span.name for span in found if span.context is not None and span.context.trace_id == webhook.context.trace_id]
    assert {"attend_order", "record_order", "release_order", "issue_licenses", "deliver_mail"} <= set(of_order)
    assert of_order.count("send_mail") == 3


def test_an_errors_text_leaves_without_tokens_and_whole_addresses(spans: InMemorySpanExporter) -> None:
    said = "https://app:hunter22@shop.example refused person@customer.example, Bearer abcdefghijkl"
    context = DBOSContext()
    context._start_span({"name": "send_mail", "operationType": "step"})
    trace.get_current_span().add_event("retry", {"error": said, "token": "abc", "attempt": 2})
    context._end_span(RuntimeError(said))
    (found,) = spans.get_finished_spans()
    clean = "https://[hidden]@shop.example refused p***@customer.example, Bearer [hidden]"
    assert (found.name, found.status.is_ok, found.status.description) == ("send_mail", False, clean)
    assert [dict(event.attributes or {}) for event in found.events] == [{"error": clean, "token": "[hidden]", "attempt": 2}]
    assert found.attributes is not None
    assert "step" in found.attributes.values()

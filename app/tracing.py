"""Traces by OpenTelemetry, off unless RESELLER_OTLP_ENDPOINT is set (extra `otel`).

One trace leads from a webhook through the durable work it asked for to the mails. The workflow engine makes a span of each
workflow and step; this module adds the webhooks and carries the trace along with the work.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import InvalidInput
from app.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

NAME = "reseller"
_provider: TracerProvider | None = None


def configure(settings: Settings, version: str = "") -> None:
    """Send spans to the endpoint of the settings, or do nothing without one. Raises InvalidInput where the extra is missing."""
    global _provider
    if not settings.otlp_endpoint or _provider is not None:
        return
    if importlib.util.find_spec("opentelemetry.exporter") is None or importlib.util.find_spec("opentelemetry.sdk") is None:
        raise InvalidInput(
            "RESELLER_OTLP_ENDPOINT needs the extra `otel`: install saleor-reseller-program[otel].", code="settings"
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from app.spans import Redacting

    provider = TracerProvider(resource=Resource.create({"service.name": NAME, "service.instance.id": settings.worker_id}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(Redacting(exporter)))
    use(provider)


def use(provider: TracerProvider) -> None:
    """Make this the provider of the process, once: OpenTelemetry allows no second one."""
    global _provider
    from opentelemetry import trace

    trace.set_tracer_provider(provider)
    _provider = provider


def on() -> bool:
    """Whether spans are made."""
    return _provider is not None


@contextmanager
def span(name: str, **facts: str) -> Iterator[None]:
    """A span around the block, below the one that is open; without an endpoint nothing at all."""
    if _provider is None:
        yield
        return
    with _provider.get_tracer(NAME).start_as_current_span(
        name, attributes={f"reseller.{key}": value for key, value in facts.items()}
    ):
        yield


def carried() -> Context | None:
    """What the queue keeps with work asked for now, so that its spans join the trace; None while there is none."""
    if _provider is None:
        return None
    from opentelemetry import context, trace

    return context.get_current() if trace.get_current_span().get_span_context().is_valid else None


def close() -> None:
    """Send what is left."""
    if _provider is not None:
        _provider.force_flush()

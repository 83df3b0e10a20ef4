"""What reaches Sentry: through its own client, to a transport that keeps what would be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from app import logs, sentry
from app.settings import Settings


class Kept(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events += [json.loads(item.get_bytes()) for item in envelope.items if item.type == "event"]


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    settings = Settings(secret_keys=["0123456789abcdef"], sentry_dsn="https://key@sentry.example/1", _env_file=None)
    sentry.configure(settings)
    kept = Kept()
    sentry_sdk.get_client().transport = kept
    yield kept.events
    logs._reports.clear()
    sentry_sdk.get_global_scope().set_client(None)


def test_an_error_is_sent_with_its_shop_and_without_secrets_addresses_and_values_of_frames(sent: list[Any]) -> None:
    def fail(passphrase: str) -> None:
        raise RuntimeError("no mail to eva@customer.example by smtp://me:hunter2@mail")

    try:
        fail("-".join(("in", "a", "frame")))
    except RuntimeError:
        structlog.get_logger().exception("webhook_failed", tenant="t-1", token="plain", path="/x")
    structlog.get_logger().warning("not an error")
    (event,) = sent
    text = json.dumps(event)
    assert event["tags"] == {"tenant": "t-1", "path": "/x"}
    assert event["environment"] == "production"
    assert "e***@customer.example" in text
    for secret in ("eva@", "hunter2", "in-a-frame", "plain"):
        assert secret not in text


def test_an_error_without_a_cause_is_a_message(sent: list[Any]) -> None:
    structlog.get_logger().error("file.damaged", file="f-1")
    (event,) = sent
    assert event["message"] == "file.damaged"


def test_without_a_dsn_nothing_is_reported() -> None:
    sentry.configure(Settings(secret_keys=["0123456789abcdef"], _env_file=None))
    assert logs._reports == []

import json
import logging

import pytest
import structlog

from app import logs


def fail(token: str) -> None:
    raise RuntimeError("the shop said no")


def test_a_cause_is_logged_without_the_values_in_its_frames(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail("-".join(("a", "secret")))
    except RuntimeError:
        structlog.get_logger().exception("webhook_failed", path="/x", shop="Süd")
    printed = capsys.readouterr()
    assert printed.out == ""
    line = json.loads(printed.err)
    assert {name: line[name] for name in ("event", "level", "path", "shop")} == {
        "event": "webhook_failed",
        "level": "error",
        "path": "/x",
        "shop": "Süd",
    }
    assert "RuntimeError: the shop said no" in line["exception"]
    assert "a-secret" not in printed.err


def test_a_level_hides_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(logging.ERROR)
    try:
        structlog.get_logger().info("quiet")
    finally:
        logs.configure()
    assert capsys.readouterr().err == ""

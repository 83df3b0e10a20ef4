import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from app import logs

LIBRARIES = ("", "uvicorn", "uvicorn.error", "dbos")


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


SECRETS = [
    ("Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl", "eyJ"),
    ("postgresql+psycopg://reseller:hunter2@db/reseller cannot be reached", "hunter2"),
    ("GET https://app.example/documents/1?expires=1&signature=abcdef", "abcdef"),
    ("The mail to eva.endkunde@customer.example could not be sent", "endkunde"),
    ("paid from DE89 3704 0044 0532 0130 00", "0044"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_nothing_that_opens_a_door_or_names_a_person_is_written(
    text: str, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.get_logger().warning("said", text=text, below={"deep": [text]})
    assert secret not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["token", "auth_token", "password", "Authorization", "saleor-signature", "smtp_password"])
def test_values_of_secret_names_are_hidden(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().warning("said", **{name: "plain"})
    assert json.loads(capsys.readouterr().err)[name] == logs.HIDDEN


def test_what_is_no_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"path": "/api/webhooks/order-created", "status": 401, "code": "token_expired", "order": "T3JkZXI6MQ==", "shop": None}
    structlog.get_logger().warning("said", **facts)
    line = json.loads(capsys.readouterr().err)
    assert {name: line[name] for name in facts} == facts


def test_libraries_write_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    kept = {name: (log.handlers[:], log.level, log.propagate) for name in LIBRARIES if (log := logging.getLogger(name))}
    logs.take_over()
    try:
        logging.getLogger("uvicorn.error").info("Started with %s", "smtp://me:secret@mail")
        logging.getLogger("dbos").warning("a step failed")
        logging.getLogger("httpx").info("GET https://somewhere")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        for name, (handlers, level, propagate) in kept.items():
            log = logging.getLogger(name)
            log.handlers[:], log.propagate = handlers, propagate
            log.setLevel(level)
    assert [(line["logger"], line["level"], line["event"]) for line in lines] == [
        ("uvicorn.error", "info", "Started with smtp://[hidden]@mail"),
        ("dbos", "warning", "a step failed"),
    ]


def test_errors_are_reported_once_and_without_secrets() -> None:
    told: list[tuple[Mapping[str, Any], BaseException | None]] = []
    logs.report_to(lambda facts, error: told.append((facts, error)))
    try:
        structlog.get_logger().warning("no error")
        try:
            fail("a-secret")
        except RuntimeError:
            structlog.get_logger().exception("webhook_failed", token="t", to="eva@customer.example")
    finally:
        logs._reports.clear()
    ((facts, error),) = told
    assert isinstance(error, RuntimeError)
    assert (facts["event"], facts["token"], facts["to"]) == ("webhook_failed", logs.HIDDEN, "e***@customer.example")

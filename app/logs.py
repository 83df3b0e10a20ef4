"""What the program logs: one line of JSON on standard error for each event.

A cause is logged with its plain traceback, never with the values in its frames: they hold tokens, addresses and sealed secrets.
Nothing that opens a door is written: values of secret names, tokens and passwords inside texts are taken out, mail addresses and
account numbers shortened. What happens inside durable work carries its workflow, its shop (`tenant`) and its `subject`, which is
the order of work about one.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"(?i)(^|_|-)(token|password|secret|authorization|signature|cookie|private_key|api_key|dsn)s?$")
_INSIDE: tuple[tuple[str, re.Pattern[str], str], ...] = (
    # Each is looked for only in texts with its first column in them: a pattern costs more than the rest of a line.
    # A signed token, Saleor's or ours.
    ("eyJ", re.compile(r"\beyJ[\w-]{8,}\.[\w-]*\.[\w-]+"), HIDDEN),
    (" ", re.compile(r"\b([Bb]earer|[Bb]asic) +[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    ("://", re.compile(r"(\w+://)[^/\s:@]*:[^/\s@]+@"), rf"\1{HIDDEN}@"),
    ("=", re.compile(r"(?i)\b(token|password|secret|signature)=[^\s&\"']+"), rf"\1={HIDDEN}"),
    ("@", re.compile(r"\b([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)"), r"\1***@\2"),
    # Account numbers; creditor references (RF) are ours, and what operators search by.
    ("", re.compile(r"\b(?!RF)([A-Z]{2}\d{2})(?: ?[A-Z0-9]){11,30}\b"), r"\1***"),
)
Report = Callable[[Mapping[str, Any], BaseException | None], None]
_reports: list[Report] = []


def configure(level: int = logging.INFO) -> None:
    """Set the one form of log lines of this process. Calling it again changes the level alone."""
    structlog.configure(
        processors=[*_shared(), structlog.processors.ExceptionRenderer(), _redact, _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked each time: standard output is for answers, and standard error may be another one by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def take_over(level: int = logging.INFO) -> None:
    """Write what libraries log (the web server, the workflow engine) in the same form, from WARNING on; ours from `level` on."""
    configure(level)
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(),
                _redact,
                _renderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "dbos"):
        library = logging.getLogger(name)
        library.handlers[:] = [handler] if name == "dbos" else []
        library.propagate = name != "dbos"  # it adds a handler of its own where it finds none
    logging.getLogger("uvicorn").setLevel(level)


def report_to(report: Report) -> None:
    """Tell `report` of every error that is logged from now on, after secrets are taken out."""
    _reports.append(report)


def redacted(value: Any, name: str = "") -> Any:
    """The value without what opens a door, and with addresses shortened; `name` is what it is called."""
    if name and value is not None and _names_a_secret(name):
        return HIDDEN
    if isinstance(value, str):
        for needle, pattern, instead in _INSIDE:
            if needle in value:
                value = pattern.sub(instead, value)
        return value
    if isinstance(value, Mapping):
        return {key: redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redacted(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else redacted(str(value))


@lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


class _StandardError(logging.Handler):
    """Standard error as it is when a line is written."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        _at_work,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell,
    ]


def _renderer() -> structlog.processors.JSONRenderer:
    return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)


def _at_work(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Which durable work says so: ids of workflows are `<what>:<shop>:<subject>...` (`orders.workflow`)."""
    dbos = sys.modules.get("dbos")
    workflow: str | None = dbos.DBOS.workflow_id if dbos is not None else None
    if workflow:
        event.setdefault("workflow", workflow)
        parts = workflow.split(":")
        if len(parts) > 2:
            event.setdefault("tenant", parts[1])
            event.setdefault("subject", parts[2])
    return event


def _tell(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if _reports and method in ("error", "exception", "critical"):
        cause = event.get("exc_info")
        error = cause[1] if isinstance(cause, tuple) else cause if isinstance(cause, BaseException) else sys.exc_info()[1]
        facts = redacted({key: value for key, value in event.items() if not key.startswith("_") and key != "exc_info"})
        for report in _reports:
            report(facts, error)
    return event


def _redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {key: redacted(value, key) for key, value in event.items()}

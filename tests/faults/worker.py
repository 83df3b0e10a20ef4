"""A worker that is killed at every step, and started again each time: `python -m tests.faults.worker MOMENT SCOPE LOG`.

The settings are one line of JSON on standard input. This process only loads the program; each life is a fork of it, so that a new
one begins in a moment and with nothing the last one had in memory. A life kills itself with SIGKILL at the first step at which no
earlier life died: just `before` the step's outcome is recorded (all its effects are there, nobody knows it), or just `after`.
SCOPE `every` counts each step of each workflow, `kind` only one of those that did the same for the same occasion. LOG gets a
line per kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from dbos._sys_db import SystemDatabase

from app.main import running
from app.settings import Settings

Moment = Literal["before", "after"]
Scope = Literal["every", "kind"]


def main(moment: Moment, scope: Scope, log: Path) -> None:
    """Let one life follow the other until this process is ended, or a life ends in another way than by a kill."""
    settings = Settings.model_validate_json(sys.stdin.readline())
    asyncio.run(_warm(settings))
    while True:
        life = os.fork()
        if life == 0:
            _arm(moment, scope, log)
            asyncio.run(_live(settings))
        _, status = os.waitpid(life, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"a life ended by itself: {status}")


def kind(workflow_id: str, place: int, step: str) -> str:
    """The same for steps that do the same for the same occasion, like the third one of any `order_updated`."""
    parts = workflow_id.split(":")
    return json.dumps([parts[0], *parts[3:4], place, step])


async def _warm(settings: Settings) -> None:
    """Let lives inherit what is read and compiled once, but no connection and no thread."""
    async with running(settings, worker=False) as (services, _):
        for shop in services.shops.all():
            await services.shops.client(shop)


async def _live(settings: Settings) -> None:
    async with running(settings, worker=True):
        await asyncio.Event().wait()


def _arm(moment: Moment, scope: Scope, log: Path) -> None:
    """Let DBOS die at the next step at which nobody died before."""
    deaths = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    record: Callable[..., None] = SystemDatabase.record_operation_result

    def name(step: list[Any]) -> str:
        return kind(*step) if scope == "kind" else json.dumps(step)

    died = {name(step) for step in deaths}

    def deadly(self: SystemDatabase, result: Any, **more: Any) -> None:
        step = [result["workflow_uuid"], result["function_id"], result["function_name"]]
        if name(step) in died:
            record(self, result, **more)
            return
        if moment == "after":
            record(self, result, **more)
        with log.open("a") as file:
            file.write(json.dumps(step) + "\n")
        os.kill(os.getpid(), signal.SIGKILL)

    SystemDatabase.record_operation_result = deadly  # type: ignore[method-assign]


if __name__ == "__main__":
    main(
        "after" if sys.argv[1] == "after" else "before",
        "kind" if sys.argv[2] == "kind" else "every",
        Path(sys.argv[3]),
    )

"""One process of the storm: `python -m tests.faults.storm_process web|worker SKEW PORT`, its settings as JSON on standard input.

As `reseller serve --web-only` and `reseller worker` do it, but by a clock that is SKEW seconds wrong.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta

from app import logs
from app.clock import system_clock
from app.main import running
from app.sandbox.serve import running as serving
from app.settings import Settings


async def live(kind: str, skew: float, port: int, settings: Settings) -> None:
    """Serve or work until killed."""

    def clock() -> datetime:
        return system_clock() + timedelta(seconds=skew)

    async with running(settings, worker=kind == "worker", clock=clock) as (_, application), serving(application, port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    logs.take_over()
    given = Settings.model_validate_json(sys.stdin.readline())
    asyncio.run(live(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), given))

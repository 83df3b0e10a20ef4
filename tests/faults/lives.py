"""Starting and ending the worker that is killed at every step, and reading where it died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from tests.faults.worker import Moment, Scope


@dataclass
class Lives:
    """The lives of one worker; `log` says where they ended, `output` what they said."""

    log: Path
    output: Path
    process: subprocess.Popen[str]

    def deaths(self) -> list[tuple[str, int, str]]:
        """Each kill: workflow id, place in the workflow, step name."""
        if not self.log.exists():
            return []
        return [(found[0], found[1], found[2]) for found in map(json.loads, self.log.read_text().splitlines())]

    def names(self) -> set[str]:
        """The steps by name at which a life ended. Raises AssertionError when lives do not follow each other any more."""
        assert self.process.poll() is None, self.output.read_text()
        return {name for _, _, name in self.deaths()}


@contextmanager
def killed_at_every_step(settings: Settings, moment: Moment, scope: Scope, directory: Path) -> Iterator[Lives]:
    """A worker on the installation's database for as long as the block lasts."""
    log, output = directory / "deaths", directory / "worker.log"
    command = [sys.executable, "-m", "tests.faults.worker", moment, scope, str(log)]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    assert process.stdin is not None
    with process.stdin as stdin:
        stdin.write(settings.model_dump_json() + "\n")
    try:
        yield Lives(log, output, process)
    finally:
        # Its own session, so that the life that goes on is ended with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

"""A private PostgreSQL for the benchmarks, with its defaults: unlike the tests' it waits for the disk.

Only that one query is not spread over several processes: they would wait for each other on the one core it has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import POSTGRES_HOMES
from tests.journeys.harness import reserved


@contextmanager
def private_postgres(core: int) -> Iterator[str | None]:
    """The URL of an empty database on a server of its own, pinned to a core; None where PostgreSQL is not installed."""
    home = next(iter(POSTGRES_HOMES), None)
    if home is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="reseller-bench-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with reserved() as port:
        pass
    data = str(directory / "data")
    subprocess.run(
        [*as_user, str(home / "initdb"), "-D", data, "-U", "bench", "-A", "trust"], check=True, capture_output=True, cwd="/"
    )
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={directory}"
    options += " -c max_parallel_workers_per_gather=0"
    control = [*as_user, str(home / "pg_ctl"), "-D", data, "-w"]
    start = ["taskset", "-c", str(core), *control, "-l", str(directory / "log"), "-o", options, "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/")
    try:
        yield f"postgresql+psycopg://bench@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(directory)

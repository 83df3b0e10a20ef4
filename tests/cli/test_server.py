import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.cli.failures import NOT_MIGRATED, machine_sentence
from app.db.migrate import head
from app.mail.rules import distinct
from tests.cli.conftest import Run

COMMAND = [str(Path(sys.executable).parent / "reseller")]


def spawn(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "RESELLER_SECRET_KEYS": "a long passphrase",
        "RESELLER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/reseller.db",
        "PATH": "/usr/bin:/bin",
    }


def test_migrate_prints_where_it_came_from_and_went(environment: dict[str, str]) -> None:
    for before in (None, head()):
        result = spawn("migrate", "--json", **environment)
        assert json.loads(result.stdout) == {"from": before, "to": head()}
        assert result.returncode == 0
    assert spawn("schema", **environment).stdout == f"revision: {head()}\nnewest: {head()}\n"


def test_wrong_settings_are_a_sentence_and_exit_code_1(environment: dict[str, str]) -> None:
    result = spawn("migrate", **{**environment, "RESELLER_SECRET_KEYS": "short"})
    assert result.returncode == 1
    assert "RESELLER_SECRET_KEYS" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_use_is_exit_code_2(environment: dict[str, str]) -> None:
    assert spawn("dance", **environment).returncode == 2


@pytest.mark.parametrize("command", [["orders", "tasks"], ["check"], ["prices", "list"], ["shop", "show"], ["resellers", "list"]])
async def test_an_unmigrated_database_names_the_way_out(bare: Path, run: Run, command: list[str]) -> None:
    ended = await run(*command)
    assert (ended.code, ended.err) == (1, NOT_MIGRATED + "\n")


async def test_a_migrated_database_without_a_shop(bare: Path, run: Run) -> None:
    assert (await run("migrate")).code == 0
    ended = await run("orders", "tasks")
    assert (ended.code, ended.err.startswith("The app is not installed in any shop yet")) == (1, True)


def test_a_database_that_cannot_be_opened(environment: dict[str, str], tmp_path: Path) -> None:
    result = spawn("schema", **environment | {"RESELLER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/nowhere/reseller.db"})
    assert (result.returncode, result.stdout) == (1, "")
    # The driver's own thread may still say something when the process ends.
    assert result.stderr.startswith("The database cannot be used: unable to open database file.\n")


async def test_a_port_in_use(bare: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESELLER_BASE_URL", "http://localhost:8001")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (["serve"], ["demo", "--once", "--directory", str(bare)]):
            ended = await run(*command, "--port", port)
            assert ended.code == 1
            assert (
                ended.err == f"127.0.0.1 port {port} cannot be listened on: Address already in use. Choose another with --port.\n"
            )
    for name, out_of_range in (("serve", "65536"), ("demo", "65535"), ("demo", "-1")):
        assert (await run(name, "--port", out_of_range)).code == 2


async def test_the_demo_in_a_place_that_is_no_directory(bare: Path, run: Run) -> None:
    (bare / "file").write_text("")
    ended = await run("demo", "--once", "--directory", str(bare / "file" / "below"))
    assert (ended.code, ended.err) == (1, f"{bare / 'file' / 'below'}: Not a directory.\n")


def test_sentences_of_the_machine() -> None:
    assert machine_sentence(PermissionError(13, "Permission denied", "/x")) == "/x: Permission denied."
    assert machine_sentence(OSError("It did not start.")) == "It did not start."
    assert machine_sentence(TimeoutError()) == "TimeoutError."
    assert machine_sentence(ProgrammingError("", {}, UndefinedTable('relation "tenant" does not exist'))) == NOT_MIGRATED
    assert machine_sentence(OperationalError("", {}, Exception("no such column: a.b"))) == NOT_MIGRATED
    assert machine_sentence(ProgrammingError("", {}, Exception("syntax error"))) is None


def test_files_of_equal_names_get_numbers() -> None:
    assert distinct(["a.lic", "a.lic", "b", "a.lic", "b"]) == ["a.lic", "a-2.lic", "b", "a-3.lic", "b-2"]

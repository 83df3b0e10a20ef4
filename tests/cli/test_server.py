import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.migrate import head

COMMAND = [str(Path(sys.executable).parent / "reseller")]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
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
        result = run("migrate", "--json", **environment)
        assert json.loads(result.stdout) == {"from": before, "to": head()}
        assert result.returncode == 0
    assert run("schema", **environment).stdout == f"revision: {head()}\nnewest: {head()}\n"


def test_wrong_settings_are_a_sentence_and_exit_code_1(environment: dict[str, str]) -> None:
    result = run("migrate", **{**environment, "RESELLER_SECRET_KEYS": "short"})
    assert result.returncode == 1
    assert "RESELLER_SECRET_KEYS" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_use_is_exit_code_2(environment: dict[str, str]) -> None:
    assert run("dance", **environment).returncode == 2

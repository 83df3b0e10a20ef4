"""The demo is a journey test: it plays the whole story and checks each scene itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import logs
from app.cli.demo import play


@pytest.fixture(autouse=True)
def _quiet_for_this_test_alone() -> Iterator[None]:
    """The demo silences logs for its process; other tests listen to them."""
    yield
    logs.configure()


async def test_the_demo_plays_the_whole_story(tmp_path: Path) -> None:
    await play(str(tmp_path), port=0, once=True)
    licenses = sorted(path.name for path in (tmp_path / "files").glob("*.lic"))
    assert len(licenses) == 8
    assert len(list((tmp_path / "files").glob("invoice-*.pdf"))) == 5
    assert len(list((tmp_path / "mail").glob("*/*.eml"))) == 15

"""The demo is a journey test: it plays the whole story and checks each scene itself."""

from pathlib import Path

from app.cli.demo import play


async def test_the_demo_plays_the_whole_story(tmp_path: Path) -> None:
    await play(str(tmp_path), port=0, once=True)
    licenses = sorted(path.name for path in (tmp_path / "files").glob("*.lic"))
    assert len(licenses) == 8
    assert len(list((tmp_path / "files").glob("invoice-*.pdf"))) == 5
    assert len(list((tmp_path / "mail").glob("*/*.eml"))) == 15

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.mail.chain import START, Link, broken
from app.reasons import Reason
from tests.conftest import NOW


def chain(length: int = 4) -> list[tuple[Link, str]]:
    made: list[tuple[Link, str]] = []
    for position in range(1, length + 1):
        link = Link(
            chain="r", position=position, direction="out", kind="mail", message_id=f"m{position}", at=NOW + timedelta(position),
            sender="a@b.example", recipients="c@d.example", subject=f"Öffnen {position}", note="", size=10,
            content_sha256="f" * 64, previous=made[-1][1] if made else START,
        )  # fmt: skip
        made.append((link, link.hash()))
    return made


def wrong(links: list[tuple[Link, str]], length: int = 4) -> list[Reason]:
    return list(broken(links, length=length, head=chain()[-1][1]))


def test_a_record_that_nobody_touched_has_nothing_wrong() -> None:
    assert wrong(chain()) == []
    assert list(broken([], length=0, head=START)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "another"}, {"sender": "x@y.example"}, {"at": NOW}, {"content_sha256": "0" * 64}, {"direction": "in"},
        {"size": 11}, {"message_id": "m"}, {"recipients": ""}, {"kind": "bounce"}, {"note": "n"}, {"chain": "other"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", range(4))
def test_a_changed_row_is_found(change: dict[str, Any], place: int) -> None:
    links = chain()
    links[place] = (replace(links[place][0], **change), links[place][1])
    assert len(wrong(links)) == 1
    links[place] = (links[place][0], links[place][0].hash())
    assert len(wrong(links)) == 1, "a hash made anew does not fit the next row, or the end"


@pytest.mark.parametrize("place", range(4))
def test_a_row_that_was_taken_away_is_found(place: int) -> None:
    links = chain()
    del links[place]
    assert wrong(links)


def test_rows_in_another_order_or_put_between_are_found() -> None:
    links = chain()
    assert wrong([links[0], links[2], links[1], links[3]])
    assert wrong([*links[:2], links[1], *links[2:]])
    assert wrong(chain(5))

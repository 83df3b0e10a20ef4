"""A test mail: what the server said, and the way out that follows."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.errors import InvalidInput
from app.mail.tables import Mail
from app.orders.mail_trial import Trial, send_trial
from tests.mail.smtp import Server, serving
from tests.mail.test_service import certificate, server_side
from tests.orders.builders import World, opened, rows

__all__ = ["certificate"]


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        yield world


async def tried(world: World, tmp_path: Path, url: str = "", **settings: Any) -> Trial:
    changed = {"mail_directory": str(tmp_path / "mail"), "smtp_url": url, **settings}
    services = dataclasses.replace(world.services, settings=world.services.settings.model_copy(update=changed))
    return await send_trial(services, world.shop, "ada@vendor.example", "de")


def said(trial: Trial) -> tuple[str, str]:
    return trial.mail.state, trial.way_out.code


async def test_a_server_that_takes_it_and_no_server_at_all(world: World, tmp_path: Path) -> None:
    async with serving(Server()) as server:
        trial = await tried(world, tmp_path, f"smtp://127.0.0.1:{server.port}")
        assert (trial.taken, said(trial), trial.mail.subject) == (
            True, ("sent", "mail_test_taken"), "Test der Mail-Einstellungen",
        )  # fmt: skip
        assert [taken.rcpt_tos for taken in server.taken] == [["ada@vendor.example"]]
    assert said(await tried(world, tmp_path)) == ("sent", "mail_test_written")
    assert len(list((tmp_path / "mail").rglob("*.eml"))) == 1
    with pytest.raises(InvalidInput, match="not a mail address"):
        await send_trial(world.services, world.shop, "nobody", "en")


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"recipient_answer": "550 relay denied"}, "mail_test_refused", "550 relay denied"),
        ({"recipient_answer": "450 greylisted"}, "mail_test_refused", "450 greylisted"),
        ({"data_answer": "554 looks like spam"}, "mail_test_refused", "554 looks like spam"),
        ({"sender_answer": "553 not owned by user"}, "mail_test_sender", "553 not owned by user"),
    ],
)
async def test_a_refusal_is_told_in_the_servers_words_and_never_goes_out_later(
    world: World, tmp_path: Path, answers: dict[str, str], code: str, words: str
) -> None:
    handler = Server()
    for name, answer in answers.items():
        setattr(handler, name, answer)
    async with serving(handler) as server:
        trial = await tried(world, tmp_path, f"smtp://127.0.0.1:{server.port}")
    assert (said(trial), trial.mail.error) == (("failed", code), words)
    assert [row.state for row in await rows(world, Mail)] == ["failed"]


async def test_what_hinders_the_connection(world: World, tmp_path: Path, certificate: Path) -> None:
    assert said(await tried(world, tmp_path, "smtp://127.0.0.1:1")) == ("failed", "mail_test_away")
    assert said(await tried(world, tmp_path, "smtp://nowhere.invalid:25")) == ("failed", "mail_test_host")
    handler = Server()
    async with serving(handler, server_side(certificate)) as server:
        assert said(await tried(world, tmp_path, f"smtps://127.0.0.1:{server.port}")) == ("failed", "mail_test_tls")
        right = {"mail_ca_file": str(certificate)}
        assert said(await tried(world, tmp_path, f"smtps://127.0.0.1:{server.port}", **right)) == ("sent", "mail_test_taken")
    async with serving(Server()) as server:
        plain = await tried(world, tmp_path, f"smtp://127.0.0.1:{server.port}", smtp_starttls="required")
        assert said(plain) == ("failed", "mail_test_no_starttls")
    options: dict[str, Any] = {"tls_context": server_side(certificate), "authenticator": handler.login, "auth_required": True}
    async with serving(handler, **options) as server:
        wrong = await tried(world, tmp_path, f"smtp://user:secret@127.0.0.1:{server.port}", **right)
    assert said(wrong) == ("failed", "mail_test_login")
    assert "535" in wrong.mail.error
    assert "secret" not in str(wrong.way_out)


async def test_the_password_of_the_server_is_nowhere_on_the_mail(world: World, tmp_path: Path) -> None:
    await tried(world, tmp_path, "smtp://user:secret@127.0.0.1:1")
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        (row,) = await session.scalars(select(Mail))
    assert "secret" not in f"{row.error}{row.key}{row.subject}"

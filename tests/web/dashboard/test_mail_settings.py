"""Mails in the settings: a template counts only where it makes its mails, and a mail in a frame can do nothing."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.mail.overrides import NAMES, built_in, mark
from app.mail.tables import MailTemplate
from tests.conftest import NOW
from tests.web.dashboard.conftest import ALL, Dashboard

AT = "/settings/mails/templates/reminder.en"
GOOD = built_in("reminder.en").replace("Hello,", "Howdy,")
BAD = built_in("reminder.en").replace("line.open ", "line.opened ")


async def own(dashboard: Dashboard) -> dict[str, str]:
    async with dashboard.world.database.tenant_reading(dashboard.world.shop.tenant_id) as session:
        return {row.name: row.source for row in await session.scalars(select(MailTemplate))}


async def test_every_template_is_listed_shown_and_in_both_languages(dashboard: Dashboard) -> None:
    session = await dashboard.session()
    listed = (await dashboard.ask("/settings/mails", session=session)).text
    assert set(re.findall(r"/settings/mails/templates/([\w.]+)\"", listed)) == set(NAMES)
    for name in ("reminder.en", "reminder.de", "layout"):
        page = await dashboard.ask(f"/settings/mails/templates/{name}", session=session)
        assert page.status_code == 200
        assert "<iframe" in page.text
    german = (await dashboard.ask("/settings/mails/templates/reminder.de", session=session)).text
    assert "Zahlungserinnerung" in german
    missing = await dashboard.ask("/settings/mails/templates/nothing", session=session)
    assert missing.status_code == 404


async def test_a_template_is_shown_put_in_force_and_taken_back(dashboard: Dashboard) -> None:
    session = await dashboard.session()
    # Browsers send the line ends of the web; the source keeps its own.
    shown = await dashboard.ask(AT, "POST", session=session, data={"do": "try", "source": GOOD.replace("\n", "\r\n")})
    assert (shown.status_code, shown.headers["HX-Retarget"]) == (200, "#shown")
    assert "Howdy," in shown.text
    assert await own(dashboard) == {}
    data = {"do": "set", "source": GOOD.replace("\n", "\r\n"), "mark": mark(built_in("reminder.en"))}
    assert (await dashboard.ask(AT, "POST", session=session, data=data)).status_code == 303
    assert await own(dashboard) == {"reminder.en": GOOD}
    assert "ada@vendor.example" in (await dashboard.ask(AT, session=session)).text
    assert (await dashboard.ask(AT, "POST", session=session, data={"do": "reset"})).status_code == 303
    assert await own(dashboard) == {}


@pytest.mark.parametrize("do", ["try", "set"])
async def test_a_wrong_template_is_told_with_its_line_and_what_was_in_force_stays(dashboard: Dashboard, do: str) -> None:
    session = await dashboard.session()
    first = {"do": "set", "source": GOOD, "mark": mark(built_in("reminder.en"))}
    await dashboard.ask(AT, "POST", session=session, data=first)
    german = {"Dashboard-Locale": "de"}
    answer = await dashboard.ask(AT, "POST", session=session, data={"do": do, "source": BAD, "mark": mark(GOOD)}, headers=german)
    line = 1 + BAD[: BAD.index("line.opened")].count("\n")
    assert answer.status_code == 400
    assert f"reminder.en, Zeile {line}" in answer.text
    assert re.search(rf'class="late">\s*{line} &gt; .*line\.opened', answer.text), answer.text
    assert await own(dashboard) == {"reminder.en": GOOD}


async def test_what_somebody_else_changed_meanwhile_is_shown(dashboard: Dashboard) -> None:
    session = await dashboard.session()
    read = mark(built_in("reminder.en"))
    await dashboard.ask(AT, "POST", session=session, data={"do": "set", "source": GOOD, "mark": read})
    answer = await dashboard.ask(AT, "POST", session=session, data={"do": "set", "source": BAD, "mark": read})
    assert answer.status_code == 409
    assert "Howdy," in answer.text
    assert await own(dashboard) == {"reminder.en": GOOD}


async def test_a_stored_template_that_fails_is_told_on_its_page(dashboard: Dashboard) -> None:
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        session.add(MailTemplate(name="reminder.en", source=BAD, set_by="an earlier release", set_at=NOW))
    page = (await dashboard.ask(AT)).text
    assert "fails, so the built-in one is used" in page
    assert "line.opened" in page


async def test_a_mail_in_its_frame_runs_nothing_and_asks_who_looks(dashboard: Dashboard) -> None:
    path, fields = "/settings/mails/frame", {"name": "reminder.en"}
    session = await dashboard.session()
    evil = built_in("reminder.en").replace("Hello,", "<b>Howdy</b>,")
    for source in ("", evil):
        answer = await dashboard.client.post(f"/dashboard{path}", data={**fields, "source": source, "session": session})
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'self' https://dashboard.example" in policy
        assert "style=" in answer.text
        assert ("Howdy" in answer.text) == bool(source)
    wrong = await dashboard.client.post(f"/dashboard{path}", data={**fields, "source": BAD, "session": session})
    assert wrong.status_code == 400
    assert (await dashboard.client.post(f"/dashboard{path}", data=fields)).status_code == 401
    less = await dashboard.session(*[one for one in ALL if one != "MANAGE_APPS"])
    assert (await dashboard.client.post(f"/dashboard{path}", data={**fields, "session": less})).status_code == 403


async def test_a_test_mail_goes_to_whoever_asks_and_tells_what_was_said(dashboard: Dashboard) -> None:
    session, services = await dashboard.session(), dashboard.world.services
    services.settings.smtp_url = "smtp://user:secret@127.0.0.1:1"
    page = (await dashboard.ask("/settings/mails", session=session)).text
    assert "127.0.0.1:1" in page
    assert "secret" not in page
    assert "ada@vendor.example" in page
    answer = await dashboard.ask("/settings/mails/test", "POST", session=session, headers={"Dashboard-Locale": "de"})
    assert answer.status_code == 200
    assert "Der Test ging nicht hinaus" in answer.text
    assert "Prüfen Sie Rechner und Port" in answer.text
    assert "secret" not in answer.text

"""Evidence with an application through the API."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from app.files.service import content, sweep
from app.files.tables import StoredFile
from app.resellers.evidence import MAX_FILES
from app.resellers.review import ask_more, history, start, submit
from app.resellers.tables import Application
from app.settings import ProgramNumbers
from tests.conftest import NOW
from tests.files.samples import JPEG, PDF, PNG
from tests.orders.builders import rows
from tests.web.storefront.conftest import Store

PATH = "/application/evidence"


@pytest.fixture
async def application(store: Store) -> str:
    """A draft of the account `rita`."""
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        row = await start(
            session, saleor_user_id="rita", email="rita@beta.example", numbers=ProgramNumbers(), by="rita", at=NOW, language="en"
        )
    return row.id


async def move(store: Store, application: str, state: str) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        row = (await session.scalars(select(Application).where(Application.id == application))).one()
        row.state = state


async def send(store: Store, body: bytes = PDF, user: str = "rita", name: str = "trade license.pdf") -> httpx.Response:
    return await store.call(user, PATH, "POST", files={"file": (name, body, "text/html")})


async def test_files_come_and_go_while_it_is_a_draft(store: Store, application: str) -> None:
    first = (await send(store)).json()
    store.world.clock.now += timedelta(seconds=1)
    second = (await send(store, PNG)).json()
    assert (first["name"], first["media_type"], first["size"]) == ("trade license.pdf", "application/pdf", len(PDF))
    assert second["name"] == "trade license.png"
    assert (await store.call("rita", PATH)).json() == {"files": [first, second]}
    got = await store.call("rita", f"{PATH}/{first['id']}")
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert (await store.call("rita", f"{PATH}/{first['id']}", "DELETE")).status_code == 204
    assert (await store.call("rita", f"{PATH}/{first['id']}", "DELETE")).json()["code"] == "no_file"
    assert (await store.call("rita", f"{PATH}/{first['id']}")).status_code == 404
    assert (await store.call("rita", PATH)).json() == {"files": [second]}
    world = store.world
    assert await sweep(world.database, world.services.files, world.shop.tenant_id, world.clock()) == 1
    (left,) = await rows(world, StoredFile)
    assert await content(world.services.files, left) == PNG
    async with world.database.tenant(world.shop.tenant_id) as session:
        steps = [(step.action, step.reason) for step in await history(session, application)]
    assert sorted(steps) == [
        ("add_evidence", "trade license.pdf"), ("add_evidence", "trade license.png"), ("remove_evidence", "trade license.pdf"),
        ("start", ""),
    ]  # fmt: skip


async def test_once_submitted_nothing_changes_until_more_is_asked(store: Store, application: str) -> None:
    made = (await send(store)).json()
    await move(store, application, "submitted")
    for answer in (await send(store, JPEG), await store.call("rita", f"{PATH}/{made['id']}", "DELETE")):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_editable")
    assert (await store.call("rita", PATH)).json() == {"files": [made]}
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await ask_more(session, application, by="anna", at=NOW, reason="A photo, please.")
    assert (await send(store, JPEG)).status_code == 201
    assert await submit_again(store, application) != ()
    await move(store, application, "rejected")
    assert (await store.call("rita", PATH)).json()["code"] == "no_application"


async def submit_again(store: Store, application: str) -> tuple[object, ...]:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        return await submit(session, application, email_confirmed=True, by="rita", at=NOW)


async def test_who_has_no_application_has_no_evidence(store: Store, application: str) -> None:
    made = (await send(store)).json()
    for user in ("texan", "rival", "buyer", "stranger"):
        for path, method in ((PATH, "GET"), (f"{PATH}/{made['id']}", "GET"), (f"{PATH}/{made['id']}", "DELETE")):
            answer = await store.call(user, path, method)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_application"), (user, path)
        assert (await send(store, user=user)).status_code == 404
    assert (await store.call(None, PATH)).status_code == 401
    assert len(await rows(store.world, StoredFile)) == 1


async def test_another_applicants_file_answers_like_an_unknown_one(store: Store, application: str) -> None:
    made = (await send(store)).json()
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await start(session, saleor_user_id="otto", email="otto@gamma.example", numbers=ProgramNumbers(), by="otto", at=NOW)
    for method in ("GET", "DELETE"):
        theirs, none = [await store.call("otto", f"{PATH}/{one}", method) for one in (made["id"], "none")]
        assert (theirs.status_code, theirs.content, theirs.headers) == (none.status_code, none.content, none.headers)
        assert theirs.json()["code"] == "no_file"


async def test_the_same_file_and_too_many_are_refused(store: Store, application: str) -> None:
    assert (await send(store)).status_code == 201
    assert (await send(store)).json()["code"] == "known_file"
    for number in range(1, MAX_FILES):
        assert (await send(store, PDF.replace(b"1.4", f"1.{number + 4}".encode()))).status_code == 201
    assert (await send(store, PNG)).json()["code"] == "too_many"
    assert len((await store.call("rita", PATH)).json()["files"]) == MAX_FILES


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"", 400, "file_empty"), (b"MZ", 400, "file_type"), (PNG[:-1], 400, "file_damaged"), (bytes(11 << 20), 413, "too_large")],
)
async def test_what_is_not_taken_leaves_nothing(store: Store, application: str, body: bytes, status: int, code: str) -> None:
    answer = await send(store, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await rows(store.world, StoredFile) == []


async def test_a_browser_may_delete(store: Store) -> None:
    asked = {"Origin": "https://store.example", "Access-Control-Request-Method": "DELETE"}
    answer = await store.call(None, f"{PATH}/x", "OPTIONS", headers=asked)
    assert "DELETE" in answer.headers["access-control-allow-methods"]

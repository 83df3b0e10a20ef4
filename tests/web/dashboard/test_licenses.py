"""The pages of licenses: looked up in every way, decided about with reasons, verified from a pasted text."""

from __future__ import annotations

from typing import Any

import pytest

from app.licenses.tables import License
from app.orders.tables import OrderLine
from tests.orders.builders import rows
from tests.web.dashboard.conftest import Dashboard


async def the(dashboard: Dashboard) -> License:
    return (await rows(dashboard.world, License, License.id == dashboard.store.license))[0]


async def decided(dashboard: Dashboard, row: License, do: str, **fields: str) -> Any:
    data = {"do": do, "state": row.state, **fields}
    return await dashboard.ask(f"/licenses/{row.id}", "POST", data=data)


async def test_a_license_is_found_by_whatever_somebody_has_of_it(dashboard: Dashboard) -> None:
    row = await the(dashboard)
    found = ["", row.id, row.kid, row.sku, row.sku.lower(), row.order_number, "buyer@customer.example", "BUYER@customer.example"]
    (line,) = await rows(dashboard.world, OrderLine, OrderLine.id == row.order_line_id)
    found += [line.name.upper(), line.name[1:-1]]
    for text in found:
        answer = await dashboard.ask("/licenses", params={"q": text})
        assert f'href="/dashboard/licenses/{row.id}"' in answer.text, text
    for text in ("nobody@b.example", "r@other.example", "77", "%", "x' OR 1=1"):
        answer = await dashboard.ask("/licenses", params={"q": text})
        assert answer.status_code == 200
        assert row.id not in answer.text, text
    assert row.id not in (await dashboard.ask("/licenses?state=revoked")).text
    assert "Nothing fits" in (await dashboard.ask("/licenses?state=revoked")).text


async def test_a_license_is_suspended_revoked_and_reinstated_with_reasons(dashboard: Dashboard) -> None:
    row = await the(dashboard)
    for do in ("suspend", "revoke", "reinstate"):
        row = await the(dashboard)
        assert (await decided(dashboard, row, do, reason=" ")).status_code == 400
        answer = await decided(dashboard, row, do, reason=f"because of {do}")
        assert answer.headers["location"].endswith(f"notice=license_{do}")
        page = await dashboard.ask(f"/licenses/{row.id}")
        assert f"because of {do}" in page.text
    assert (await the(dashboard)).state == "active"
    assert (await decided(dashboard, row, "nonsense")).status_code == 409  # what was read is old by now
    assert (await decided(dashboard, await the(dashboard), "nonsense")).status_code == 400


async def test_the_second_of_two_people_is_told_what_the_first_did(dashboard: Dashboard) -> None:
    row = await the(dashboard)
    assert (await decided(dashboard, row, "revoke", reason="charged back")).status_code == 303
    second = await decided(dashboard, row, "suspend", reason="mine")
    assert second.status_code == 409
    assert "charged back" in second.text


async def test_a_pasted_file_is_verified(dashboard: Dashboard) -> None:
    row = await the(dashboard)

    async def said(text: str, **more: Any) -> str:
        return (await dashboard.ask("/licenses/verify", "POST", data={"file": text}, **more)).text

    good = await said(row.file)
    assert "genuine and in force" in good
    assert f'href="/dashboard/licenses/{row.id}"' in good
    assert "echt und gültig" in await said(row.file, headers={"Dashboard-Locale": "de"})
    assert "not a license file" in await said("<script>alert(1)</script>")
    assert "<script>" not in await said("<script>alert(1)</script>")
    await decided(dashboard, row, "revoke", reason="x")
    assert "was revoked" in await said(row.file)
    for text in ("", "x" * 20_001):
        assert (await dashboard.ask("/licenses/verify", "POST", data={"file": text})).status_code == 400
    assert (await dashboard.ask("/licenses/verify")).status_code == 200


async def test_a_file_is_saved_as_it_was_sent(dashboard: Dashboard) -> None:
    row = await the(dashboard)
    answer = await dashboard.ask(f"/licenses/{row.id}/file")
    assert answer.text == row.file
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["", "/verify", "/none", "/none/file", "?cursor=x"])
async def test_every_page_needs_the_permission_for_orders(dashboard: Dashboard, path: str) -> None:
    session = await dashboard.session("MANAGE_USERS", "MANAGE_APPS")
    assert (await dashboard.ask(f"/licenses{path}", session=session)).status_code == 403
    assert (await dashboard.ask(f"/licenses{path}")).status_code in (200, 400, 404)

"""Every page of staff inside the Dashboard's frame."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["", "/inbox", "/resellers", "/resellers/applications", "/orders", "/health"])
async def test_a_page_opens_in_its_frame(desk: Desk, path: str) -> None:
    frame = await desk.open(path)
    assert await frame.inner_text("h1")

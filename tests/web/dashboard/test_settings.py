"""Settings: what is wrong is told at its field, and nothing is half stored."""

from __future__ import annotations

import re

from app.orders import shop_settings
from tests.web.dashboard.conftest import ALL, Dashboard


async def test_what_is_wrong_is_named(dashboard: Dashboard) -> None:
    session, services, shop = await dashboard.session(), dashboard.world.services, dashboard.world.shop
    before = await shop_settings.current(services, shop)
    wrong = [
        ("/settings/program", {"program.payment_days": "x"}, 400, "program-payment_days-wrong"),
        ("/settings/program", {"program.interest_rates": "8.5"}, 400, "program-interest_rates-wrong"),
        (
            "/settings/program",
            {"program.policy_since": "soon", "mark": shop_settings.mark(before, "program")},
            400,
            "policy_since",
        ),
        ("/settings/program", {"program.payment_days": "5", "mark": "read long ago"}, 409, "Days to pay: yours 5"),
        ("/settings/seller", {"seller.country": "Germany", "mark": shop_settings.mark(before, "seller")}, 400, "country"),
        ("/settings/accounts", {"currency": "EUR", "beneficiary": "X", "iban": "DE00"}, 400, "iban"),
        ("/settings/accounts", {"do": "remove", "currency": "XYZ"}, 404, "account"),
        ("/settings/keys", {"kid": "another"}, 400, "kid"),
        ("/settings/policy", {"version": "2", "in_force_from": "x"}, 400, "in_force_from"),
        (
            "/settings/policy",
            {"version": "2", "in_force_from": "2030-01-01", "text_en": "Be fair.", "text_de": ""},
            400,
            "German",
        ),
    ]
    for path, data, status, words in wrong:
        answer = await dashboard.ask(path, "POST", session=session, data=data)
        assert (answer.status_code, words.lower() in answer.text.lower()) == (status, True), (path, data, answer.text)
    assert (await dashboard.ask("/settings/policy/gone", session=session)).status_code == 404
    picture = await dashboard.ask("/settings/logo", "POST", session=session, files={"file": ("x.png", b"GIF89a")})
    assert picture.status_code == 400
    limit = services.settings.max_upload_bytes
    large = await dashboard.ask("/settings/logo", "POST", session=session, files={"file": ("x", b"x" * (limit + 200_000))})
    assert large.status_code == 413
    assert await shop_settings.current(services, shop) == before


async def test_what_the_page_shows_is_what_it_stores(dashboard: Dashboard) -> None:
    """Sent back as it came, no number changes; the texts of all fields are read as they were written."""
    services, shop = dashboard.world.services, dashboard.world.shop
    before = (await shop_settings.current(services, shop)).program
    page = (await dashboard.ask("/settings")).text
    fields = dict(re.findall(r'name="(program\.\w+|mark)" type="\w+" value="([^"]*)"', page))
    fields |= dict.fromkeys(re.findall(r'name="(program\.\w+)" value="yes" checked', page), "yes")
    mark = re.search(r'name="mark" value="(\w+)"', page)
    assert mark
    answer = await dashboard.ask("/settings/program", "POST", data={**fields, "mark": mark[1]})
    assert answer.status_code == 303, answer.text
    assert (await shop_settings.current(services, shop)).program == before


async def test_how_documents_look_is_set_with_its_texts_in_both_languages(dashboard: Dashboard) -> None:
    services, shop = dashboard.world.services, dashboard.world.shop
    before = await shop_settings.current(services, shop)
    given = {
        "documents.e_invoice": "yes", "documents.accent_color": "#006633", "documents.link_days": "7",
        "documents.footer.en": "Registered in Texas", "documents.footer.de": "Amtsgericht München",
        "documents.reverse_charge.en": "Reverse charge", "documents.reverse_charge.de": "",
        "mark": shop_settings.mark(before, "documents"),
    }  # fmt: skip
    for name, value, place in [
        ("documents.accent_color", "green", "documents-accent_color-wrong"),
        ("documents.link_days", "0", "documents-link_days-wrong"),
        ("documents.footer.de", "x" * 501, "documents-footer-wrong"),
    ]:
        answer = await dashboard.ask("/settings/documents", "POST", data={**given, name: value})
        assert answer.status_code == 400
        assert re.search(rf'id="{place}"[^>]*>[^<]+<', answer.text), answer.text
    assert (await dashboard.ask("/settings/documents", "POST", data=given)).status_code == 303
    found = (await shop_settings.current(services, shop)).documents
    assert (found.e_invoice, found.accent_color, found.link_days) == (True, "#006633", 7)
    assert (found.footer.en, found.footer.de) == ("Registered in Texas", "Amtsgericht München")
    assert found.reverse_charge.of("de") == "Reverse charge"
    conflict = await dashboard.ask("/settings/documents", "POST", data={**given, "documents.footer.en": "Mine"})
    assert conflict.status_code == 409
    assert "Mine / Amtsgericht München" in conflict.text
    assert "Registered in Texas / Amtsgericht München" in conflict.text
    page = (await dashboard.ask("/settings/documents")).text
    assert "Amtsgericht München" in page
    assert 'value="#006633"' in page


async def test_nothing_is_changed_without_the_permission(dashboard: Dashboard) -> None:
    session = await dashboard.session(*[one for one in ALL if one != "MANAGE_APPS"])
    for path in ("program", "seller", "documents", "logo", "mails/test", "mails/templates/layout", "accounts", "keys", "policy"):
        answer = await dashboard.ask(f"/settings/{path}", "POST", session=session, data={"mark": "x"})
        assert answer.status_code == 403, path

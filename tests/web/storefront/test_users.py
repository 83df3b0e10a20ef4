"""Users and invitations over the API, and every route with every role."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.tenants import Tenant
from app.resellers.roles import Role
from app.resellers.service import add_user, find
from app.resellers.tables import ResellerUser
from app.resellers.users import acting
from tests.conftest import NOW
from tests.orders.test_applications import WRITTEN, mails, said
from tests.web.storefront.conftest import ORIGIN, Store

PAGE = f"{ORIGIN}/invitation?token="
OWNER = {Role.OWNER}
ALL = set(Role)
ROLES: dict[tuple[str, str], set[Role]] = {
    ("get", "/standing"): ALL,
    ("post", "/policy/acceptance"): OWNER,
    ("post", "/prices"): {Role.OWNER, Role.BUYER, Role.VIEWER},
    ("get", "/orders"): ALL,
    ("get", "/orders/{number}"): ALL,
    ("get", "/orders/{number}/documents/{document_id}"): {Role.OWNER, Role.ACCOUNTS, Role.VIEWER},
    ("get", "/orders/{number}/licenses/{license_id}"): {Role.OWNER, Role.BUYER, Role.VIEWER},
    ("post", "/orders/{number}/temporary-license"): {Role.OWNER, Role.BUYER},
    ("get", "/certificates"): {Role.OWNER, Role.ACCOUNTS, Role.VIEWER},
    ("get", "/users"): ALL,
    ("patch", "/users/{user_id}"): OWNER,
    ("delete", "/users/{user_id}"): OWNER,
    ("get", "/invitations"): OWNER,
    ("post", "/invitations"): OWNER,
    ("delete", "/invitations/{invitation_id}"): OWNER,
    ("get", "/listings"): ALL,
    ("put", "/listings"): OWNER,
    ("get", "/price-changes"): {Role.OWNER, Role.BUYER, Role.VIEWER},
    ("post", "/price-changes/{change_id}/acknowledgement"): {Role.OWNER, Role.BUYER},
}
"""Who gets past the role."""
BODIES: dict[str, Any] = {
    "/policy/acceptance": {"version": "1"},
    "/prices": {"channel": "default", "lines": [{"variant_id": "V1", "quantity": 3}]},
    "/listings": {"urls": ["https://partner.example/"]},
    "/users/{user_id}": {"role": "buyer"},
    "/invitations": {"email": "new@partner.example", "role": "buyer"},
}


@pytest.fixture(autouse=True)
async def page(store: Store) -> None:
    """The shop has a page that takes invitations."""
    async with store.world.database.system() as session:
        row = (await session.scalars(select(Tenant).where(Tenant.id == store.world.shop.tenant_id))).one()
        row.settings = {**row.settings, "invitation_url": PAGE}
        row.program_version += 1
    await store.world.refresh()


async def first_user(store: Store) -> str:
    """The id of the user `texan`."""
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        return acting(await find(session, "texan@partner.example"), "texan").id


async def set_role(store: Store, role: Role) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await session.execute(update(ResellerUser).where(ResellerUser.saleor_user_id == "texan").values(role=role.value))
    await store.world.refresh()


@pytest.mark.parametrize("role", Role)
async def test_every_role_gets_past_what_the_table_says(store: Store, role: Role) -> None:
    await set_role(store, role)
    store.world.saleor.answers["VariantPrice"] = {"productVariant": None}
    ids = {"user_id": await first_user(store), "document_id": store.document, "license_id": store.license, "number": "1"}
    for (method, path), roles in ROLES.items():
        filled = path.format(**ids, invitation_id="none", change_id="none") if "{" in path else path
        answer = await store.call("texan", filled, method, json=BODIES.get(path))
        turned_away = answer.status_code == 403 and answer.json()["code"] == "role"
        assert turned_away == (role not in roles), (method, path, answer.text)


async def test_an_order_shows_what_the_role_may_see(store: Store) -> None:
    async def shown(role: Role) -> tuple[int, int]:
        await set_role(store, role)
        body = (await store.call("texan", "/orders/1")).json()
        return len(body["documents"]), len(body["licenses"])

    assert [await shown(role) for role in (Role.OWNER, Role.BUYER, Role.ACCOUNTS, Role.VIEWER)] == [
        (1, 1),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


async def test_an_owner_invites_and_a_colleague_joins(store: Store) -> None:
    store.world.saleor.answers |= {"PrivateMetadataUpdate": WRITTEN, "Customer": account()}
    made = await store.call("texan", "/invitations", "POST", json={"email": "BEN@partner.example", "role": "viewer"})
    assert (made.status_code, made.json()["email"], made.json()["role"]) == (201, "ben@partner.example", "viewer")
    assert "token" not in made.text
    token = said((await mails(store.world))[-1]).partition(PAGE)[2].split()[0]
    for user, status, code in (("buyer", 403, "invitation_foreign"), ("ben", 200, None), ("ben", 409, "invitation_used")):
        store.world.saleor.answers["Customer"] = account(user)
        answer = await store.call(user, "/invitations/accept", "POST", json={"token": token})
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    listed = (await store.call("ben", "/users")).json()["users"]
    assert [(one["email"], one["role"], one["you"]) for one in listed] == [
        ("ben@partner.example", "viewer", True),
        ("texan@partner.example", "owner", False),
    ]
    assert (await store.call("ben", "/invitations")).json()["code"] == "role"
    assert (await store.call("texan", "/invitations")).json() == {"invitations": [], "next": None}

    ben = listed[0]["id"]
    assert (await store.call("rival", f"/users/{ben}", "PATCH", json={"role": "owner"})).status_code == 404
    assert (await store.call("rival", f"/users/{ben}", "DELETE")).status_code == 404
    changed = await store.call("texan", f"/users/{ben}", "PATCH", json={"role": "owner"})
    assert (changed.status_code, changed.json()["role"]) == (200, "owner")
    assert (await store.call("texan", f"/users/{ben}", "PATCH", json={"role": "boss"})).status_code == 422
    assert (await store.call("ben", f"/users/{await first_user(store)}", "DELETE")).status_code == 204
    assert (await store.call("texan", "/users")).json()["code"] == "not_a_reseller"
    assert (await store.call("ben", f"/users/{ben}", "DELETE")).json()["code"] == "last_owner"


async def test_an_invitation_is_taken_back_by_its_own_company_alone(store: Store) -> None:
    made = (await store.call("texan", "/invitations", "POST", json={"email": "ben@partner.example", "role": "buyer"})).json()
    assert (await store.call("rival", f"/invitations/{made['id']}", "DELETE")).json()["code"] == "no_invitation"
    assert (await store.call("rival", "/invitations")).json() == {"invitations": [], "next": None}
    assert (await store.call("texan", f"/invitations/{made['id']}", "DELETE")).status_code == 204
    assert (await store.call("texan", f"/invitations/{made['id']}", "DELETE")).status_code == 404


async def test_users_and_invitations_come_in_pages(store: Store) -> None:
    world = store.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
        for name in ("zoe", "änne", "ben"):
            email = f"{name}@partner.example"
            await add_user(session, texan, saleor_user_id=name, email=email, by="anna", at=NOW, role=Role.VIEWER)
    for name in ("one", "two", "three"):
        await store.call("texan", "/invitations", "POST", json={"email": f"{name}@partner.example", "role": "viewer"})
    for path, count in (("/users", 4), ("/invitations", 3)):
        whole = (await store.call("texan", path)).json()[path[1:]]
        seen, cursor = [], None
        while True:
            query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            body = (await store.call("texan", path, params=query)).json()
            seen += body[path[1:]]
            if (cursor := body["next"]) is None:
                break
        assert seen == whole
        assert len(whole) == count
        wrong = await store.call("texan", path, params={"cursor": "bnVsbA"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "cursor")


@pytest.mark.parametrize("email", ["nobody", "a@b", "x@y.example\r\nBcc: all@evil.example", "ü" * 254])
async def test_a_wrong_address_is_named(store: Store, email: str) -> None:
    answer = await store.call("texan", "/invitations", "POST", json={"email": email, "role": "buyer"})
    assert (answer.status_code, answer.json()["code"]) == (400, "email")


def account(user: str = "ben") -> dict[str, Any]:
    facts = {"id": user, "email": f"{user}@partner.example", "firstName": "", "lastName": "", "languageCode": "EN"}
    return {"user": facts | {"isActive": True, "isConfirmed": True}}

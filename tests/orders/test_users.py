"""Users with mail and mirror, and who of them may order."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import InvalidInput
from app.orders import users as cases
from app.orders.intake import record
from app.orders.mirror import mirror_account
from app.orders.storefront import reseller_standing
from app.resellers.roles import Role
from app.resellers.service import by_saleor_user, find
from app.resellers.tables import ResellerUser
from app.saleor.tokens import Customer
from tests.orders.builders import World, no_types, opened, order, promise, refused, reseller, transaction
from tests.orders.test_applications import WRITTEN, jobs, mails, said

PAGE = "https://store.example/invitation?token="


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        world.saleor.answers = {"PrivateMetadataUpdate": WRITTEN, "Customer": account(), "CustomerTypes": no_types}
        async with database.system() as session:
            row = (await session.scalars(select(Tenant).where(Tenant.id == tenant))).one()
            row.settings = {**row.settings, "invitation_url": PAGE}
            row.program_version += 1
        await world.refresh()
        yield world


def account(**changed: Any) -> dict[str, Any]:
    return {
        "user": {
            "id": "ben", "email": "Ben@partner.example", "firstName": "", "lastName": "", "isActive": True, "isConfirmed": True,
            "languageCode": "EN",
        } | changed
    }  # fmt: skip


async def invited(world: World, role: Role = Role.BUYER) -> str:
    before = {mail.id for mail in await mails(world)}
    async with world.database.tenant(world.shop.tenant_id) as session:
        made = await find(session, "texan@partner.example")
        await cases.invite(
            session, world.services, world.shop, made, email="ben@partner.example", role=role, by="texan@partner.example"
        )
    # By what is new: PostgreSQL gives mails of one moment in any order.
    (mail,) = [mail for mail in await mails(world) if mail.id not in before]
    text = said(mail).replace("=\n", "")
    return text.partition(PAGE)[2].split()[0]


async def set_role(world: World, role: Role, user: str = "texan") -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await session.execute(update(ResellerUser).where(ResellerUser.saleor_user_id == user).values(role=role.value))
    await world.refresh()


async def test_an_invitation_is_mailed_and_accepted_by_what_the_shop_says_of_the_account(world: World) -> None:
    made = await reseller(world, language="de")
    token = await invited(world)
    (mail,) = await mails(world)
    assert (mail.kind, mail.recipient, mail.subject) == (
        "invitation", "ben@partner.example", "Texan lädt Sie in sein Wiederverkäuferkonto ein",
    )  # fmt: skip
    text = said(mail)
    assert "texan@partner.example lädt Sie ein" in text
    assert "Einkauf" in text
    assert "9. März 2026, 12:00 UTC" in text
    # The token's own e-mail may be old; what counts is the shop's answer.
    _, user = await cases.accept(world.services, Customer(world.shop, "ben", "old@partner.example", False), token)
    assert (user.saleor_user_id, user.role) == ("ben", "buyer")
    assert jobs(world) == ["deliver_mail", "mirror_standing"]
    async with world.database.tenant(world.shop.tenant_id) as session:
        found = await by_saleor_user(session, "ben")
        assert found is not None
        assert found.id == made.id


@pytest.mark.parametrize("unusable", [{"isConfirmed": False}, {"isActive": False}, {"email": "max@partner.example"}, None])
async def test_an_account_that_is_not_the_invited_confirmed_one_does_not_join(
    world: World, unusable: dict[str, Any] | None
) -> None:
    await reseller(world)
    token = await invited(world)
    world.saleor.answers["Customer"] = {"user": None} if unusable is None else account(**unusable)
    with pytest.raises(Exception, match=r"e-mail"):
        await cases.accept(world.services, Customer(world.shop, "ben", "ben@partner.example", False), token)
    assert jobs(world) == ["deliver_mail"]


async def test_without_a_page_for_it_no_invitation_is_sent(world: World) -> None:
    made = await reseller(world)
    shop = world.shop
    bare = shop.settings.model_copy(update={"invitation_url": ""})
    async with world.database.tenant(shop.tenant_id) as session:
        with pytest.raises(InvalidInput, match="RESELLER_BASE_URL"):
            await cases.invite(
                session, world.services, replace(shop, settings=bare), made, email="ben@partner.example", role=Role.BUYER, by="a"
            )
    assert await mails(world) == []


async def test_a_removed_user_sees_it_in_saleor_and_may_join_again(world: World) -> None:
    made = await reseller(world)
    customer = Customer(world.shop, "ben", "ben@partner.example", False)
    for _ in range(2):
        _, user = await cases.accept(world.services, customer, await invited(world))
        async with world.database.tenant(world.shop.tenant_id) as session:
            await cases.remove(session, world.services, world.shop, made, user.id, by="texan@partner.example")
    assert jobs(world).count("mirror_standing") == jobs(world).count("mirror_account") == 2
    assert await mirror_account(world.services, world.shop, "ben") == 1
    assert await mirror_account(world.services, world.shop, "texan") == 1
    first, second = world.saleor.named("PrivateMetadataUpdate")
    assert [item["value"] for item in first["input"]] == ["removed", ""]
    assert [item["value"] for item in second["input"]] == ["approved", made.id]
    world.saleor.answers["PrivateMetadataUpdate"] = refused("updatePrivateMetadata", "gone", "NOT_FOUND")
    assert await mirror_account(world.services, world.shop, "ben") == 0


@pytest.mark.parametrize("role", Role)
async def test_only_owners_and_buyers_order(world: World, role: Role) -> None:
    made = await reseller(world)
    await set_role(world, role)
    may = role in (Role.OWNER, Role.BUYER)
    async with world.database.tenant(world.shop.tenant_id) as session:
        kept = await find(session, made.email)
        found = await reseller_standing(session, world.services, world.shop, kept, "texan")
    assert [reason.code for reason in found.obstacles] == ([] if may else ["role_may_not"])
    await promise(world, made.id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = await record(session, world.services, world.shop, order(transactions=[transaction("T1")]))
        assert row is not None
        assert row.audit_passed == may, "an order that came past the session is held for staff"

"""The customer type of resellers, where Saleor has types."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.db.session import Database
from app.orders.mirror import mirror_account, mirror_standing
from app.resellers.rules import Decision
from app.resellers.service import decide
from app.resellers.tables import Reseller
from app.saleor.client import SaleorDenied, SaleorQueryError, SaleorRefused
from tests.conftest import NOW
from tests.orders.builders import FakeSaleor, World, failed, no_types, opened, refused, reseller
from tests.orders.test_applications import WRITTEN


class Typed(FakeSaleor):
    """A Saleor with types: the default, and one more by slug."""

    def __init__(self, own: str | None = None, current: str | None = "T-default") -> None:
        super().__init__()
        self.own, self.current = own, current
        self.answers = {
            "PrivateMetadataUpdate": WRITTEN,
            "CustomerTypes": lambda _: {"own": edges(self.own), "standard": edges("T-default")},
            "CustomerTypeCreate": self.created,
            "CustomerTypeOf": lambda asked: {"user": {"id": asked["id"], "customerType": self.current and {"id": self.current}}},
            "CustomerTypeAssign": self.assigned,
        }

    def created(self, _: dict[str, Any]) -> dict[str, Any]:
        self.own = "T-own"
        return {"customerTypeCreate": {"customerType": {"id": self.own}, "errors": []}}

    def assigned(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.current = asked["input"]["customerType"]
        return {"customerUpdate": {"errors": []}}


def edges(*ids: str | None) -> dict[str, Any]:
    return {"edges": [{"node": {"id": one}} for one in ids if one]}


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        yield world


def become(world: World, saleor: FakeSaleor) -> None:
    world.saleor.answers, world.saleor.calls = saleor.answers, saleor.calls


async def to(world: World, made: Reseller, decision: Decision) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        await decide(session, made.email, decision, by="a", at=NOW, policy_version="1", reason="r")


async def test_an_approved_reseller_gets_the_type_and_loses_it_at_the_end(world: World) -> None:
    made = await reseller(world)
    saleor = Typed()
    become(world, saleor)
    for _ in range(2):
        assert await mirror_standing(world.services, world.shop, made.id) == 1
    assert saleor.named("CustomerTypeCreate") == [{"input": {"name": "Reseller", "slug": "reseller"}}]
    assert saleor.named("CustomerTypeAssign") == [{"id": "texan", "input": {"customerType": "T-own"}}]
    await to(world, made, Decision.SUSPEND)
    await mirror_standing(world.services, world.shop, made.id)
    assert saleor.current == "T-own", "a suspended one comes back"
    await to(world, made, Decision.END)
    await mirror_standing(world.services, world.shop, made.id)
    assert saleor.current == "T-default"
    await mirror_account(world.services, world.shop, "somebody")
    assert len(saleor.named("CustomerTypeAssign")) == 2
    assert len(saleor.named("CustomerTypeCreate")) == 1


async def test_a_type_of_others_is_nobodys_to_take_away(world: World) -> None:
    made = await reseller(world)
    saleor = Typed(own="T-own", current="T-vip")
    become(world, saleor)
    await to(world, made, Decision.END)
    await mirror_standing(world.services, world.shop, made.id)
    saleor.own = saleor.current = None
    await mirror_standing(world.services, world.shop, made.id)
    assert saleor.named("CustomerTypeAssign") == saleor.named("CustomerTypeCreate") == []


async def test_a_saleor_without_types_is_asked_no_further(world: World) -> None:
    made = await reseller(world)
    saleor = Typed()
    become(world, saleor)
    saleor.answers["CustomerTypes"] = no_types
    assert await mirror_standing(world.services, world.shop, made.id) == 1
    assert [name for name, _ in saleor.calls] == ["CustomerTypes", "PrivateMetadataUpdate"]
    for error, kind in ((failed("Out of order"), SaleorQueryError), (failed("No", "PermissionDenied"), SaleorDenied)):
        saleor.answers["CustomerTypes"] = lambda _, error=error: httpx.Response(200, content=error.content)
        with pytest.raises(kind):
            await mirror_standing(world.services, world.shop, made.id)


async def test_without_the_permission_only_a_type_that_is_there_is_given(world: World) -> None:
    made = await reseller(world)
    saleor = Typed()
    become(world, saleor)
    saleor.answers["CustomerTypeCreate"] = lambda _: failed("To access this path, you need a permission", "PermissionDenied")
    assert await mirror_standing(world.services, world.shop, made.id) == 1
    assert saleor.named("CustomerTypeAssign") == []
    saleor.own = "T-made-by-staff"
    await mirror_standing(world.services, world.shop, made.id)
    assert saleor.current == "T-made-by-staff"


async def test_a_type_that_another_worker_made_meanwhile_is_taken(world: World) -> None:
    made = await reseller(world)
    saleor = Typed()
    become(world, saleor)

    def taken(_: dict[str, Any]) -> dict[str, Any]:
        saleor.own = "T-theirs"
        return refused("customerTypeCreate", "exists", "UNIQUE")

    saleor.answers["CustomerTypeCreate"] = taken
    await mirror_standing(world.services, world.shop, made.id)
    assert saleor.current == "T-theirs"
    saleor.own, saleor.answers["CustomerTypeCreate"] = None, refused("customerTypeCreate", "no", "INVALID")
    with pytest.raises(SaleorRefused):
        await mirror_standing(world.services, world.shop, made.id)


@pytest.mark.parametrize("code", ["NOT_FOUND", "INVALID"])
async def test_an_account_that_went_meanwhile_is_passed_over(world: World, code: str) -> None:
    made = await reseller(world)
    saleor = Typed(own="T-own")
    become(world, saleor)
    saleor.answers["CustomerTypeAssign"] = refused("customerUpdate", "gone", code)
    if code == "NOT_FOUND":
        assert await mirror_standing(world.services, world.shop, made.id) == 1
    else:
        with pytest.raises(SaleorRefused):
            await mirror_standing(world.services, world.shop, made.id)
    saleor.answers["CustomerTypeOf"] = {"user": None}
    assert await mirror_standing(world.services, world.shop, made.id) == 1

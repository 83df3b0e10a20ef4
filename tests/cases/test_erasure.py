"""Erasing one person, and nobody else who has the same name (edge case 27)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.cases.erasure import Erasure, erase_customer
from app.cases.rules import opening
from app.cases.service import open_case
from app.cases.tables import Case, CaseEntry
from app.db.session import Database
from app.errors import NotFound
from app.orders.tables import EndCustomer, ResellerOrder
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.orders.builders import World, opened, recorded, reseller, rows

EVA, OTHER = "eva@acme.example", "eva@bolt.example"


async def sold(world: World, buyer: Reseller, email: str, name: str, number: str) -> ResellerOrder:
    """A released order for somebody."""
    row = await recorded(world, number, user=buyer.users[0].saleor_user_id)
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = await session.merge(row)
        customer = EndCustomer(email_key=email, email=email, name=name, company="Acme GmbH", created_at=NOW)
        session.add(customer)
        await session.flush()
        row.end_customer_id, row.end_customer_email = customer.id, email
        row.ship_to = {**row.ship_to, "name": name, "company": "Acme GmbH"}
        row.released_at = NOW
    return row


async def case(world: World, buyer: Reseller, subject: str, text: str, contact: str = "") -> str:
    what = replace(opening("advice", subject, text), contact=contact)
    async with world.database.tenant(world.shop.tenant_id) as session:
        made, _ = await open_case(session, world.services, world.shop, buyer, what, by="rita@partner.example", language="en")
        return made.number


async def erased(world: World, email: str, *, dry_run: bool = False) -> Erasure:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await erase_customer(session, email, by="anna", reason="asked", at=NOW, dry_run=dry_run)


async def texts(world: World) -> dict[str, tuple[str, str, str]]:
    entries = {entry.case_id: entry.text for entry in await rows(world, CaseEntry)}
    return {one.number: (one.subject, one.contact, entries[one.id]) for one in await rows(world, Case)}


async def test_case_27_a_name_that_others_have_too_is_left_and_said(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer, second = await reseller(world), await reseller(world, "other")
        await sold(world, buyer, EVA, "Eva Ende", "1")
        await sold(world, second, OTHER, "EVA ENDE", "2")
        hers = await case(world, buyer, f"About {EVA}", f"Eva Ende ({EVA}) asks.", f"Eva Ende, {EVA}, +49 30 1")
        namesake = await case(world, second, "Eva Ende", f"She is {OTHER}.", "Eva Ende, +49 40 2")
        planned = await erased(world, EVA, dry_run=True)
        found = await erased(world, EVA)
        assert found == planned
        assert (found.orders, found.cases) == (["1"], [hers])
        left = await texts(world)
        assert left[hers] == ("About [erased]", "[erased]", "Eva Ende ([erased]) asks.")
        assert left[namesake] == ("Eva Ende", "Eva Ende, +49 40 2", f"She is {OTHER}.")
        assert [said.split()[1] for said in found.to_look_at] == [hers, namesake]
        (kept,) = [one for one in await rows(world, EndCustomer) if one.email == OTHER]
        assert kept.name == "EVA ENDE"
        (order,) = [one for one in await rows(world, ResellerOrder) if one.number == "2"]
        assert order.ship_to["name"] == "EVA ENDE"


async def test_case_27_a_name_nobody_else_has_goes_from_cases_of_who_sold_to_the_person(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer, second = await reseller(world), await reseller(world, "other")
        await sold(world, buyer, EVA, "Eva Ende", "1")
        hers = await case(world, buyer, "Seats for eva ende", "She of Acme GmbH calls.", "Ann Lee, +49 30 1")
        elsewhere = await case(world, second, "Eva Ende wants a quote", "Is she a customer?")
        unrelated = await case(world, second, "Eva Endemann", "No relation.")
        found = await erased(world, EVA)
        assert found.cases == [hers]
        left = await texts(world)
        assert left[hers] == ("Seats for [erased]", "Ann Lee, +49 30 1", "She of Acme GmbH calls.")
        assert left[elsewhere][0] == "Eva Ende wants a quote"
        assert left[unrelated][0] == "Eva Endemann"
        assert [said.split()[1] for said in found.to_look_at] == [hers, elsewhere]


async def test_an_address_within_another_one_is_somebody_else(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        await case(world, await reseller(world), "x", f"r{EVA} and {EVA}.org ask.")
        with pytest.raises(NotFound, match="no end customer"):
            await erased(world, EVA)

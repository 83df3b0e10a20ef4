import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.db.session import Database
from app.orders.customers import attend_customer, find_or_create_customer
from app.orders.tables import EndCustomer, OrderEvent, ResellerOrder, StaffTask
from app.reasons import Reason
from app.resellers.tables import Reseller, ResellerUser
from tests.conftest import NOW
from tests.orders.builders import World, address, opened, recorded, refused, reseller, rows


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


def account(number: str = "u7", email: str = "buyer@customer.example", **changed: Any) -> dict[str, Any]:
    return {
        "id": number, "email": email, "firstName": "Ann", "lastName": "Lee", "isActive": True, "isConfirmed": True,
        "languageCode": "EN_US",
    } | changed  # fmt: skip


def created(variables: dict[str, Any]) -> dict[str, Any]:
    return {"customerCreate": {"user": account("new", variables["input"]["email"]), "errors": []}}


async def find(world: World, row: ResellerOrder) -> None:
    await find_or_create_customer(world.services, world.shop, row.id)


async def customer_of(world: World, row: ResellerOrder) -> EndCustomer:
    (kept,) = await rows(world, ResellerOrder, ResellerOrder.id == row.id)
    (found,) = await rows(world, EndCustomer, EndCustomer.id == kept.end_customer_id)
    return found


async def test_case_26_an_existing_account_gets_the_license(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": account()}}
    await find(world, row)
    found = await customer_of(world, row)
    assert (found.saleor_user_id, found.company, found.name) == ("u7", "ACME", "Ann Lee")
    await find(world, row)
    assert len(world.saleor.calls) == 1, "a known account is not looked up again"
    assert [event.key for event in await rows(world, OrderEvent)].count(f"customer:{found.id}") == 1


async def test_case_22_the_record_says_nothing_of_whether_it_existed(world: World) -> None:
    one, two = await recorded(world), await recorded(world, "2", shippingAddress=address("CA", "other@customer.example"))
    known = {"buyer@customer.example": account()}
    world.saleor.answers = {
        "CustomerByEmail": lambda variables: {"user": known.get(variables["email"])},
        "CustomerCreate": created,
    }
    for row in (one, two):
        await find(world, row)
    said = [Reason.from_dict(event.what) for event in await rows(world, OrderEvent, OrderEvent.key.startswith("customer:"))]
    assert {reason.code for reason in said} == {"customer_account"}
    assert [(await customer_of(world, row)).saleor_user_id for row in (one, two)] == ["u7", "new"]


@pytest.mark.parametrize("redirect", ["", "https://store.example/welcome"])
async def test_a_new_account_is_made_from_the_ship_to(world: World, redirect: str) -> None:
    row = await recorded(world)
    world.shop.settings.account_redirect_url = redirect
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await find(world, row)
    found = await customer_of(world, row)
    assert found.saleor_user_id == "new"
    (asked,) = world.saleor.named("CustomerCreate")
    given = asked["input"]
    assert (given["email"], given["firstName"], given["lastName"]) == ("buyer@customer.example", "Ann", "Lee")
    assert given["defaultShippingAddress"]["country"] == "US"
    assert given["defaultShippingAddress"]["companyName"] == "ACME"
    assert (given.get("redirectUrl"), given.get("channel")) == ((redirect, "default") if redirect else (None, None))


async def test_a_company_without_a_name(world: World) -> None:
    row = await recorded(world, shippingAddress=address("CA", "it@acme.example", firstName="", lastName=""))
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await find(world, row)
    (asked,) = world.saleor.named("CustomerCreate")
    assert (asked["input"]["firstName"], asked["input"]["lastName"]) == ("", "")
    single = await recorded(world, "2", shippingAddress=address("CA", "x@acme.example", firstName="Cher", lastName=""))
    await find(world, single)
    assert world.saleor.named("CustomerCreate")[1]["input"]["firstName"] == "Cher"


@pytest.mark.parametrize("email", ["BUYER@Customer.Example", "buyer+grid@customer.example"])
async def test_case_23_the_same_person_in_other_letters_has_one_account(world: World, email: str) -> None:
    one, two = await recorded(world), await recorded(world, "2", shippingAddress=address("CA", email))
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await find(world, one)
    await find(world, two)
    assert (await customer_of(world, one)).id == (await customer_of(world, two)).id
    assert len(world.saleor.named("CustomerCreate")) == 1
    assert (await customer_of(world, two)).email == "buyer@customer.example", "the first spelling is kept"
    (kept,) = await rows(world, ResellerOrder, ResellerOrder.id == two.id)
    assert kept.end_customer_email == email, "the order keeps its own"


async def test_case_23_international_domains(world: World) -> None:
    one = await recorded(world, shippingAddress=address("CA", "it@bücher.example"))
    two = await recorded(world, "2", shippingAddress=address("CA", "it@xn--bcher-kva.example"))
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": created}
    await asyncio.gather(find(world, one), find(world, two))
    assert (await customer_of(world, one)).id == (await customer_of(world, two)).id


async def test_case_25_two_orders_in_the_same_second_end_with_one_account(world: World) -> None:
    orders = [await recorded(world, str(number)) for number in range(1, 6)]
    made: list[str] = []

    def look(variables: dict[str, Any]) -> dict[str, Any]:
        return {"user": account(made[0]) if made else None}

    def make(variables: dict[str, Any]) -> dict[str, Any]:
        if made:
            return refused("customerCreate", "User with this Email already exists.", "UNIQUE")
        made.append("first")
        return {"customerCreate": {"user": account("first"), "errors": []}}

    world.saleor.answers = {"CustomerByEmail": look, "CustomerCreate": make}
    await asyncio.gather(*(find(world, row) for row in orders))
    (customer,) = await rows(world, EndCustomer)
    assert customer.saleor_user_id == "first"
    assert {row.end_customer_id for row in await rows(world, ResellerOrder)} == {customer.id}
    assert await rows(world, StaffTask) == []


async def test_the_email_of_staff_cannot_become_an_account_and_staff_are_asked(world: World) -> None:
    row = await recorded(world)
    refusal = refused("customerCreate", "User with this Email already exists.", "UNIQUE")
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": refusal}
    for _ in range(2):
        await find(world, row)
    found = await customer_of(world, row)
    assert found.saleor_user_id is None
    (task,) = await rows(world, StaffTask)
    assert task.key == f"customer:{found.id}"
    assert "already exists" in str(Reason.from_dict(task.reasons[0]))


async def test_no_account_comes_back(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": None}, "CustomerCreate": {"customerCreate": {"user": None, "errors": []}}}
    await find(world, row)
    (task,) = await rows(world, StaffTask)
    assert "gave no account back" in str(Reason.from_dict(task.reasons[0]))
    world.saleor.answers = {"CustomerByEmail": {"user": account()}}
    await find(world, row)
    assert (await customer_of(world, row)).saleor_user_id == "u7"
    assert (await rows(world, StaffTask))[0].done_at is not None, "the account is there now"


async def changed(world: World, user: str, event: str = "customer_updated") -> str:
    return await attend_customer(world.services, world.shop, user, event)


async def test_a_resellers_own_email_is_followed(world: World) -> None:
    world.saleor.answers = {"Customer": {"user": account("texan", "New.Name@Partner.example")}}
    assert await changed(world, "texan") == "reseller"
    (row,) = await rows(world, Reseller)
    assert (row.email, row.users[0].email) == ("new.name@partner.example",) * 2
    assert await rows(world, StaffTask) == []


async def test_an_address_that_another_company_has_is_a_task_and_followed_once_it_is_free(world: World) -> None:
    await reseller(world, "rival")
    world.saleor.answers = {"Customer": {"user": account("texan", "rival@partner.example")}}
    for _ in range(2):
        assert await changed(world, "texan") == "reseller"
    texan, rival = sorted(await rows(world, Reseller), key=lambda row: row.email, reverse=True)
    assert (texan.email, texan.users[0].email, rival.email) == (
        "texan@partner.example",
        "rival@partner.example",
        "rival@partner.example",
    )
    (task,) = await rows(world, StaffTask)
    assert task.key == "address:texan"
    assert "is rival@partner.example in Saleor now, the address of" in str(Reason.from_dict(task.reasons[0]))
    world.saleor.answers = {"Customer": {"user": account("rival", "other@partner.example")}}
    await changed(world, "rival")
    world.saleor.answers = {"Customer": {"user": account("texan", "rival@partner.example")}}
    await changed(world, "texan")
    assert {row.email for row in await rows(world, Reseller)} == {"rival@partner.example", "other@partner.example"}
    assert (await rows(world, StaffTask))[0].done_at is not None


async def test_a_second_users_email_leaves_the_companys(world: World) -> None:
    (row,) = await rows(world, Reseller)
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(ResellerUser(reseller_id=row.id, saleor_user_id="second", email="second@partner.example"))
    world.saleor.answers = {"Customer": {"user": account("second", "2nd@partner.example")}}
    assert await changed(world, "second") == "reseller"
    (row,) = await rows(world, Reseller)
    assert row.email == "texan@partner.example"
    assert {user.email for user in row.users} == {"texan@partner.example", "2nd@partner.example"}


async def test_a_resellers_account_that_was_switched_off(world: World) -> None:
    world.saleor.answers = {"Customer": {"user": account("texan", "texan@partner.example", isActive=False)}}
    for _ in range(2):
        assert await changed(world, "texan") == "reseller"
    (task,) = await rows(world, StaffTask)
    assert "was switched off" in str(Reason.from_dict(task.reasons[0]))


async def test_an_account_that_became_one_of_staff_keeps_its_reseller_and_staff_are_asked(world: World) -> None:
    world.saleor.answers = {"Customer": {"user": None}}
    for _ in range(2):
        assert await changed(world, "texan") == "reseller"
    (user,) = await rows(world, ResellerUser)
    assert user.email == "texan@partner.example"
    (task,) = await rows(world, StaffTask)
    assert (task.key, str(Reason.from_dict(task.reasons[0]))[:35]) == ("unseen:texan", "Saleor shows no customer account fo")


async def test_an_end_customer_that_became_one_of_staff_is_not_erased(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": account()}, "Customer": {"user": None}}
    await find(world, row)
    assert await changed(world, "u7") == "end customer"
    assert (await customer_of(world, row)).email == "buyer@customer.example"


async def test_a_resellers_account_that_was_deleted_has_no_prices_any_more(world: World) -> None:
    assert await changed(world, "texan", "customer_deleted") == "reseller"
    assert await rows(world, ResellerUser) == []
    (task,) = await rows(world, StaffTask)
    assert task.key == "account:texan"
    await world.refresh()
    assert world.services.programs.get(world.shop.tenant_id).resellers == {}
    assert await changed(world, "texan", "customer_deleted") == "other"


async def test_case_27_an_erased_end_customer_is_forgotten_and_its_order_stays(world: World) -> None:
    row = await recorded(world)
    world.saleor.answers = {"CustomerByEmail": {"user": account()}, "Customer": {"user": account()}}
    await find(world, row)
    assert await changed(world, "u7") == "end customer"
    assert (await customer_of(world, row)).email == "buyer@customer.example"
    assert await changed(world, "u7", "customer_deleted") == "end customer"
    found = await customer_of(world, row)
    assert (found.saleor_user_id, found.email, found.company, found.name) == (None, f"erased-{found.id}", "", "")
    assert await changed(world, "u7", "customer_deleted") == "other"


async def test_case_27_every_address_of_an_erased_account_is_forgotten(world: World) -> None:
    async with world.database.tenant(world.shop.tenant_id) as session:
        for name in ("old", "new"):
            email = f"{name}@customer.example"
            session.add(EndCustomer(email_key=email, email=email, company="ACME", saleor_user_id="u7", created_at=NOW))
    assert await changed(world, "u7", "customer_deleted") == "end customer"
    assert {(one.email, one.company) for one in await rows(world, EndCustomer)} == {
        (f"erased-{one.id}", "") for one in await rows(world, EndCustomer)
    }

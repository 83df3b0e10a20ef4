"""Tokens, customers, addresses and metadata (saleor-facts 7 and 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.clock import system_clock
from app.errors import SaleorError
from app.saleor.client import SaleorClient, SaleorDenied, SaleorRefused
from app.saleor.operations import (
    CUSTOMER,
    CUSTOMER_BY_EMAIL,
    CUSTOMER_CREATE,
    CUSTOMER_TYPE_ASSIGN,
    CUSTOMER_TYPE_CREATE,
    CUSTOMER_TYPE_OF,
    CUSTOMER_TYPES,
    PRIVATE_METADATA_UPDATE,
    Operation,
)
from app.sandbox import seed
from app.sandbox.storefront import StorefrontRefused
from tests.sandbox.conftest import NEW_YORK, World

TOKENS = """mutation($email: String!, $password: String!) { tokenCreate(email: $email, password: $password, audience: "shop") {
  token refreshToken csrfToken user { id } errors { field code message } } }"""
REFRESH = "mutation($token: String!) { tokenRefresh(refreshToken: $token) { token errors { field code message } } }"
VERIFY = "mutation($token: String!) { tokenVerify(token: $token) { isValid user { email } errors { field code message } } }"
SET_PASSWORD = """mutation($email: String!, $token: String!) { setPassword(email: $email, password: "new", token: $token) {
  user { id } token errors { field code message } } }"""
REGISTER = """mutation($input: AccountRegisterInput!) { accountRegister(input: $input) {
  requiresConfirmation errors { field code message } } }"""
CONFIRM = """mutation($id: ID!) { customerUpdate(id: $id, input: {isConfirmed: true, firstName: "Nora"}) {
  errors { field code message } } }"""
PUBLIC = """mutation($id: ID!, $input: [MetadataInput!]!) { updateMetadata(id: $id, input: $input) {
  item { metadata { key value } } errors { field code message } } }"""


async def run(world: World, operation: Operation[Any], **variables: Any) -> Any:
    saleor = SaleorClient(world.sandbox.api_url, world.app.auth_token, timeout=10, attempts=1)
    try:
        return await saleor.execute(operation, **variables)
    finally:
        await saleor.close()
        await world.sandbox.settled()


# --- Tokens -----------------------------------------------------------------------------------------------------------


async def test_the_claims_of_an_access_token(bare: World) -> None:
    buyer = bare.buyer()
    payload = await buyer.send(TOKENS, "tokenCreate", email=seed.RESELLER, password=seed.PASSWORD)
    claims = bare.sandbox.key.claims(payload["token"])
    assert claims["iss"] == bare.sandbox.api_url
    assert (claims["type"], claims["owner"], claims["aud"]) == ("access", "saleor", "custom:shop")
    assert (claims["email"], claims["user_id"], claims["is_staff"]) == (seed.RESELLER, payload["user"]["id"], False)
    assert claims["exp"] - claims["iat"] == 300
    refresh = bare.sandbox.key.claims(payload["refreshToken"])
    assert (refresh["type"], refresh["exp"] - refresh["iat"]) == ("refresh", 30 * 24 * 3600)


async def test_a_refresh_token_signs_nobody_in_but_refreshes(bare: World) -> None:
    buyer = bare.buyer()
    payload = await buyer.send(TOKENS, "tokenCreate", email=seed.RESELLER, password=seed.PASSWORD)
    buyer.token = payload["refreshToken"]
    with pytest.raises(SaleorError):
        await buyer.ask("{ me { id } }")
    buyer.token = ""
    renewed = await buyer.send(REFRESH, "tokenRefresh", token=payload["refreshToken"])
    buyer.token = renewed["token"]
    assert (await buyer.ask("{ me { email orders(first: 1) { totalCount } } }"))["me"]["email"] == seed.RESELLER
    with pytest.raises(StorefrontRefused):
        await buyer.send(REFRESH, "tokenRefresh", token=payload["token"])


async def test_a_token_ends_after_five_minutes(bare: World) -> None:
    buyer = bare.buyer()
    await buyer.sign_in()
    assert (await buyer.ask(VERIFY, token=buyer.token))["tokenVerify"]["user"]["email"] == seed.RESELLER
    bare.store.clock = lambda: system_clock() + timedelta(minutes=6)
    guest = bare.buyer("")
    checked = (await guest.ask(VERIFY, token=buyer.token))["tokenVerify"]
    assert (checked["isValid"], checked["errors"][0]["code"]) == (False, "JWT_SIGNATURE_EXPIRED")
    guest.token, guest.password = buyer.token, ""
    with pytest.raises(SaleorError, match="expired"):
        await guest.ask("{ me { id } }")


async def test_a_browser_that_knows_the_password_signs_in_anew(bare: World) -> None:
    buyer = bare.buyer()
    await buyer.sign_in()
    ended = buyer.token
    bare.store.clock = lambda: system_clock() + timedelta(minutes=6)
    assert (await buyer.ask("{ me { email } }"))["me"]["email"] == seed.RESELLER
    assert buyer.token != ended


async def test_a_wrong_password_and_an_unconfirmed_account(bare: World) -> None:
    buyer = bare.buyer()
    buyer.password = "wrong"
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.sign_in()
    assert refused.value.code == "INVALID_CREDENTIALS"
    await bare.buyer("").ask(REGISTER, input={"email": "Nora@new.example", "password": "password"})
    nora = bare.buyer("nora@new.example")
    with pytest.raises(StorefrontRefused) as refused:
        await nora.sign_in()
    assert refused.value.code == "ACCOUNT_NOT_CONFIRMED"
    user = bare.store.user_by_email("nora@new.example")
    assert user is not None
    await (await bare.staff()).send(CONFIRM, "customerUpdate", id=user.id)
    await nora.sign_in()


async def test_registering_an_existing_account_says_the_same(bare: World) -> None:
    before = len(bare.store.users)
    payload = await bare.buyer("").send(REGISTER, "accountRegister", input={"email": seed.RESELLER, "password": "x"})
    assert payload["requiresConfirmation"] is True
    assert len(bare.store.users) == before


# --- Customers --------------------------------------------------------------------------------------------------------


async def test_a_created_customer_is_lower_case_unconfirmed_and_silent(world: World) -> None:
    made = (await run(world, CUSTOMER_CREATE, input={"email": "New@Customer.example", "firstName": "Nina"})).customer_create.user
    assert (made.email, made.is_confirmed, made.is_active, made.first_name) == ("new@customer.example", False, True, "Nina")
    user = world.store.user_by_email(made.email)
    assert user is not None
    assert user.password is None
    assert world.sandbox.webhooks.sent("ACCOUNT_SET_PASSWORD_REQUESTED") == []


async def test_an_email_is_taken_whatever_its_case(world: World) -> None:
    for email in (seed.END_CUSTOMER.upper(), seed.STAFF):
        with pytest.raises(SaleorRefused) as refused:
            await run(world, CUSTOMER_CREATE, input={"email": email})
        assert refused.value.errors[0].code == "UNIQUE"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"email": ""}, "REQUIRED"),
        ({"email": "none"}, "INVALID"),
        ({"email": "a@b.example", "redirectUrl": "https://evil.example/", "channel": "default-channel"}, "INVALID"),
        ({"email": "a@b.example", "redirectUrl": "http://localhost/set/"}, "MISSING_CHANNEL_SLUG"),
    ],
)
async def test_a_wrong_customer_is_refused(world: World, change: dict[str, str], expected: str) -> None:
    with pytest.raises(SaleorRefused) as refused:
        await run(world, CUSTOMER_CREATE, input=change)
    assert refused.value.errors[0].code == expected


async def test_only_with_a_redirect_the_customer_is_asked_for_a_password(bare: World) -> None:
    bare.fake.more["account_set_password_requested"] = (
        "subscription { event { ... on AccountSetPasswordRequested { user { email } redirectUrl token } } }"
    )
    await bare.install()
    bare.channel.allow_unpaid_orders = True
    guest = bare.buyer("")
    await guest.new_checkout("default-channel", [("GRID-TEAM", 1)], "ned@new.example")
    await guest.set_billing(NEW_YORK)
    await guest.complete()
    content = {"email": "ned@new.example", "redirectUrl": "http://localhost/set/", "channel": "default-channel"}
    await run(bare, CUSTOMER_CREATE, input=content)
    [body] = bare.fake.bodies("account_set_password_requested")
    assert (body["user"]["email"], body["redirectUrl"]) == ("ned@new.example", "http://localhost/set/")
    assert bare.store.orders[0].user is None
    with pytest.raises(StorefrontRefused):
        await guest.send(SET_PASSWORD, "setPassword", email="ned@new.example", token="wrong")
    payload = await guest.send(SET_PASSWORD, "setPassword", email="ned@new.example", token=body["token"])
    assert bare.store.orders[0].user is not None, "earlier orders of this e-mail are linked"
    assert bare.store.orders[0].user.id == payload["user"]["id"]


async def test_customers_are_found_without_case_and_staff_are_not(world: World) -> None:
    found = (await run(world, CUSTOMER_BY_EMAIL, email=seed.END_CUSTOMER.upper())).user
    assert found.email == seed.END_CUSTOMER
    assert (await run(world, CUSTOMER, id=found.id)).user.id == found.id
    assert (await run(world, CUSTOMER_BY_EMAIL, email=seed.STAFF)).user is None
    order = await world.ordered()
    order.user = world.store.user_by_email(seed.STAFF)
    assert (await run(world, CUSTOMER_BY_EMAIL, email=seed.STAFF)).user is not None
    staff = await world.staff()
    assert (await staff.ask("{ customers(first: 9) { totalCount } }"))["customers"]["totalCount"] == 4


async def test_a_changed_email_may_not_be_anothers(world: World) -> None:
    user = world.store.user_by_email(seed.BUYER)
    assert user is not None
    document = """mutation($id: ID!, $email: String!) { customerUpdate(id: $id, input: {email: $email}) {
      errors { field code message } } }"""
    with pytest.raises(StorefrontRefused) as refused:
        await (await world.staff()).send(document, "customerUpdate", id=user.id, email=seed.RESELLER)
    assert refused.value.code == "UNIQUE"


# --- Addresses, checkouts and metadata --------------------------------------------------------------------------------


async def test_an_address_in_the_us_is_complete(bare: World) -> None:
    buyer = bare.buyer()
    await buyer.new_checkout("default-channel", [("GRID-TEAM", 1)])
    for missing in ("countryArea", "postalCode", "city", "streetAddress1", "country"):
        with pytest.raises(StorefrontRefused) as refused:
            await buyer.set_billing({name: value for name, value in NEW_YORK.items() if name != missing})
        assert refused.value.code == "REQUIRED"
        assert missing in refused.value.sentence


async def test_a_customer_is_attached_and_detached(bare: World) -> None:
    guest = bare.buyer("")
    await guest.new_checkout("default-channel", [("GRID-TEAM", 1)], "guest@example.com")
    with pytest.raises(SaleorError):
        await guest.attach()
    buyer = bare.buyer()
    await buyer.sign_in()
    buyer.checkout_id = guest.checkout_id
    await buyer.attach()
    checkout = bare.store.checkouts[0]
    assert (checkout.user, checkout.email) == (bare.store.user_by_email(seed.RESELLER), seed.RESELLER)
    other = bare.buyer(seed.BUYER)
    await other.sign_in()
    other.checkout_id = guest.checkout_id
    for step in (other.attach, other.detach):
        with pytest.raises(SaleorError):
            await step()
    await buyer.detach()
    assert checkout.user is None


async def test_who_buys_is_seen_by_the_buyer_and_staff_only(bare: World) -> None:
    buyer = await bare.filled()
    document = "query($id: ID!) { checkout(id: $id) { user { email } } }"
    assert (await buyer.ask(document, id=buyer.checkout_id))["checkout"]["user"]["email"] == seed.RESELLER
    with pytest.raises(SaleorError):
        await bare.buyer("").ask(document, id=buyer.checkout_id)


async def test_lines_of_a_checkout(bare: World) -> None:
    buyer = bare.buyer()
    await buyer.new_checkout("default-channel", [("GRID-TEAM", 1), ("GRID-TEAM", 1)])
    [line] = bare.store.checkouts[0].lines
    assert line.quantity == 2, "the same variant is one line"
    update = """mutation($id: ID!, $lines: [CheckoutLineUpdateInput!]!) { checkoutLinesUpdate(id: $id, lines: $lines) {
      errors { field code message } } }"""
    await buyer.send(update, "checkoutLinesUpdate", id=buyer.checkout_id, lines=[{"lineId": line.id, "quantity": 5}])
    assert line.quantity == 5
    for change, expected in (
        ({"lineId": "x", "quantity": 1}, "GRAPHQL_ERROR"),
        ({"lineId": line.id, "quantity": -1}, "ZERO_QUANTITY"),
    ):
        with pytest.raises(StorefrontRefused) as refused:
            await buyer.send(update, "checkoutLinesUpdate", id=buyer.checkout_id, lines=[change])
        assert refused.value.code == expected
    delete = """mutation($id: ID!, $line: ID!) { checkoutLineDelete(id: $id, lineId: $line) { errors { field code message } } }"""
    await buyer.send(delete, "checkoutLineDelete", id=buyer.checkout_id, line=line.id)
    assert bare.store.checkouts[0].lines == []
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.new_checkout("default-channel", [("GRID-TEAM", 0)])
    assert refused.value.code == "ZERO_QUANTITY"


async def test_a_promotion_code(bare: World) -> None:
    buyer = await bare.filled(seed.BUYER)
    await buyer.add_voucher("WELCOME10")
    assert (await buyer.prices()).net == 18
    remove = (
        """mutation($id: ID!) { checkoutRemovePromoCode(id: $id, promoCode: "WELCOME10") { errors { field code message } } }"""
    )
    await buyer.send(remove, "checkoutRemovePromoCode", id=buyer.checkout_id)
    assert (await buyer.prices()).net == 20
    with pytest.raises(StorefrontRefused) as refused:
        await buyer.add_voucher("NONE")
    assert refused.value.code == "INVALID"


async def test_anybody_writes_public_metadata_of_a_checkout_and_nobody_an_orders(world: World) -> None:
    buyer = await world.filled()
    guest = world.buyer("")
    guest.checkout_id = buyer.checkout_id
    await guest.set_metadata(po_number="forged")
    assert world.store.checkouts[0].metadata == {"po_number": "forged"}
    order = await world.ordered()
    with pytest.raises(SaleorError):
        await buyer.ask(PUBLIC, id=order.id, input=[{"key": "a", "value": "b"}])
    own = world.store.user_by_email(seed.RESELLER)
    assert own is not None
    payload = await buyer.send(PUBLIC, "updateMetadata", id=own.id, input=[{"key": "reseller", "value": "yes"}])
    assert payload["item"]["metadata"] == [{"key": "reseller", "value": "yes"}]
    for wrong in ("Q2hlY2tvdXQ6MA==", own.id):
        with pytest.raises((StorefrontRefused, SaleorError)):
            await guest.send(PUBLIC, "updateMetadata", id=wrong, input=[{"key": "a", "value": "b"}])
    with pytest.raises(StorefrontRefused):
        await buyer.send(PUBLIC, "updateMetadata", id=own.id, input=[{"key": " ", "value": "b"}])


async def test_private_metadata_needs_a_permission_to_write_and_to_read(world: World) -> None:
    order = await world.ordered()
    await run(world, PRIVATE_METADATA_UPDATE, id=order.id, input=[{"key": "gate", "value": "open"}])
    document = "query($id: ID!) { order(id: $id) { privateMetadata { key value } } }"
    shown = (await world.as_app().ask(document, id=order.id))["order"]["privateMetadata"]
    assert shown == [{"key": "gate", "value": "open"}]
    with pytest.raises(SaleorError):
        await world.buyer("").ask(document, id=order.id)


async def test_a_shop_has_its_channels_and_products(bare: World) -> None:
    guest = bare.buyer("")
    shown = await guest.ask(
        """{ shop { name domain { host } } channel(slug: "eu-channel") { slug }
        products(channel: "eu-channel", first: 10) { totalCount edges { node { slug variants { sku } } } } }"""
    )
    assert shown["channel"] == {"slug": "eu-channel"}
    assert shown["products"]["totalCount"] == 3
    variant = await guest.ask(
        """{ productVariant(sku: "GRID-DEV", channel: "eu-channel") {
          pricing { onSale price { net { amount } gross { amount } } } } }"""
    )
    assert variant["productVariant"]["pricing"] == {
        "onSale": False,
        "price": {"net": {"amount": 100.0}, "gross": {"amount": 119.0}},
    }
    with pytest.raises(SaleorError, match="More than one channel"):
        await guest.ask('{ productVariant(sku: "GRID-DEV") { id } }')
    with pytest.raises(StorefrontRefused) as refused:
        await guest.new_checkout("default-channel", [("NONE", 1)])
    assert refused.value.code == "NOT_FOUND"
    for channel, expected in (("nowhere", "NOT_FOUND"), ("eu-channel", "CHANNEL_INACTIVE")):
        bare.store.channels[1].is_active = False
        document = """mutation($channel: String!) { checkoutCreate(input: {channel: $channel, lines: []}) {
          errors { field code message } } }"""
        with pytest.raises(StorefrontRefused) as refused:
            await guest.send(document, "checkoutCreate", channel=channel)
        assert refused.value.code == expected


async def test_addresses_are_copied_not_shared(world: World) -> None:
    order = await world.ordered()
    assert order.shipping_address is not None
    assert order.shipping_address.city == "AUSTIN"
    order.shipping_address.city = "Elsewhere"
    again = await world.ordered()
    assert again.shipping_address is not None
    assert again.shipping_address.city == "AUSTIN"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"countryArea": "new york"}, ("NY", "NEW YORK")),
        ({"countryArea": "Atlantis"}, "INVALID"),
        ({"postalCode": "ABC"}, "INVALID"),
        ({"postalCode": "78701"}, "INVALID"),
        ({"country": "DE", "postalCode": "10115", "city": "Berlin"}, ("", "BERLIN")),
        ({"country": "CH", "postalCode": "8001", "city": "Zürich"}, ("", "Zürich")),
        ({"country": "CA", "postalCode": "X", "city": "Toronto", "countryArea": "ON"}, ("ON", "TORONTO")),
    ],
)
async def test_addresses_are_put_in_form(bare: World, change: dict[str, str], expected: str | tuple[str, str]) -> None:
    buyer = bare.buyer()
    await buyer.new_checkout("default-channel", [("GRID-TEAM", 1)])
    if isinstance(expected, str):
        with pytest.raises(StorefrontRefused) as refused:
            await buyer.set_billing(NEW_YORK | change)
        assert refused.value.code == expected
        return
    await buyer.set_billing(NEW_YORK | change)
    address = bare.store.checkouts[0].billing_address
    assert address is not None
    assert (address.country_area, address.city) == expected


async def test_ids_of_another_kind_or_of_none(world: World) -> None:
    guest = world.buyer("")
    order = await world.ordered()
    assert (await guest.ask('{ checkout(id: "Q2hlY2tvdXQ6MA==") { id } }'))["checkout"] is None
    for id, said in (("x", "Expected: Checkout."), (order.id, "received: Order")):
        with pytest.raises(SaleorError, match=said):
            await guest.ask("query($id: ID) { checkout(id: $id) { id } }", id=id)
        guest.checkout_id = id
        with pytest.raises(StorefrontRefused, match=said) as refused:
            await guest.set_email("a@b.example")
        assert refused.value.code == "GRAPHQL_ERROR"
    guest.checkout_id = "Q2hlY2tvdXQ6MA=="
    for step in (guest.complete, guest.attach):
        with pytest.raises(SaleorError):
            await step()
    with pytest.raises(SaleorError, match="no such checkout"):
        await guest.prices()
    user = world.store.user_by_email(seed.BUYER)
    assert user is not None
    for id, code in (("Q2hlY2tvdXQ6MA==", "NOT_FOUND"), (user.id, "INVALID"), ("x", "saleor_error")):
        with pytest.raises(SaleorError) as failed:
            await guest.pay("sandbox.card", source=id)
        assert failed.value.code == code


# --- Customer types ---------------------------------------------------------------------------------------------------


async def test_customer_types(world: World) -> None:
    user = world.store.user_by_email(seed.RESELLER)
    assert user is not None

    async def current() -> Any:
        return (await run(world, CUSTOMER_TYPE_OF, id=user.id)).user.customer_type.id

    before = await run(world, CUSTOMER_TYPES, slug="reseller")
    assert before.own.edges == []
    standard = before.standard.edges[0].node.id
    assert await current() == standard
    with pytest.raises(SaleorDenied):
        await run(world, CUSTOMER_TYPE_CREATE, input={"name": "Reseller", "slug": "reseller"})
    world.app.permissions.add("MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES")
    made = (await run(world, CUSTOMER_TYPE_CREATE, input={"name": "Reseller"})).customer_type_create.customer_type
    assert (await run(world, CUSTOMER_TYPES, slug="reseller")).own.edges[0].node.id == made.id
    await run(world, CUSTOMER_TYPE_ASSIGN, id=user.id, input={"customerType": made.id})
    assert await current() == made.id
    for wrong in ({"name": "Other", "slug": "reseller"}, {"name": " "}):
        with pytest.raises(SaleorRefused):
            await run(world, CUSTOMER_TYPE_CREATE, input=wrong)
    with pytest.raises(SaleorRefused):
        await run(world, CUSTOMER_TYPE_ASSIGN, id=user.id, input={"customerType": user.id})
    await run(world, CUSTOMER_TYPE_CREATE, input={"name": "New", "slug": "new", "isDefault": True})
    assert (await run(world, CUSTOMER_TYPES, slug="new")).standard.edges[0].node.id != standard

"""What Saleor's payment webhooks tell, as the subscriptions in `graphql/subscriptions` select it.

A session's object is a checkout or an order; anyone can start one on any of them, so nothing in it is trusted but its own
prices, which Saleor computed (saleor-facts 5).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field
from pydantic.alias_generators import to_camel


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Id(_Payload):
    id: str


class Slug(_Payload):
    slug: str


class Price(_Payload):
    amount: Decimal


class Taxed(_Payload):
    net: Price
    gross: Price


class TaxedTotal(Taxed):
    currency: str


class Pair(_Payload):
    key: str
    value: str


class Principal(_Payload):
    typename: Literal["User", "App"] = Field(alias="__typename")
    id: str


class Country(_Payload):
    code: str


class Address(_Payload):
    company_name: str
    first_name: str
    last_name: str
    street_address1: str
    street_address2: str
    city: str
    postal_code: str
    country_area: str
    country: Country
    metadata: tuple[Pair, ...]

    def meta(self, key: str) -> str:
        """A public metadata value of the address, trimmed; empty when there is none."""
        return next((pair.value.strip() for pair in self.metadata if pair.key == key), "")


class Listing(_Payload):
    channel: Slug
    price: Price | None


class TaxClassOwner(_Payload):
    tax_class: Id | None


class Product(_Payload):
    id: str
    name: str
    category: Id | None
    collections: tuple[Id, ...] | None
    tax_class: Id | None
    product_type: TaxClassOwner


class VariantPricing(_Payload):
    price: Taxed | None


class Variant(_Payload):
    id: str
    sku: str | None
    name: str
    product: Product
    channel_listings: tuple[Listing, ...] | None
    pricing: VariantPricing | None


class CheckoutLine(_Payload):
    id: str
    quantity: int
    is_gift: bool | None
    total_price: Taxed
    variant: Variant
    not_for_resale: str | None = None
    """The line's own metadata of that key (edge case 40)."""


class TaxSettings(_Payload):
    prices_entered_with_tax: bool


class TaxedChannel(Slug):
    tax_configuration: TaxSettings


class Checkout(_Payload):
    typename: Literal["Checkout"] = Field(alias="__typename")
    id: str
    user: Id | None
    channel: TaxedChannel
    email: str | None
    language_code: str
    voucher_code: str | None
    metadata: tuple[Pair, ...]
    total_price: TaxedTotal
    shipping_price: GrossOnly
    discount: Price | None
    """The entire-order discount, which Saleor's line totals do not hold (saleor-facts 3)."""
    billing_address: Address | None
    shipping_address: Address | None
    lines: tuple[CheckoutLine, ...]

    def meta(self, key: str) -> str:
        """A public metadata value of the checkout, trimmed; empty when there is none."""
        return next((pair.value.strip() for pair in self.metadata if pair.key == key), "")


class GrossOnly(_Payload):
    gross: Price


class Order(_Payload):
    typename: Literal["Order"] = Field(alias="__typename")
    id: str
    user: Id | None
    channel: Slug
    number: str
    total: TaxedTotal


Source = Annotated[Checkout | Order, Discriminator("typename")]


class Action(_Payload):
    amount: Decimal
    currency: str
    action_type: str


class Transaction(_Payload):
    id: str
    psp_reference: str


class Session(_Payload):
    """TRANSACTION_INITIALIZE_SESSION and TRANSACTION_PROCESS_SESSION."""

    recipient: Id | None
    issued_at: str | None
    issuing_principal: Principal | None
    transaction: Transaction
    merchant_reference: str
    action: Action
    source_object: Source
    data: Any = None


class GatewayInitialize(_Payload):
    """PAYMENT_GATEWAY_INITIALIZE_SESSION."""

    recipient: Id | None
    issuing_principal: Principal | None
    source_object: Source
    amount: Decimal | None
    data: Any = None


class RequestedAction(_Payload):
    action_type: str
    amount: Decimal | None
    currency: str


class OrderName(_Payload):
    id: str
    number: str


class RequestedTransaction(_Payload):
    id: str
    psp_reference: str
    order: OrderName | None
    checkout: Id | None


class ActionRequested(_Payload):
    """TRANSACTION_CHARGE_REQUESTED, _REFUND_REQUESTED and _CANCELATION_REQUESTED."""

    recipient: Id | None
    issued_at: str | None
    issuing_principal: Principal | None
    action: RequestedAction
    transaction: RequestedTransaction | None


Checkout.model_rebuild()

"""What Saleor answers to each document in `graphql/operations/`, typed.

A field may be None exactly where Saleor's SDL says so in any line the app runs on, and none has a default: an answer without a
field that was asked for is an error, not an empty value. Money and rates are Decimal, read from the digits on the wire
(`client.py`), in major units and percent or fraction as Saleor says. Enumerations stay text: newer Saleors add values.
`tests/contract/test_answers.py` holds all this against the SDLs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Base of all answers: frozen, named as in Saleor on the wire and as in Python here."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


def _by_key(value: Any) -> Any:
    return {item["key"]: item["value"] for item in value} if isinstance(value, list) else value


def _as_items(value: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": text} for key, text in value.items()]


Metadata = Annotated[dict[str, str], BeforeValidator(_by_key), PlainSerializer(_as_items)]
"""Saleor's list of key and value as a mapping."""


# --- Small things that many answers share -----------------------------------------------------------------------------


class SaleorRef(Answer):
    """Something of which only the id was asked for."""

    id: str


class SaleorStatus(Answer):
    """Something of which id and status were asked for."""

    id: str
    status: str


class SaleorAmount(Answer):
    """An amount in major units; its currency is the order's or channel's."""

    amount: Decimal


class SaleorTaxed(Answer):
    """An amount without and with tax."""

    net: SaleorAmount
    gross: SaleorAmount


class SaleorTotal(SaleorTaxed):
    """A taxed amount that names its currency."""

    currency: str


class SaleorCountry(Answer):
    """ISO 3166-1 code."""

    code: str


class SaleorUser(Answer):
    """An account as an order names it."""

    id: str
    email: str
    first_name: str
    last_name: str


class SaleorCustomer(SaleorUser):
    """An account with its state."""

    is_active: bool
    is_confirmed: bool
    language_code: str


class SaleorAddressee(Answer):
    """Whom an address of an account names."""

    company_name: str
    first_name: str
    last_name: str


class SaleorAccount(SaleorCustomer):
    """An account with those its addresses name and its private metadata; nothing of them when it was just created."""

    addresses: list[SaleorAddressee] = Field(default_factory=list)
    private_metadata: Metadata = Field(default_factory=dict)


class SaleorAddress(Answer):
    """A postal address. The end customer's e-mail is in `metadata` (`rules.md` 3.1) and anybody may have written it there."""

    company_name: str
    first_name: str
    last_name: str
    street_address_1: str = Field(alias="streetAddress1")
    street_address_2: str = Field(alias="streetAddress2")
    city: str
    postal_code: str
    country_area: str
    country: SaleorCountry
    metadata: Metadata


class SaleorDiscount(Answer):
    """A reduction Saleor itself names. `type` is e.g. VOUCHER, PROMOTION, MANUAL."""

    type: str
    name: str | None
    total: SaleorAmount


class SaleorChannelSlug(Answer):
    slug: str


class SaleorChannelCurrency(Answer):
    slug: str
    currency_code: str


class SaleorListing(Answer):
    """A variant's price in a channel; None where it has none."""

    channel: SaleorChannelSlug
    price: SaleorAmount | None


# --- Orders -----------------------------------------------------------------------------------------------------------


class SaleorPriceEntry(Answer):
    """Whether the prices of a channel are entered with tax."""

    prices_entered_with_tax: bool


class SaleorOrderChannel(SaleorChannelCurrency):
    """The channel of an order."""

    tax_configuration: SaleorPriceEntry


class SaleorProductType(Answer):
    """Where a product without a tax class of its own takes it from."""

    tax_class: SaleorRef | None


class SaleorProduct(Answer):
    """What price lists, tax and license policies look at."""

    id: str
    metadata: Metadata
    category: SaleorRef | None
    collections: list[SaleorRef] | None
    tax_class: SaleorRef | None
    product_type: SaleorProductType


class SaleorVariant(Answer):
    """A variant as it is now, not as it was ordered."""

    id: str
    sku: str | None
    metadata: Metadata
    channel_listings: list[SaleorListing] | None
    product: SaleorProduct


class SaleorOrderLine(Answer):
    """One line. `tax_rate` is a fraction (0.0825), unlike the percent of a tax answer; `variant` is None once deleted."""

    id: str
    product_name: str
    variant_name: str
    product_sku: str | None
    product_variant_id: str | None
    quantity: int
    quantity_to_fulfill: int
    tax_rate: Decimal
    is_gift: bool | None
    unit_price: SaleorTaxed
    undiscounted_unit_price: SaleorTaxed
    total_price: SaleorTaxed
    voucher_code: str | None
    discounts: list[SaleorDiscount] | None
    variant: SaleorVariant | None
    not_for_resale: str | None = None
    """The line's own metadata of that key (edge case 40)."""


class SaleorCreator(Answer):
    """Who made a transaction: an `App` with its identifier, or a `User`."""

    typename: str = Field(alias="__typename")
    id: str
    identifier: str | None = None
    """Asked for of apps only."""


class SaleorTransactionEvent(Answer):
    """One step of a transaction. `type` is e.g. CHARGE_REQUEST or CHARGE_SUCCESS."""

    psp_reference: str
    type: str | None
    amount: SaleorAmount


class SaleorTransaction(Answer):
    """Money on an order through one gateway."""

    id: str
    psp_reference: str
    name: str
    created_by: SaleorCreator | None
    charged_amount: SaleorAmount
    authorized_amount: SaleorAmount
    charge_pending_amount: SaleorAmount
    refunded_amount: SaleorAmount
    refund_pending_amount: SaleorAmount
    events: list[SaleorTransactionEvent]


class SaleorPayment(Answer):
    """A payment of Saleor's legacy plugins."""

    id: str
    gateway: str
    is_active: bool
    captured_amount: SaleorAmount | None


class SaleorInvoiceNumber(Answer):
    """An invoice on an order; PENDING while it was asked for and has no address yet."""

    id: str
    number: str | None
    status: str


class SaleorOrderEvent(Answer):
    """An entry of the order's timeline; notes have type NOTE_ADDED."""

    type: str | None
    message: str | None


class SaleorOrder(Answer):
    """One order as the audit and the release see it."""

    id: str
    number: str
    created: AwareDatetime
    status: str
    charge_status: str
    authorize_status: str
    language_code: str
    user_email: str | None
    user: SaleorUser | None
    channel: SaleorOrderChannel
    voucher_code: str | None
    metadata: Metadata
    private_metadata: Metadata
    billing_address: SaleorAddress | None
    shipping_address: SaleorAddress | None
    total: SaleorTotal
    shipping_price: SaleorTaxed
    gift_cards: list[SaleorRef]
    discounts: list[SaleorDiscount]
    lines: list[SaleorOrderLine]
    transactions: list[SaleorTransaction]
    payments: list[SaleorPayment]
    fulfillments: list[SaleorStatus]
    invoices: list[SaleorInvoiceNumber]
    events: list[SaleorOrderEvent]


class OrderAnswer(Answer):
    """None for an order that does not exist or that this app may not see."""

    order: SaleorOrder | None


class SaleorPageInfo(Answer):
    has_next_page: bool
    end_cursor: str | None


class SaleorChangedOrder(Answer):
    id: str
    number: str
    updated_at: AwareDatetime
    status: str
    user: SaleorRef | None
    channel: SaleorChannelSlug


class SaleorChangedOrderEdge(Answer):
    node: SaleorChangedOrder


class SaleorChangedOrders(Answer):
    page_info: SaleorPageInfo
    edges: list[SaleorChangedOrderEdge]


class OrdersChangedAnswer(Answer):
    """One page of orders, the longest unchanged first."""

    orders: SaleorChangedOrders | None


class SaleorMoney(Answer):
    """What a transaction's events add up to."""

    id: str
    charged_amount: SaleorAmount
    refunded_amount: SaleorAmount
    refund_pending_amount: SaleorAmount
    authorized_amount: SaleorAmount
    charge_pending_amount: SaleorAmount


class SaleorOrderMoney(Answer):
    id: str
    transactions: list[SaleorMoney]


class SaleorOrderMoneyEdge(Answer):
    node: SaleorOrderMoney


class SaleorOrdersMoney(Answer):
    edges: list[SaleorOrderMoneyEdge]


class OrdersMoneyAnswer(Answer):
    """The orders among the ids asked for that there are."""

    orders: SaleorOrdersMoney | None


# --- Customers, products, warehouses ----------------------------------------------------------------------------------


class CustomerAnswer(Answer):
    """None also for accounts that are only staff (saleor-facts 7)."""

    user: SaleorCustomer | None


class CustomerByEmailAnswer(Answer):
    """None also for accounts that are only staff (saleor-facts 7)."""

    user: SaleorAccount | None


class SaleorCurrencyListing(Answer):
    channel: SaleorChannelCurrency
    price: SaleorAmount | None


class SaleorNamedProduct(Answer):
    id: str
    name: str
    metadata: Metadata
    category: SaleorRef | None
    collections: list[SaleorRef] | None


class SaleorNamedVariant(Answer):
    id: str
    sku: str | None
    name: str
    metadata: Metadata
    channel_listings: list[SaleorCurrencyListing] | None
    product: SaleorNamedProduct


class VariantBySkuAnswer(Answer):
    product_variant: SaleorNamedVariant | None


class SaleorPricedProduct(Answer):
    id: str
    name: str
    category: SaleorRef | None
    collections: list[SaleorRef] | None


class SaleorVariantPricing(Answer):
    """The public price with every sale; None where the variant is not for sale."""

    price: SaleorTaxed | None


class SaleorPricedListing(Answer):
    channel: SaleorOrderChannel
    price: SaleorAmount | None


class SaleorPricedVariant(Answer):
    id: str
    sku: str | None
    name: str
    channel_listings: list[SaleorPricedListing] | None
    pricing: SaleorVariantPricing | None
    product: SaleorPricedProduct


class VariantPriceAnswer(Answer):
    product_variant: SaleorPricedVariant | None


class SaleorListedVariant(Answer):
    """A variant with its retail price per channel."""

    id: str
    sku: str | None
    name: str
    channel_listings: list[SaleorCurrencyListing] | None


class SaleorListedProduct(SaleorPricedProduct):
    variants: list[SaleorListedVariant] | None


class ProductPricesAnswer(Answer):
    product: SaleorListedProduct | None


class SaleorWarehouse(Answer):
    id: str
    name: str


class SaleorWarehouseEdge(Answer):
    node: SaleorWarehouse


class SaleorWarehouses(Answer):
    edges: list[SaleorWarehouseEdge]


class WarehousesAnswer(Answer):
    """At most one edge."""

    warehouses: SaleorWarehouses | None


# --- The installation -------------------------------------------------------------------------------------------------


class SaleorPermission(Answer):
    code: str


class SaleorWebhookEvent(Answer):
    event_type: str


class SaleorWebhook(Answer):
    """An installed webhook."""

    id: str
    name: str | None
    is_active: bool
    target_url: str
    subscription_query: str | None
    sync_events: list[SaleorWebhookEvent]
    async_events: list[SaleorWebhookEvent]


class SaleorApp(Answer):
    """This app as the shop knows it. `identifier` is the manifest's id."""

    id: str
    identifier: str | None
    name: str | None
    is_active: bool | None
    permissions: list[SaleorPermission] | None
    webhooks: list[SaleorWebhook] | None


class SaleorDomain(Answer):
    host: str
    url: str


class SaleorShop(Answer):
    version: str
    domain: SaleorDomain


class AppSelfAnswer(Answer):
    """`app` is None when the token belongs to no app."""

    app: SaleorApp | None
    shop: SaleorShop


class SaleorOrderSettings(Answer):
    automatically_confirm_all_new_orders: bool
    allow_unpaid_orders: bool
    mark_as_paid_strategy: str


class SaleorCheckoutSettings(Answer):
    automatically_complete_fully_paid_checkouts: bool


class SaleorPaymentSettings(Answer):
    default_transaction_flow_strategy: str
    release_funds_for_expired_checkouts: bool | None


class SaleorTaxCountry(Answer):
    """A country's exception. A strategy of None means flat rates, not "inherit" (saleor-facts 3)."""

    country: SaleorCountry
    charge_taxes: bool
    tax_calculation_strategy: str | None


class SaleorTaxConfiguration(Answer):
    """A channel's taxes. `tax_app_id` is an `App.identifier`, not an id (saleor `tax_configuration_update.py`)."""

    id: str
    charge_taxes: bool
    tax_calculation_strategy: str | None
    display_gross_prices: bool
    prices_entered_with_tax: bool
    tax_app_id: str | None
    countries: list[SaleorTaxCountry]


class SaleorChannel(Answer):
    id: str
    slug: str
    is_active: bool
    currency_code: str
    order_settings: SaleorOrderSettings
    checkout_settings: SaleorCheckoutSettings
    payment_settings: SaleorPaymentSettings
    tax_configuration: SaleorTaxConfiguration


class SaleorFulfillmentSettings(Answer):
    version: str
    fulfillment_auto_approve: bool
    fulfillment_allow_unpaid: bool


class InstallationAnswer(Answer):
    """All that `reseller doctor` reads of the shop itself."""

    shop: SaleorFulfillmentSettings
    channels: list[SaleorChannel] | None


class SaleorTaxClassRate(Answer):
    """A rate in percent; without a tax class it is the country's default."""

    rate: Decimal
    tax_class: SaleorRef | None


class SaleorTaxCountryRates(Answer):
    country: SaleorCountry
    tax_class_country_rates: list[SaleorTaxClassRate]


class FlatRatesAnswer(Answer):
    tax_country_configurations: list[SaleorTaxCountryRates] | None


# --- Mutations: `errors` never arrives here filled, since the client raises SaleorRefused -----------------------------


class SaleorFieldError(Answer):
    """One entry of a mutation's `errors`. `code` is Saleor's, such as CANNOT_FULFILL_UNPAID_ORDER."""

    field: str | None
    code: str | None
    message: str | None


class Payload(Answer):
    """Base of every mutation's payload."""

    errors: list[SaleorFieldError]


class SaleorTypename(Answer):
    typename: str = Field(alias="__typename")


class SaleorInvoice(Answer):
    id: str
    number: str | None


class SaleorReportedTransaction(Answer):
    id: str
    psp_reference: str


class SaleorChannelRef(Answer):
    id: str
    slug: str


class SaleorAllowUnpaid(Answer):
    fulfillment_allow_unpaid: bool


class OrderPayload(Payload):
    order: SaleorStatus | None


class OrderConfirmAnswer(Answer):
    order_confirm: OrderPayload | None


class OrderFulfillPayload(Payload):
    fulfillments: list[SaleorStatus] | None
    order: SaleorStatus | None


class OrderFulfillAnswer(Answer):
    order_fulfill: OrderFulfillPayload | None


class OrderFulfillmentCancelPayload(Payload):
    fulfillment: SaleorStatus | None


class OrderFulfillmentCancelAnswer(Answer):
    order_fulfillment_cancel: OrderFulfillmentCancelPayload | None


class OrderNoteAddPayload(Payload):
    event: SaleorRef | None


class OrderNoteAddAnswer(Answer):
    order_note_add: OrderNoteAddPayload | None


class PrivateMetadataUpdatePayload(Payload):
    item: SaleorTypename | None


class PrivateMetadataUpdateAnswer(Answer):
    update_private_metadata: PrivateMetadataUpdatePayload | None


class TransactionEventReportPayload(Payload):
    transaction: SaleorReportedTransaction | None


class TransactionEventReportAnswer(Answer):
    transaction_event_report: TransactionEventReportPayload | None


class TransactionCreatePayload(Payload):
    transaction: SaleorReportedTransaction | None


class TransactionCreateAnswer(Answer):
    transaction_create: TransactionCreatePayload | None


class TransactionRequestActionPayload(Payload):
    transaction: SaleorRef | None


class TransactionRequestActionAnswer(Answer):
    transaction_request_action: TransactionRequestActionPayload | None


class InvoiceCreatePayload(Payload):
    invoice: SaleorInvoice | None


class InvoiceCreateAnswer(Answer):
    invoice_create: InvoiceCreatePayload | None


class InvoiceUpdatePayload(Payload):
    invoice: SaleorInvoice | None


class InvoiceUpdateAnswer(Answer):
    invoice_update: InvoiceUpdatePayload | None


class CustomerCreatePayload(Payload):
    user: SaleorCustomer | None


class CustomerCreateAnswer(Answer):
    customer_create: CustomerCreatePayload | None


class SaleorCustomerType(Answer):
    """A kind of customer; Saleor has them from 3.23.26 on."""

    id: str


class SaleorCustomerTypeEdge(Answer):
    node: SaleorCustomerType


class SaleorCustomerTypes(Answer):
    edges: list[SaleorCustomerTypeEdge]


class CustomerTypesAnswer(Answer):
    """The type with the slug that was asked for, and the default one."""

    own: SaleorCustomerTypes | None
    standard: SaleorCustomerTypes | None


class SaleorTypedCustomer(Answer):
    id: str
    customer_type: SaleorCustomerType | None


class CustomerTypeOfAnswer(Answer):
    user: SaleorTypedCustomer | None


class CustomerTypeCreatePayload(Payload):
    customer_type: SaleorCustomerType | None


class CustomerTypeCreateAnswer(Answer):
    customer_type_create: CustomerTypeCreatePayload | None


class CustomerTypeAssignAnswer(Answer):
    customer_update: Payload | None


class AppProblemCreateAnswer(Answer):
    app_problem_create: Payload | None


class WebhookPayload(Payload):
    webhook: SaleorRef | None


class WebhookCreateAnswer(Answer):
    webhook_create: WebhookPayload | None


class WebhookUpdateAnswer(Answer):
    webhook_update: WebhookPayload | None


class WebhookDeleteAnswer(Answer):
    webhook_delete: WebhookPayload | None


class ChannelUpdatePayload(Payload):
    channel: SaleorChannelRef | None


class ChannelUpdateAnswer(Answer):
    channel_update: ChannelUpdatePayload | None


class ShopSettingsUpdatePayload(Payload):
    shop: SaleorAllowUnpaid | None


class ShopSettingsUpdateAnswer(Answer):
    shop_settings_update: ShopSettingsUpdatePayload | None


class TaxConfigurationUpdatePayload(Payload):
    tax_configuration: SaleorRef | None


class TaxConfigurationUpdateAnswer(Answer):
    tax_configuration_update: TaxConfigurationUpdatePayload | None


class TokenCreatePayload(Payload):
    token: str | None
    refresh_token: str | None


class TokenCreateAnswer(Answer):
    token_create: TokenCreatePayload | None


class TokenRefreshPayload(Payload):
    token: str | None


class TokenRefreshAnswer(Answer):
    token_refresh: TokenRefreshPayload | None

"""What the app asks of Saleor: one typed constant per document in `graphql/operations/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from app.saleor import answers
from app.saleor.answers import Answer
from app.saleor.resources import operation

T = TypeVar("T", bound=Answer)


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A query or mutation with the type of its answer.

    `payload` is the root field whose `errors` refuse a mutation. `repeatable` says whether sending it again after an answer was
    lost does no harm: queries, and mutations that set something to a value or that Saleor itself keys. The client never repeats
    others once Saleor may have carried them out; their callers look first and then act.
    """

    name: str
    answer: type[T]
    payload: str
    repeatable: bool = False

    @property
    def document(self) -> str:
        """The text of `graphql/operations/<name>.graphql`."""
        return operation(self.name)


APP_SELF = Operation("app_self", answers.AppSelfAnswer, "app", repeatable=True)
CUSTOMER = Operation("customer", answers.CustomerAnswer, "user", repeatable=True)
CUSTOMER_BY_EMAIL = Operation("customer_by_email", answers.CustomerByEmailAnswer, "user", repeatable=True)
CUSTOMER_TYPE_OF = Operation("customer_type_of", answers.CustomerTypeOfAnswer, "user", repeatable=True)
CUSTOMER_TYPES = Operation("customer_types", answers.CustomerTypesAnswer, "customerTypes", repeatable=True)
FLAT_RATES = Operation("flat_rates", answers.FlatRatesAnswer, "taxCountryConfigurations", repeatable=True)
INSTALLATION = Operation("installation", answers.InstallationAnswer, "shop", repeatable=True)
ORDER = Operation("order", answers.OrderAnswer, "order", repeatable=True)
ORDERS_CHANGED = Operation("orders_changed", answers.OrdersChangedAnswer, "orders", repeatable=True)
ORDERS_MONEY = Operation("orders_money", answers.OrdersMoneyAnswer, "orders", repeatable=True)
PRODUCT_PRICES = Operation("product_prices", answers.ProductPricesAnswer, "product", repeatable=True)
VARIANT_BY_SKU = Operation("variant_by_sku", answers.VariantBySkuAnswer, "productVariant", repeatable=True)
VARIANT_PRICE = Operation("variant_price", answers.VariantPriceAnswer, "productVariant", repeatable=True)
WAREHOUSES = Operation("warehouses", answers.WarehousesAnswer, "warehouses", repeatable=True)

CHANNEL_UPDATE = Operation("channel_update", answers.ChannelUpdateAnswer, "channelUpdate", repeatable=True)
CUSTOMER_TYPE_ASSIGN = Operation("customer_type_assign", answers.CustomerTypeAssignAnswer, "customerUpdate", repeatable=True)
PRIVATE_METADATA_UPDATE = Operation(
    "private_metadata_update", answers.PrivateMetadataUpdateAnswer, "updatePrivateMetadata", repeatable=True
)
SHOP_SETTINGS_UPDATE = Operation("shop_settings_update", answers.ShopSettingsUpdateAnswer, "shopSettingsUpdate", repeatable=True)
TAX_CONFIGURATION_UPDATE = Operation(
    "tax_configuration_update", answers.TaxConfigurationUpdateAnswer, "taxConfigurationUpdate", repeatable=True
)
# Saleor keys reports by psp reference and type, and problems by the key in their input.
TRANSACTION_EVENT_REPORT = Operation(
    "transaction_event_report", answers.TransactionEventReportAnswer, "transactionEventReport", repeatable=True
)
APP_PROBLEM_CREATE = Operation("app_problem_create", answers.AppProblemCreateAnswer, "appProblemCreate", repeatable=True)
INVOICE_UPDATE = Operation("invoice_update", answers.InvoiceUpdateAnswer, "invoiceUpdate", repeatable=True)
WEBHOOK_UPDATE = Operation("webhook_update", answers.WebhookUpdateAnswer, "webhookUpdate", repeatable=True)

CUSTOMER_CREATE = Operation("customer_create", answers.CustomerCreateAnswer, "customerCreate")
CUSTOMER_TYPE_CREATE = Operation("customer_type_create", answers.CustomerTypeCreateAnswer, "customerTypeCreate")
INVOICE_CREATE = Operation("invoice_create", answers.InvoiceCreateAnswer, "invoiceCreate")
ORDER_CONFIRM = Operation("order_confirm", answers.OrderConfirmAnswer, "orderConfirm")
ORDER_FULFILL = Operation("order_fulfill", answers.OrderFulfillAnswer, "orderFulfill")
ORDER_FULFILLMENT_CANCEL = Operation("order_fulfillment_cancel", answers.OrderFulfillmentCancelAnswer, "orderFulfillmentCancel")
ORDER_NOTE_ADD = Operation("order_note_add", answers.OrderNoteAddAnswer, "orderNoteAdd")
TOKEN_CREATE = Operation("token_create", answers.TokenCreateAnswer, "tokenCreate")
TOKEN_REFRESH = Operation("token_refresh", answers.TokenRefreshAnswer, "tokenRefresh", repeatable=True)
TRANSACTION_CREATE = Operation("transaction_create", answers.TransactionCreateAnswer, "transactionCreate")
TRANSACTION_REQUEST_ACTION = Operation(
    "transaction_request_action", answers.TransactionRequestActionAnswer, "transactionRequestAction"
)
WEBHOOK_CREATE = Operation("webhook_create", answers.WebhookCreateAnswer, "webhookCreate")
WEBHOOK_DELETE = Operation("webhook_delete", answers.WebhookDeleteAnswer, "webhookDelete")

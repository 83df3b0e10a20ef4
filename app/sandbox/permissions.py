"""Who may read or do what: the permissions Saleor's schema states per field, and a guard in front of each (edge cases of owners
are in the resolvers)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, default_field_resolver

from app.sandbox.context import Info, require

STAFF_OR_APP = ("AUTHENTICATED_STAFF_USER", "AUTHENTICATED_APP")
APP_OR_STAFF = ("AUTHENTICATED_APP", "AUTHENTICATED_STAFF_USER")
APP_OR_USER = ("AUTHENTICATED_APP", "AUTHENTICATED_USER")
ORDERS = ("MANAGE_ORDERS",)
PAYMENTS = ("HANDLE_PAYMENTS",)
APPS = ("MANAGE_APPS",)
USERS = ("MANAGE_USERS",)
TYPES = ("MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES",)

FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "Query": {
        "app": STAFF_OR_APP,
        "apps": ("AUTHENTICATED_STAFF_USER", "MANAGE_APPS"),
        "appsInstallations": APPS,
        "channels": APP_OR_STAFF,
        "customerTypes": (*STAFF_OR_APP, *TYPES, "MANAGE_USERS"),
        "customers": ("MANAGE_ORDERS", "MANAGE_USERS"),
        "orders": ORDERS,
        "taxConfigurations": STAFF_OR_APP,
        "taxCountryConfigurations": STAFF_OR_APP,
        "user": ("MANAGE_STAFF", "MANAGE_USERS", "MANAGE_ORDERS"),
        "warehouses": ("MANAGE_PRODUCTS", "MANAGE_ORDERS", "MANAGE_SHIPPING"),
    },
    "Mutation": {
        "appActivate": APPS,
        "appDeactivate": APPS,
        "appDelete": APPS,
        "appInstall": APPS,
        "appProblemCreate": ("AUTHENTICATED_APP",),
        "channelUpdate": ("MANAGE_CHANNELS",),
        "checkoutCustomerAttach": APP_OR_USER,
        "checkoutCustomerDetach": APP_OR_USER,
        "customerCreate": USERS,
        "customerDelete": USERS,
        "customerTypeCreate": TYPES,
        "customerUpdate": USERS,
        "invoiceCreate": ORDERS,
        "invoiceUpdate": ORDERS,
        "orderCancel": ORDERS,
        "orderConfirm": ORDERS,
        "orderFulfill": ORDERS,
        "orderFulfillmentApprove": ORDERS,
        "orderFulfillmentCancel": ORDERS,
        "orderMarkAsPaid": ORDERS,
        "orderNoteAdd": ORDERS,
        "orderUpdate": ORDERS,
        "shopSettingsUpdate": ("MANAGE_SETTINGS",),
        "taxConfigurationUpdate": ("MANAGE_TAXES",),
        "transactionCreate": PAYMENTS,
        "transactionEventReport": PAYMENTS,
        "transactionRequestAction": PAYMENTS,
        "webhookCreate": ("AUTHENTICATED_APP",),
        "webhookDelete": ("AUTHENTICATED_APP",),
        "webhookUpdate": ("AUTHENTICATED_APP",),
    },
    "App": {"tokens": APPS, "webhooks": ("MANAGE_APPS", "OWNER"), "problems": ("AUTHENTICATED_APP", "MANAGE_APPS")},
    "Channel": {
        "checkoutSettings": ("MANAGE_CHANNELS", "MANAGE_CHECKOUTS"),
        "currencyCode": APP_OR_STAFF,
        "defaultCountry": APP_OR_STAFF,
        "isActive": APP_OR_STAFF,
        "name": APP_OR_STAFF,
        "orderSettings": ("MANAGE_CHANNELS", "MANAGE_ORDERS"),
        "paymentSettings": ("MANAGE_CHANNELS", "HANDLE_PAYMENTS"),
        "taxConfiguration": STAFF_OR_APP,
        "warehouses": APP_OR_STAFF,
    },
    "Checkout": {
        "transactions": ("MANAGE_CHECKOUTS", "HANDLE_PAYMENTS"),
        "user": ("MANAGE_USERS", "HANDLE_PAYMENTS", "HANDLE_TAXES", "OWNER"),
    },
    "Order": {
        "events": ORDERS,
        "totalAuthorizePending": ORDERS,
        "totalChargePending": ORDERS,
        "transactions": ("MANAGE_ORDERS", "HANDLE_PAYMENTS"),
        "user": ("MANAGE_USERS", "MANAGE_ORDERS", "HANDLE_PAYMENTS", "HANDLE_TAXES", "OWNER"),
    },
    "Product": {"taxClass": STAFF_OR_APP},
    "ProductType": {"taxClass": STAFF_OR_APP},
    "ProductVariant": {"channelListings": APP_OR_STAFF},
    "Shop": {"version": STAFF_OR_APP},
    "User": {"customerType": ("MANAGE_USERS", "OWNER"), "orders": ("MANAGE_STAFF", "OWNER")},
}
"""Type -> field -> any one of these. OWNER is whoever `user` names, or the user or app itself."""


def guard(schema: GraphQLSchema) -> None:
    """Put every field of the table behind its permissions."""
    for name, fields in FIELDS.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field, permissions in fields.items():
            kind.fields[field].resolve = _guarded(kind.fields[field].resolve or default_field_resolver, permissions)


def _guarded(resolve: Callable[..., Any], permissions: tuple[str, ...]) -> Callable[..., Any]:
    @functools.wraps(resolve)
    async def answer(root: Any, info: Info, **arguments: Any) -> Any:
        owner = getattr(root, "user", root) if "OWNER" in permissions else None
        require(info, *permissions, owner=owner)
        found = resolve(root, info, **arguments)
        return await found if inspect.isawaitable(found) else found

    return answer

"""Accounts, addresses and apps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.sandbox.rows.base import Numbered, number


@dataclass(eq=False, kw_only=True)
class Address(Numbered):
    TYPE = "Address"
    first_name: str = ""
    last_name: str = ""
    company_name: str = ""
    street_address_1: str = ""
    street_address_2: str = ""
    city: str = ""
    city_area: str = ""
    postal_code: str = ""
    country: str = ""
    country_area: str = ""
    phone: str = ""

    def copy(self) -> Address:
        """The same address as a row of its own, metadata included (saleor-facts 7)."""
        return replace(self, pk=number(), metadata=dict(self.metadata), private_metadata={})


@dataclass(eq=False, kw_only=True)
class CustomerType(Numbered):
    TYPE = "CustomerType"
    name: str
    slug: str
    is_default: bool = False


@dataclass(eq=False, kw_only=True)
class User(Numbered):
    TYPE = "User"
    email: str
    password: str | None = None
    first_name: str = ""
    last_name: str = ""
    is_staff: bool = False
    is_active: bool = True
    is_confirmed: bool = True
    language_code: str = "EN"
    external_reference: str | None = None
    addresses: list[Address] = field(default_factory=list)
    permissions: set[str] = field(default_factory=set)
    customer_type: CustomerType | None = None
    """None is the shop's default."""
    jwt_token_key: str = field(default_factory=lambda: secrets.token_hex(6))


@dataclass(eq=False, kw_only=True)
class Webhook(Numbered):
    TYPE = "Webhook"
    name: str = ""
    identifier: str | None = None
    target_url: str = ""
    subscription_query: str = ""
    events: set[str] = field(default_factory=set)
    """Names in upper case, synchronous and asynchronous ones."""
    is_active: bool = True
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class AppProblem(Numbered):
    TYPE = "AppProblem"
    message: str
    key: str
    count: int = 1


@dataclass(eq=False, kw_only=True)
class AppExtension(Numbered):
    """Where the Dashboard offers a page of an app."""

    TYPE = "AppExtension"
    label: str
    mount: str
    target: str
    url: str
    permissions: set[str] = field(default_factory=set)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class App(Numbered):
    TYPE = "App"
    name: str
    identifier: str
    app_url: str = ""
    version: str = ""
    auth_token: str = field(default_factory=lambda: secrets.token_hex(15))
    """Exactly 30 characters: that is how Saleor tells app tokens from JWTs (saleor-facts 1)."""
    permissions: set[str] = field(default_factory=set)
    webhooks: list[Webhook] = field(default_factory=list)
    problems: list[AppProblem] = field(default_factory=list)
    extensions: list[AppExtension] = field(default_factory=list)
    is_active: bool = True
    removed: bool = False
    created: datetime


@dataclass(eq=False, kw_only=True)
class AppInstallation(Numbered):
    TYPE = "AppInstallation"
    app_name: str
    manifest_url: str
    permissions: set[str]
    activate: bool
    created_at: datetime
    updated_at: datetime
    status: str = "PENDING"
    message: str | None = None

"""The permissions of Saleor that pages ask for, named in both languages as the Dashboard names them."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A permission by its code in tokens."""

    ORDERS = "MANAGE_ORDERS"
    USERS = "MANAGE_USERS"
    PRODUCTS = "MANAGE_PRODUCTS"
    TAXES = "MANAGE_TAXES"
    APPS = "MANAGE_APPS"


NAMES: dict[str, tuple[str, str]] = {
    f"permission_{Permission.ORDERS}": ("Manage orders", "Bestellungen verwalten"),
    f"permission_{Permission.USERS}": ("Manage customers", "Kunden verwalten"),
    f"permission_{Permission.PRODUCTS}": ("Manage products", "Produkte verwalten"),
    f"permission_{Permission.TAXES}": ("Manage taxes", "Steuern verwalten"),
    f"permission_{Permission.APPS}": ("Manage apps", "Apps verwalten"),
}

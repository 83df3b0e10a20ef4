"""What the storefront API answers end customers: no field of any model here can hold money (`rules.md` 9)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class LicenseOut(Model):
    """A license as its end customer sees it: no money, ever."""

    id: str
    order_number: str = Field(examples=["1042"])
    ordered_on: date
    sku: str = Field(examples=["GRID-DEV"])
    name: str = Field(examples=["Grid Control"])
    quantity: int
    seats: int
    kind: str = Field(examples=["permanent"])
    state: str = Field(examples=["active"])
    issued_at: datetime
    expires_at: datetime | None
    file_name: str | None = Field(description="Null while the file is not handed out.", examples=["license-1042-GRID-DEV.lic"])
    href: str | None = Field(description="Where the file is; null while it is not handed out.")


class LicenseDetailOut(LicenseOut):
    activation: list[str] = Field(description="How the file is applied, a sentence per step, in the language asked for.")


class LicensesOut(Model):
    licenses: list[LicenseOut] = Field(description="The newest first.")
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class ClaimLineOut(Model):
    sku: str = Field(examples=["GRID-DEV"])
    name: str = Field(examples=["Grid Control"])
    quantity: int


class ClaimOut(Model):
    order_number: str = Field(examples=["1042"])
    licensee: str = Field(description="Whom the license is made out to.", examples=["Acme Inc"])
    lines: list[ClaimLineOut]
    expires_at: datetime = Field(description="Until when the link counts.")


class ClaimedOut(Model):
    order_number: str = Field(examples=["1042"])
    licenses: str = Field(description="Where the licenses are now.", examples=["/storefront/v1/licenses"])


Language = Literal["en", "de"]

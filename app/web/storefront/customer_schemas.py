"""What the storefront API answers end customers: no field of any model here can hold money (`rules.md` 9)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.web.storefront.schemas import Next

Language = Literal["en", "de"]
LICENSE_ID = "7a1e2f34-52b1-4c0e-8a77-5d3a9c1b2e60"
FILE_NAME = "license-1042-GRID-1.lic"


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class LicenseOut(Model):
    """A license as its end customer sees it, with the facts of its order: no money, ever."""

    id: str = Field(examples=[LICENSE_ID])
    order_number: str = Field(examples=["1042"])
    ordered_on: date = Field(examples=["2026-03-02"])
    sku: str = Field(examples=["GRID-1"])
    name: str = Field(examples=["Grid Control"])
    quantity: int = Field(examples=[2])
    seats: int = Field(examples=[2])
    kind: str = Field(examples=["permanent"])
    state: str = Field(examples=["active"])
    issued_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    expires_at: datetime | None = Field(examples=["2027-03-02T12:00:00Z"])
    file_name: str | None = Field(description="Null while the file is not handed out.", examples=[FILE_NAME])
    href: str | None = Field(description="Of the file.", examples=[f"/storefront/v1/licenses/{LICENSE_ID}/file"])


class LicenseDetailOut(LicenseOut):
    activation: list[str] = Field(
        description="How the file is applied, a sentence a step.", examples=[["Save the license file (.lic)."]]
    )


class LicensesOut(Model):
    licenses: list[LicenseOut] = Field(description="The newest first.")
    next: Next


class ClaimLineOut(Model):
    sku: str = Field(examples=["GRID-1"])
    name: str = Field(examples=["Grid Control"])
    quantity: int = Field(examples=[2])


class ClaimOut(Model):
    order_number: str = Field(examples=["1042"])
    licensee: str = Field(description="Whom the license is made out to.", examples=["Acme Inc"])
    lines: list[ClaimLineOut]
    expires_at: datetime = Field(description="Until when the link counts.", examples=["2026-04-01T12:00:00Z"])


class ClaimedOut(Model):
    order_number: str = Field(examples=["1042"])
    licenses: str = Field(description="Where the licenses are now.", examples=["/storefront/v1/licenses"])

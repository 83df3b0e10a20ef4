"""Every setting, typed and documented, read from `RESELLER_*` environment variables or a `.env` file.

`load()` reports all wrong settings at once, each with its variable's name. The numbers of the program (`rules.md`) have their
defaults here; a shop may override them in its own row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fsspec.registry import get_filesystem_class
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import InvalidInput

ORIGIN = r"https?://[a-z0-9.-]+(:[0-9]{1,5})?"
"""An exact origin as settings name it."""
COLOR = "^#[0-9a-fA-F]{6}$"
"""A color as settings name it, like #1f3a5f."""
LONGEST_TEXT = 500
"""Characters of a text that documents carry."""
UNKNOWN = "extra_forbidden"
"""The type of Pydantic's error for a key that a model does not have."""


class InterestRate(BaseModel):
    """The yearly rate in percent from a day on, until the next one; 0 charges none (`rules.md` 6)."""

    model_config = ConfigDict(extra="forbid")

    since: date
    percent: Decimal = Field(ge=0, le=100, decimal_places=4)


class ProgramNumbers(BaseModel):
    """The numbers of `rules.md`; every shop may set its own."""

    model_config = ConfigDict(extra="forbid")

    prepaid_orders: int = Field(3, ge=0, description="Orders a new reseller prepays (rules.md 5.1).")
    payment_days: int = Field(30, ge=0, le=365, description="Days to pay on account (rules.md 5.2).")
    on_account: bool = Field(True, description="Off: every order is prepaid (rules.md 5.2).")
    max_discount_percent: int = Field(10, ge=0, le=100, description="Cap of a price list (rules.md 2.2).")
    price_notice_days: int = Field(
        30, ge=0, le=365, description="Days resellers are told of a planned price change before it takes effect (rules.md 2.6)."
    )
    temporary_license_days: int = Field(30, ge=1, description="Life of a temporary license (rules.md 5.6).")
    policy_version: str = Field(
        "1", min_length=1, max_length=40, description="Reseller Policy in force until a text is published here (rules.md 1.3)."
    )
    policy_since: date | None = Field(None, description="Day that policy came into force; the grace period counts from it.")
    policy_grace_days: int = Field(30, ge=0, description="Days to accept a new policy version (rules.md 1.3).")
    reapply_days: int = Field(30, ge=0, description="Days a rejected company waits before it applies again (edge case 10).")
    invitation_days: int = Field(7, ge=1, le=90, description="Days in which an invited user can accept.")
    listing_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days after its first acceptance of the policy in which a reseller must name a page that lists the products "
        "(rules.md 1.4); then it is a task of staff. 0: nobody is asked for one.",
    )
    listing_check_days: int = Field(7, ge=1, le=365, description="Days between two checks of a reseller's product listing.")
    listing_words: list[str] = Field(
        default_factory=list,
        description="A listing must hold one of these, like the vendor's name, in any case; without any it must answer only.",
    )
    refuse_vouchers: bool = Field(
        True,
        description="Refuse a reseller's checkout with a voucher code (edge case 14); off: the lower price holds (rules.md 2.3).",
    )
    temporary_for_held: bool = Field(False, description="Temporary licenses for held orders too (edge case 85).")
    claim_days: int = Field(30, ge=1, le=365, description="Days a link to claim a license counts (rules.md 8.2).")
    certificate_day_of_state: bool = Field(
        True, description="Certificates and rates count by the day it is in the reseller's state; off: by the vendor's (case 36)."
    )
    certificate_review_days: int = Field(
        1095, ge=1, description="Days after which staff look again at an approved certificate without an end (edge case 37)."
    )
    rate_table_days: int = Field(
        100, ge=1, description="Days after its import at which a rate table is called old; it still counts (edge case 42)."
    )
    fee_tolerance_minor: int = Field(0, ge=0, description="Bank fees a wire may be short by, in minor units (rules.md 4.3).")
    fee_tolerance_year_minor: int = Field(
        10_000,
        ge=0,
        description="Bank charges of one reseller in one currency and year at most, in minor units (rules.md 4.3).",
    )
    book_surplus: bool = Field(
        False,
        description="Book a wire above its order by itself, the rest as unallocated credit; off: staff accept it.",
    )
    learn_payers: bool = Field(True, description="Propose payers whom staff matched by hand, for a second person to confirm.")
    other_payer_limit_minor: int | None = Field(
        None,
        ge=0,
        description="Hold an order of which somebody else paid more than this (edge case 47); unset: never.",
    )
    interest_rates: list[InterestRate] = Field(
        default_factory=list, description="Yearly interest on what is overdue, each rate from its day on (rules.md 6)."
    )
    interest_day_count: Literal["act/365", "act/360", "30/360"] = Field(
        "act/365", description="How days become a part of a year (rules.md 6)."
    )
    nil_statements: bool = Field(False, description="Send a statement to resellers that owe nothing, too (edge case 73).")
    reminder_days: list[int] = Field(
        default_factory=lambda: [-3, 0, 7, 14],
        max_length=10,
        description="Days after the due date of each reminder, negative before it; empty sends none (rules.md 6).",
    )
    reminder_quiet_from: int = Field(18, ge=0, le=23, description="Hour in the vendor's zone from which no reminder goes out.")
    reminder_quiet_until: int = Field(8, ge=0, le=23, description="Hour until which none goes out; the same: no quiet hours.")
    value_date_counts: bool = Field(
        True, description="Money counts from the bank's value date (edge case 71); off: from the day it was booked."
    )


class Seller(BaseModel):
    """The vendor as its documents name it."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = Field("US", pattern="^[A-Z]{2}$", description="ISO 3166-1 code.")
    email: str = ""
    website: str = ""
    tax_number: str = Field("", description="VAT or tax id printed on invoices.")


class Texts(BaseModel):
    """A text in both languages of the program; where one is empty the other stands for it."""

    model_config = ConfigDict(extra="forbid")

    en: str = Field("", max_length=LONGEST_TEXT)
    de: str = Field("", max_length=LONGEST_TEXT)

    def of(self, language: str) -> str:
        """The text in this language, or in the other one."""
        return (self.de or self.en) if language == "de" else (self.en or self.de)


class DocumentSettings(BaseModel):
    """How the vendor's invoices, proformas and credit notes look and what they carry."""

    model_config = ConfigDict(extra="forbid")

    e_invoice: bool = Field(
        False, description="Put the XML of EN 16931 into invoices and credit notes (Factur-X/ZUGFeRD, profile EN 16931)."
    )
    logo: str = Field(
        "", max_length=400_000, description="The logo in Base64; set it with `reseller shop logo FILE`, which checks the picture."
    )
    accent_color: str = Field("#1f3a5f", pattern=COLOR, description="Color of titles and rules.")
    footer: Texts = Field(default_factory=Texts, description="Below the seller on every page, like register and directors.")
    reverse_charge: Texts = Field(
        default_factory=Texts,
        description="Text on untaxed invoices from one EU country to a VAT id in another, like 'Reverse charge'; or none.",
    )
    link_days: int = Field(90, ge=1, le=3650, description="Days a signed link to a document counts.")


class BankAccountSettings(BaseModel):
    """An account resellers pay to; checked by `documents.bank_details.BankAccount.of` where it is set."""

    model_config = ConfigDict(extra="forbid")

    currency: str = Field(pattern="^[A-Z]{3}$")
    channel: str = Field("", description="Channel slug; empty serves every channel of this currency.")
    beneficiary: str
    iban: str = ""
    bic: str = ""
    routing_number: str = ""
    account_number: str = ""
    bank_name: str = ""


class ShopSettings(BaseModel):
    """What a vendor sets per shop; the installation's values are the default of every shop (`reseller shop set`)."""

    model_config = ConfigDict(extra="forbid")

    program: ProgramNumbers = Field(default_factory=ProgramNumbers)
    seller: Seller = Field(default_factory=Seller)
    documents: DocumentSettings = Field(default_factory=DocumentSettings)
    bank_accounts: list[BankAccountSettings] = Field(default_factory=list)
    reseller_only_channels: list[str] = Field(
        default_factory=list, description="Channels that sell to active resellers only; all others are shared (saleor-facts 0.4)."
    )
    confirm_other_orders: bool = Field(
        True,
        description="Confirm the paid orders of ordinary customers, as Saleor's own automatic confirmation would, which must be "
        "off for the audit; switch this off where staff confirm by hand.",
    )
    account_redirect_url: str = Field(
        "", description="Storefront page of the set-your-password mail to new end customers; empty sends none (saleor-facts 0.7)."
    )
    invitation_url: str = Field(
        "",
        description="Page of the storefront that takes invitations of users; it gets `?token=...`. Empty takes the app's portal.",
    )
    claim_url: str = Field(
        "",
        description="Storefront page that a link to claim a license opens, with {token} in it, like "
        "https://shop.example.com/claim/{token}; empty opens the app's own portal.",
    )
    forum_url: str = Field(
        "", description="Where support requests are led to (rules.md 11.2), like https://forum.example.com; empty offers none."
    )
    storefront_origins: list[str] = Field(
        default_factory=list,
        description="Exact origins, like https://shop.example.com, whose pages may call the storefront API from a browser.",
    )
    dashboard_origins: list[str] = Field(
        default_factory=list,
        description="Exact origins of the shop's Dashboard, like https://dashboard.example.com: nobody else may show the staff's "
        "pages in a frame. The first sign-in of staff there sets it; change it when the Dashboard moves.",
    )
    storefront_audience: str = Field(
        "", description="Audience the storefront asks tokens for (tokenCreate); empty accepts only tokens made for nobody else."
    )
    portal_host: str = Field(
        "",
        pattern=r"^([a-z0-9.-]+(:[0-9]{1,5})?)?$",
        description="Host, like partners.example.com, under which `/portal` is this shop's; needed only beside other shops.",
    )
    storefront_requests_per_minute: int = Field(120, ge=1, description="Requests one user may make to the storefront API.")
    time_zone: str = Field("UTC", description="The vendor's zone: order dates, midnights, the 1st of the month.")

    @field_validator("storefront_origins", "dashboard_origins")
    @classmethod
    def _exact_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if not re.fullmatch(ORIGIN, origin):
                raise ValueError(f"{origin!r} is not an exact origin like https://shop.example.com")
        return value

    @field_validator("forum_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("give a web address like https://forum.example.com")
        return value

    @field_validator("claim_url")
    @classmethod
    def _page_with_token(cls, value: str) -> str:
        if value and (not value.startswith(("http://", "https://")) or value.count("{token}") != 1):
            raise ValueError("give a page with {token} in it once, like https://shop.example.com/claim/{token}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone like Europe/Berlin") from None
        return value


class Settings(BaseSettings):
    """The installation's settings. Lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="RESELLER_", env_file=".env", extra="ignore", env_nested_delimiter="__")

    database_url: str = Field("sqlite+aiosqlite:///reseller.db", description="SQLAlchemy URL; postgresql+psycopg in production.")
    base_url: str = Field(
        "", description="Where Saleor and browsers reach this app; https in production. What tells Saleor of it refuses without."
    )
    secret_keys: Annotated[list[str], NoDecode] = Field(
        description="Passphrases that seal secrets at rest, the newest first; older ones stay until rotated."
    )
    allowed_shops: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="Saleor API URLs that may install the app; none means no installation is accepted."
    )
    allow_private_addresses: bool = Field(False, description="Accept shops on private or loopback addresses.")
    customer_types: bool = Field(
        True,
        description="Ask a Saleor that has customer types for the permission to create the one of resellers. On Saleor 3.23 that "
        "takes 3.23.26 or newer; off, it installs on an older 3.23, too, and a type with the slug `reseller` is made by hand.",
    )
    worker_id: str = Field(
        "worker-1", description="A worker's own stable name: what it left behind goes on when it starts again."
    )
    saleor_timeout: float = Field(10.0, gt=0, description="Seconds one request to Saleor may take.")
    max_body_bytes: int = Field(2 * 1024 * 1024, gt=0, description="Largest webhook body; above it the answer is 413.")
    smtp_url: str = Field("", description="smtp://user:password@host:587 or smtps://...; empty writes mail to mail_directory.")
    smtp_starttls: Literal["auto", "required", "off"] = Field(
        "auto",
        description="STARTTLS of smtp://: auto takes it where it is offered and requires it before a password goes to another "
        "machine.",
    )
    mail_tls_verify: bool = Field(True, description="Check the certificates of the mail servers; off only for tests.")
    mail_ca_file: str = Field(
        "", description="PEM file of authorities that vouch for the mail servers; empty takes the system's."
    )
    mail_directory: str = Field("var/mail", description="Where mails go while no SMTP server is set.")
    mail_from: str = Field("Reseller Program <resellers@localhost>", description="Sender of every mail.")
    imap_url: str = Field(
        "",
        description="Mailbox that answers and bounces come to: imaps://user:password@host/INBOX, or imap:// with STARTTLS; it is "
        "only read. Empty reads none.",
    )
    inbound_secret: str = Field("", description="Secret that signs mails posted to /mail/inbound; empty takes none.")
    max_inbound_bytes: int = Field(
        25 * 1024 * 1024, gt=0, description="Largest mail that is kept whole; of a larger one the headers are kept."
    )
    inbound_per_hour: int = Field(
        30, ge=1, description="Mails of one sender in an hour; of more, which is a loop, only the headers are kept."
    )
    files_url: str = Field(
        "var/files",
        description="Where uploaded files lie: a directory no web server shows, or a URL like s3://bucket/folder (with "
        "the extra `s3`; endpoint and keys come from FSSPEC_S3_ENDPOINT_URL, FSSPEC_S3_KEY and FSSPEC_S3_SECRET, or AWS's own).",
    )
    max_upload_bytes: int = Field(10 * 1024 * 1024, gt=0, description="Largest file that may be uploaded.")
    max_bank_file_bytes: int = Field(
        200 * 1024 * 1024, gt=0, description="Largest bank file that a page takes; it is never in memory as a whole."
    )
    purge_removed_after_days: int = Field(
        0, ge=0, description="Days after the app was deleted in a shop at which all its data goes for good; 0 keeps it for ever."
    )
    workflow_days: int = Field(
        30, ge=1, description="Days that finished durable work is kept; its steps hold whole orders with addresses."
    )
    abandoned_days: int = Field(
        180,
        ge=90,
        description="Days after which what never became an order goes: payment sessions of carts left behind, links to claim a "
        "license that were withdrawn.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What serve and worker log at least.")
    metrics_token: str = Field(
        "", description="`/metrics` on the app's own port answers who sends it as a bearer token; empty: it is not there."
    )
    operations_port: int = Field(
        0, ge=0, le=65535, description="Port for /health, /ready and /metrics without a token, for web and worker; 0 opens none."
    )
    operations_host: str = Field("127.0.0.1", description="Address of that port; 0.0.0.0 in a container that no router exposes.")
    otlp_endpoint: str = Field(
        "", description="OpenTelemetry collector (OTLP over HTTP), like http://collector:4318; extra `otel`."
    )
    sentry_dsn: str = Field("", description="Where errors are sent, without personal data; extra `sentry`.")
    environment: str = Field("production", description="Name of this installation in Sentry.")
    shop: ShopSettings = Field(default_factory=ShopSettings, description="Defaults of every shop; each may set its own.")

    @field_validator("secret_keys", "allowed_shops", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: list[str]) -> list[str]:
        if not value or any(len(key) < 16 for key in value):
            raise ValueError("each key needs at least 16 characters")
        return value

    @field_validator("base_url")
    @classmethod
    def _bare_origin(cls, value: str) -> str:
        if value and (not value.startswith(("http://", "https://")) or value.rstrip("/").count("/") != 2):
            raise ValueError("give the bare origin, like https://resellers.example.com")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("give smtp://user:password@host:587 or smtps://user:password@host, with a host and no other scheme")
        return value

    @field_validator("imap_url")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("imap", "imaps") and bool(parts.hostname and parts.username) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("give imaps://user:password@host/INBOX, with a host and a user; @ within a password is %40")
        return value

    @field_validator("inbound_secret")
    @classmethod
    def _long_secret(cls, value: str) -> str:
        if value and len(value) < 16:
            raise ValueError("give at least 16 characters")
        return value

    @field_validator("files_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        protocol = value.partition("://")[0] if "://" in value else "file"
        try:
            get_filesystem_class(protocol)
        except (ValueError, ImportError) as error:
            raise ValueError(f"{protocol}:// cannot be used: {error}") from error
        if not value.removeprefix(f"{protocol}://").strip("/"):
            raise ValueError("give a directory, or a bucket with a folder like s3://bucket/folder")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_driver(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite://", "postgresql+psycopg://")):
            raise ValueError("use sqlite+aiosqlite:///file or postgresql+psycopg://user:password@host/name")
        return value


def unknown_key(root: type[BaseModel], path: Sequence[str | int]) -> str:
    """The sentence for a key that the settings below `root` do not know: where it stands and the nearest one that is known."""
    known = list(_model(root, path[:-1]).model_fields)
    near = get_close_matches(str(path[-1]), known, 1)
    place = ".".join(str(part) for part in path[:-1])
    dot = "." if place else ""
    way_out = f"did you mean {place}{dot}{near[0]}?" if near else f"known are: {', '.join(known)}."
    return f"{place}{dot}{path[-1]}: there is no such setting; {way_out}"


def kind_of(root: type[BaseModel], path: Sequence[str]) -> Any:
    """The type of one setting by its path. Raises InvalidInput for a path that no setting has."""
    kind: Any = root
    for depth, name in enumerate(path):
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise InvalidInput(f"{'.'.join(path[:depth])} has no parts of its own; set it as a whole.", code="setting")
        if name not in kind.model_fields:
            raise InvalidInput(unknown_key(root, path[: depth + 1]), code="setting")
        kind = kind.model_fields[name].annotation
    return kind


def _model(root: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    kind: Any = root
    for part in path:
        # A number is a place in a list of models.
        kind = get_args(kind)[0] if isinstance(part, int) else kind.model_fields[part].annotation
    model: type[BaseModel] = kind
    return model


def need_base_url(settings: Settings) -> str:
    """The app's own address, for what tells Saleor of it. Raises InvalidInput where it is not set."""
    if not settings.base_url:
        raise InvalidInput(
            "RESELLER_BASE_URL is not set; give the address where Saleor reaches this app, like https://resellers.example.com.",
            code="base_url",
        )
    return settings.base_url


def load(**overrides: object) -> Settings:
    """The settings in force. Raises InvalidInput that names every wrong variable at once."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"RESELLER_{'__'.join(str(part) for part in problem['loc']).upper()}: "
            + (
                unknown_key(Settings, problem["loc"])
                if problem["type"] == UNKNOWN
                else problem["msg"].removeprefix("Value error, ")
            )
            for problem in error.errors()
        ]
        raise InvalidInput("These settings are wrong:\n" + "\n".join(lines), code="settings") from error

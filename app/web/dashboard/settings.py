"""Settings: the numbers of the program, the seller and its accounts, license keys, and the versions of the policy."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import date
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from fastapi import APIRouter
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sqlalchemy import func, select
from starlette.responses import Response

from app.documents.logo import MAX_BYTES, checked_logo, logo_png
from app.errors import InvalidInput, NotFound
from app.licenses.service import rotate_key
from app.licenses.tables import License, LicenseKey
from app.orders import shop_settings
from app.orders.shop_settings import Own, SettingsChanged, WrongSettings
from app.resellers import policy
from app.settings import COLOR, LONGEST_TEXT, DocumentSettings, InterestRate, ProgramNumbers, Seller, ShopSettings, Texts
from app.web.dashboard import mail_settings
from app.web.dashboard.pages import Page
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import AppStaff, Posted, Visit, a_day
from app.web.forms import Form, uploaded

router = APIRouter()
router.include_router(mail_settings.router)
GROUPS = {
    "terms": ("prepaid_orders", "payment_days", "on_account", "temporary_license_days", "temporary_for_held", "claim_days"),
    "prices": ("max_discount_percent", "price_notice_days", "refuse_vouchers"),
    "people": (
        "policy_version",
        "policy_since",
        "policy_grace_days",
        "reapply_days",
        "invitation_days",
        "listing_days",
        "listing_check_days",
        "listing_words",
    ),
    "tax": ("certificate_day_of_state", "certificate_review_days", "rate_table_days"),
    "money": (
        "fee_tolerance_minor",
        "fee_tolerance_year_minor",
        "book_surplus",
        "learn_payers",
        "other_payer_limit_minor",
        "value_date_counts",
    ),
    "interest": (
        "interest_rates",
        "interest_day_count",
        "nil_statements",
        "reminder_days",
        "reminder_quiet_from",
        "reminder_quiet_until",
    ),
}
"""The program's numbers as people look for them; what is in none of them stands last."""
ACCOUNT = ("currency", "channel", "beneficiary", "iban", "bic", "routing_number", "account_number", "bank_name")


@router.get("/settings")
async def program(staff: AppStaff) -> Response:
    """The program's numbers."""
    settings = await shop_settings.current(staff.services, staff.shop)
    named = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in ProgramNumbers.model_fields if name not in named)
    groups = {group: [_shown(settings.program, name) for name in names] for group, names in {**GROUPS, "other": rest}.items()}
    return staff.page("settings.html", tab="program", groups=groups, mark=shop_settings.mark(settings, "program"))


@router.post("/settings/program")
async def set_program(staff: AppStaff, form: Posted) -> Response:
    """All numbers of the program at once; one that cannot be is told at its field."""
    return await _set(staff, form, "program", ProgramNumbers)


@router.get("/settings/seller")
async def seller(staff: AppStaff) -> Response:
    """The vendor as its documents name it."""
    settings = await shop_settings.current(staff.services, staff.shop)
    fields = [_shown(settings.seller, name) for name in Seller.model_fields]
    mark = shop_settings.mark(settings, "seller")
    return staff.page("settings_seller.html", tab="seller", fields=fields, mark=mark)


@router.post("/settings/seller")
async def set_seller(staff: AppStaff, form: Posted) -> Response:
    """The vendor's name, address and numbers."""
    return await _set(staff, form, "seller", Seller)


@router.get("/settings/documents")
async def documents(staff: AppStaff) -> Response:
    """How invoices, statements and mails look, what stands on them, and the logo."""
    settings = await shop_settings.current(staff.services, staff.shop)
    fields = [_shown(settings.documents, name) for name in DocumentSettings.model_fields if name != "logo"]
    mark = shop_settings.mark(settings, "documents")
    picture = logo_png(settings.documents.logo)[0]
    shown = f"data:image/png;base64,{b64encode(picture).decode()}" if picture else ""
    return staff.page("settings_documents.html", tab="documents", fields=fields, mark=mark, logo=shown, limit=MAX_BYTES)


@router.post("/settings/documents")
async def set_documents(staff: AppStaff, form: Posted) -> Response:
    """Color, footer, the text of reverse charge, e-invoices and links."""
    return await _set(staff, form, "documents", DocumentSettings)


@router.post("/settings/logo")
async def logo(staff: AppStaff, form: Posted) -> Response:
    """A logo that documents can print, or none."""
    kept = ""
    if form["do"] != "remove":
        kept = checked_logo((await uploaded(form, MAX_BYTES, "a PNG, JPEG or SVG picture")).content)

    def put(own: Own, before: ShopSettings) -> None:
        own["documents"] = {**own.get("documents", {}), "logo": kept}

    await shop_settings.change(staff.services, staff.shop, put)
    return staff.go("/settings/documents", "settings_stored")


@router.get("/settings/accounts")
async def accounts(staff: AppStaff) -> Response:
    """The accounts that resellers pay to."""
    settings = await shop_settings.current(staff.services, staff.shop)
    rows = sorted(settings.bank_accounts, key=lambda one: (one.currency, one.channel))
    return staff.page("settings_accounts.html", tab="accounts", rows=rows, account=ACCOUNT)


@router.post("/settings/accounts")
async def set_account(staff: AppStaff, form: Posted) -> Response:
    """Set or take away the account of a currency and channel."""
    given = {name: form[name].strip() for name in ACCOUNT}
    given["currency"] = given["currency"].upper()

    def put(own: Own, before: ShopSettings) -> None:
        if form["do"] != "remove":
            shop_settings.put_account(own, before, given)
            return
        place = (given["currency"], given["channel"])
        if all((one.currency, one.channel) != place for one in before.bank_accounts):
            raise NotFound("Somebody else took this account away already.", code="no_account")
        shop_settings.drop_account(own, before, place)

    await shop_settings.change(staff.services, staff.shop, put)
    return staff.go("/settings/accounts", "settings_stored")


@router.get("/settings/keys")
async def keys(staff: AppStaff) -> Response:
    """The keys that sign licenses."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows = list(await session.scalars(select(LicenseKey).order_by(LicenseKey.created_at.desc())))
        signed = select(License.kid, func.count()).group_by(License.kid)
        counts = dict((await session.execute(signed)).all())
    return staff.page("settings_keys.html", tab="keys", rows=rows, counts=counts)


@router.post("/settings/keys")
async def rotate(staff: AppStaff, form: Posted) -> Response:
    """Sign with a new key from now on; of two people at once only the first makes one."""
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        active = await session.scalar(select(LicenseKey.kid).where(LicenseKey.retired_at.is_(None)).with_for_update())
        if (active or "") != form["kid"]:
            raise InvalidInput("kid: somebody else made a new key already; look at it first.", code="key_changed")
        key = await rotate_key(session, staff.services.box, at=staff.services.clock())
        kid = key.kid
    return staff.go("/settings/keys", "key_rotated", kid=kid)


@router.get("/settings/policy")
async def policies(staff: AppStaff) -> Response:
    """The versions of the Reseller Policy, and which one is in force."""
    today = staff.services.today(staff.shop)
    settings = await shop_settings.current(staff.services, staff.shop)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        rows = await policy.versions(session)
        now = await policy.in_force(session, settings, today)
    return staff.page("settings_policy.html", tab="policy", rows=rows, now=now, today=today)


@router.get("/settings/policy/{version}")
async def policy_text(staff: AppStaff, version: str) -> Response:
    """One version's texts."""
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        row = await policy.find_version(session, version)
    return staff.page("settings_policy_text.html", tab="policy", row=row)


@router.post("/settings/policy")
async def publish(staff: AppStaff, form: Posted) -> Response:
    """Publish a version in both languages; what was published never changes."""
    day = a_day(form, "in_force_from")
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        await policy.publish(session, form["version"], form["text_en"], form["text_de"], day, staff.services.clock())
    return staff.go("/settings/policy", "policy_published")


async def _set(staff: Visit, form: Form, part: str, model: type[BaseModel]) -> Response:
    """Store a part of the settings from a form with one field for each of its own."""
    given = form.prefixed(f"{part}.")
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = _kind(field)
        if kind == "texts":
            values[name] = {language: given.get(f"{name}.{language}", "").strip() for language in Texts.model_fields}
        elif name in given or kind == "bool":
            try:
                values[name] = _read(field, given.get(name, ""))
            except ValueError as error:
                wrong[f"{part}.{name}"] = str(error)

    def put(own: Own, before: ShopSettings) -> None:
        old = getattr(before, part).model_dump(mode="json")
        changed = {name: value for name, value in values.items() if value != old[name]}
        own[part] = {**own.get(part, {}), **changed}

    try:
        if wrong:
            raise WrongSettings(wrong)
        await shop_settings.change(staff.services, staff.shop, put, (part, form["mark"]))
    except WrongSettings as error:
        places = {path.split(".")[1]: words for path, words in error.places.items() if path.startswith(f"{part}.")}
        fields = list(model.model_fields)
        return staff.page("settings_wrong.html", status=error.status, error=error, part=part, places=places, fields=fields)
    except SettingsChanged as error:
        now = getattr(error.now, part)
        both = [(name, given[name], _text(getattr(now, name))) for name in model.model_fields if name in given]
        both += [
            (name, " / ".join(filter(None, values[name].values())), _text(getattr(now, name)))
            for name, field in model.model_fields.items()
            if _kind(field) == "texts"
        ]
        return staff.page("settings_conflict.html", status=409, part=part, both=[one for one in both if one[1] != one[2]])
    return staff.go("/settings" if part == "program" else f"/settings/{part}", "settings_stored")


def _shown(model: BaseModel, name: str) -> Mapping[str, Any]:
    """A field as the form shows it."""
    field = type(model).model_fields[name]
    limits = {type(limit): limit for limit in field.metadata}
    low, high = limits.get(Ge), limits.get(Le)
    options = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return {
        "name": name,
        "kind": _kind(field),
        "value": _text(getattr(model, name)),
        "texts": getattr(model, name).model_dump() if _kind(field) == "texts" else {},
        "longest": LONGEST_TEXT,
        "min": low.ge if isinstance(low, Ge) else None,
        "max": high.le if isinstance(high, Le) else None,
        "options": options,
    }


def _kind(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return "choice"
    if get_origin(kind) is UnionType:
        kind = next(one for one in get_args(kind) if one is not type(None))
    if kind == list[InterestRate]:
        return "rates"
    if kind is Texts:
        return "texts"
    if any(getattr(limit, "pattern", "") == COLOR for limit in field.metadata):
        return "color"
    plain: dict[Any, str] = {bool: "bool", int: "int", date: "date"}
    return plain.get(kind, "lines" if get_origin(kind) is list else "text")


def _text(value: Any) -> str:
    """A value as its field holds it."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ", ".join(
            f"{one.since} {one.percent.normalize():f}" if isinstance(one, InterestRate) else str(one) for one in value
        )
    if isinstance(value, Texts):
        return " / ".join(filter(None, value.model_dump().values()))
    return "" if value is None else str(value)


def _read(field: FieldInfo, text: str) -> Any:
    """What a field of a form says, for the settings to check. Raises ValueError with a sentence."""
    text, kind = text.strip(), _kind(field)
    if kind == "bool":
        return text == "yes"
    if kind in ("int", "date") and not text and get_origin(field.annotation) is UnionType:
        return None
    if kind == "int":
        if not text.removeprefix("-").isdecimal() or len(text) > 15:
            raise ValueError("give a whole number")
        return int(text)
    parts = [one.strip() for one in text.split(",") if one.strip()]
    if kind == "lines":
        if field.annotation == list[int]:
            if not all(one.removeprefix("-").isdecimal() and len(one) < 10 for one in parts):
                raise ValueError("give whole numbers with commas between them")
            return [int(one) for one in parts]
        return parts
    if kind == "rates":
        pairs = [one.split() for one in parts]
        if not all(len(pair) == 2 for pair in pairs):
            raise ValueError("give a day and a percentage for each, like 2026-01-01 8.5")
        return [{"since": day, "percent": percent} for day, percent in pairs]
    return text


PAGE = Page("/settings", "nav_settings", Permission.APPS, router, uploads=("/settings/logo",))

"""The checks of an installation one by one, and their repair against a shop that remembers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, cast

import httpx
import pytest
import respx
from graphql import build_schema, parse
from graphql.execution.values import get_variable_values
from sqlalchemy import update

from app.db.jobs import Jobs
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.orders.customer_types import CustomerTypes
from app.orders.doctor import Repair, examine, fix
from app.orders.installation import Facts, Finding, Severity, channel_patch, findings, tax_patch
from app.orders.services import Services
from app.orders.snapshot import Programs
from app.saleor.answers import AppSelfAnswer, FlatRatesAnswer, InstallationAnswer
from app.saleor.manifest import render
from app.saleor.resources import ROOT, manifest_source, operation
from app.saleor.shops import Shop, Shops
from app.settings import BankAccountSettings, Seller, Settings, ShopSettings
from app.tax.rules import Registration, StateRate, TaxProgram
from tests.conftest import NOW
from tests.saleor.keys import jwk

BASE = "https://resellers.example"
API = "http://shop.example/graphql/"
KEYS = "http://shop.example/.well-known/jwks.json"
TODAY = date(2026, 3, 2)
SCHEMAS = sorted((ROOT.parent / "shared" / "saleor").glob("schema-*.graphql"))


def app_answer(**changed: Any) -> dict[str, Any]:
    app = {
        "id": "QXBwOjE=",
        "identifier": "reseller.program",
        "name": "Reseller Program",
        "isActive": True,
        "permissions": [{"code": name} for name in manifest_source()["permissions"]],
        "webhooks": [
            {
                "id": entry["name"],
                "name": entry["name"],
                "isActive": True,
                "targetUrl": entry["targetUrl"],
                "subscriptionQuery": entry["query"],
                "syncEvents": [{"eventType": event} for event in entry.get("syncEvents", ())],
                "asyncEvents": [{"eventType": event} for event in entry.get("asyncEvents", ())],
            }
            for entry in render(BASE, "3.23.28")["webhooks"]
        ],
    } | changed
    return {"app": app, "shop": {"version": "3.23.28", "domain": {"host": "shop.example", "url": "http://shop.example/"}}}


def channel_answer(slug: str = "default-channel", **changed: Any) -> dict[str, Any]:
    return {
        "id": f"C-{slug}",
        "slug": slug,
        "isActive": True,
        "currencyCode": "USD",
        "orderSettings": {
            "automaticallyConfirmAllNewOrders": False,
            "allowUnpaidOrders": False,
            "markAsPaidStrategy": "TRANSACTION_FLOW",
        },
        "checkoutSettings": {"automaticallyCompleteFullyPaidCheckouts": False},
        "paymentSettings": {"defaultTransactionFlowStrategy": "CHARGE", "releaseFundsForExpiredCheckouts": False},
        "taxConfiguration": {
            "id": f"T-{slug}",
            "chargeTaxes": True,
            "taxCalculationStrategy": "TAX_APP",
            "displayGrossPrices": False,
            "pricesEnteredWithTax": False,
            "taxAppId": "reseller.program",
            "countries": [],
        },
    } | changed


def taxes(**changed: Any) -> dict[str, Any]:
    return {"taxConfiguration": channel_answer()["taxConfiguration"] | changed}


def country(code: str, strategy: str | None, *, charge: bool = True) -> dict[str, Any]:
    return {"country": {"code": code}, "chargeTaxes": charge, "taxCalculationStrategy": strategy}


def installation(*channels: dict[str, Any], allow_unpaid: bool = False) -> InstallationAnswer:
    return InstallationAnswer.model_validate(
        {
            "shop": {"version": "3.23.28", "fulfillmentAutoApprove": True, "fulfillmentAllowUnpaid": allow_unpaid},
            "channels": list(channels or (channel_answer(),)),
        }
    )


def flat(rate: str = "5") -> dict[str, Any]:
    return {"taxCountryConfigurations": [{"country": {"code": "US"}, "taxClassCountryRates": [{"rate": rate, "taxClass": None}]}]}


ACCOUNT = BankAccountSettings(
    currency="USD", beneficiary="Components Inc", routing_number="021000021", account_number="123456789"
)
GOOD = Facts(
    api_url=API,
    base_url=BASE,
    settings=ShopSettings(
        seller=Seller(name="Components Inc"), bank_accounts=[ACCOUNT], account_redirect_url="http://shop.example/password"
    ),
    today=TODAY,
    app=AppSelfAnswer.model_validate(app_answer()),
    installation=installation(),
    flat_rates=FlatRatesAnswer.model_validate(flat()),
    stored_keys={"keys": [jwk("one")]},
    published_keys={"keys": [jwk("one")]},
    skew=timedelta(seconds=1),
    tax=TaxProgram.of(
        [Registration("TX", date(2020, 1, 1))],
        [StateRate("TX", Decimal("8.25"), "2026-01", date(2026, 1, 1))],
        {("US", None): Decimal("5.0000")},
    ),
    rates_imported=TODAY,
)


def bad(facts: Facts) -> list[Finding]:
    return [finding for finding in findings(facts) if finding.severity is not Severity.OK]


def one(facts: Facts) -> Finding:
    (finding,) = bad(facts)
    return finding


def test_a_good_installation_names_every_check() -> None:
    found = findings(GOOD)
    assert bad(GOOD) == []
    assert {finding.code for finding in found} == {
        "permissions",
        "webhooks",
        "jwks",
        "clock",
        "fulfillment_unpaid",
        "channels",
        "tax_app",
        "charge_taxes",
        "prices_with_tax",
        "tax_countries",
        "auto_confirm",
        "unpaid_orders",
        "mark_as_paid",
        "auto_complete",
        "release_funds",
        "transaction_flow",
        "bank_account",
        "seller",
        "account_redirect",
        "state_rate",
        "rate_table",
        "flat_rates",
        "mail",
    }


def test_case_42_an_old_rate_table_is_a_warning() -> None:
    assert bad(replace(GOOD, rates_imported=TODAY - timedelta(days=100))) == []
    found = one(replace(GOOD, rates_imported=TODAY - timedelta(days=101)))
    assert (found.code, found.severity) == ("rate_table", Severity.WARNING)
    assert "more than 100 days ago" in found.sentence
    assert "rate_table" not in {finding.code for finding in findings(replace(GOOD, rates_imported=None))}


@pytest.mark.parametrize(
    ("channel", "code", "said"),
    [
        (taxes(taxCalculationStrategy="FLAT_RATES"), "tax_app", "not by reseller.program"),
        (taxes(taxAppId=None), "tax_app", "TAX_APP"),
        (taxes(taxAppId="avatax"), "tax_app", "avatax"),
        (taxes(taxCalculationStrategy=None, taxAppId=None), "tax_app", "nobody"),
        (taxes(chargeTaxes=False), "charge_taxes", "chargeTaxes"),
        (taxes(countries=[country("US", None), country("CA", "FLAT_RATES")]), "tax_countries", "CA, US"),
        (taxes(countries=[country("US", "TAX_APP", charge=False)]), "tax_countries", "US"),
        (
            {"orderSettings": channel_answer()["orderSettings"] | {"automaticallyConfirmAllNewOrders": True}},
            "auto_confirm",
            "off",
        ),
        ({"orderSettings": channel_answer()["orderSettings"] | {"allowUnpaidOrders": True}}, "unpaid_orders", "off"),
        (
            {"orderSettings": channel_answer()["orderSettings"] | {"markAsPaidStrategy": "PAYMENT_FLOW"}},
            "mark_as_paid",
            "TRANSACTION_FLOW",
        ),
        ({"checkoutSettings": {"automaticallyCompleteFullyPaidCheckouts": True}}, "auto_complete", "off"),
        (
            {"paymentSettings": {"defaultTransactionFlowStrategy": "CHARGE", "releaseFundsForExpiredCheckouts": True}},
            "release_funds",
            "off",
        ),
        (
            {"paymentSettings": {"defaultTransactionFlowStrategy": "AUTHORIZATION", "releaseFundsForExpiredCheckouts": None}},
            "transaction_flow",
            "CHARGE",
        ),
    ],
)
def test_each_wrong_setting_of_a_channel_is_named_and_can_be_fixed(channel: dict[str, Any], code: str, said: str) -> None:
    broken = installation(channel_answer(**channel))
    finding = one(replace(GOOD, installation=broken))
    assert (finding.code, finding.severity, finding.subject, finding.fixable) == (code, "error", "default-channel", True)
    assert said in finding.sentence
    assert broken.channels is not None
    (asked,) = broken.channels
    assert bool(tax_patch(asked)) != bool(channel_patch(asked))


def test_a_channel_whose_prices_hold_tax_is_for_people_to_change() -> None:
    """New channels of Saleor have it; switching it would change what every price means, so it is never done by `fix`."""
    channel = channel_answer(**taxes(pricesEnteredWithTax=True))
    finding = one(replace(GOOD, installation=installation(channel)))
    assert (finding.code, finding.severity, finding.fixable) == ("prices_with_tax", "warning", False)
    assert "net prices" in finding.sentence
    channels = installation(channel).channels
    assert channels is not None
    assert tax_patch(channels[0]) == {}


def test_the_null_country_trap_is_repaired_by_removing_the_row() -> None:
    rows = [country("US", None), country("DE", "TAX_APP")]
    channels = installation(channel_answer(**taxes(countries=rows))).channels
    assert channels is not None
    (channel,) = channels
    assert tax_patch(channel) == {"removeCountriesConfiguration": ["US"]}


def test_a_country_with_a_tax_app_of_its_own_is_for_people_to_look_at() -> None:
    finding = one(replace(GOOD, installation=installation(channel_answer(**taxes(countries=[country("DE", "TAX_APP")])))))
    assert (finding.code, finding.severity, finding.fixable) == ("tax_countries", "warning", False)


def test_inactive_channels_are_left_alone() -> None:
    off = channel_answer("old", isActive=False, **taxes(chargeTaxes=False))
    assert bad(replace(GOOD, installation=installation(channel_answer(), off))) == []
    assert one(replace(GOOD, installation=installation(off))).code == "channels"


def changed_settings(**changed: Any) -> Facts:
    return replace(GOOD, settings=GOOD.settings.model_copy(update=changed))


@pytest.mark.parametrize(
    ("facts", "code", "severity", "said"),
    [
        (replace(GOOD, installation=installation(allow_unpaid=True)), "fulfillment_unpaid", "warning", "nobody paid"),
        (
            replace(GOOD, app=AppSelfAnswer.model_validate(app_answer(permissions=[]))),
            "permissions",
            "error",
            "HANDLE_TAXES, MANAGE_TAXES",
        ),
        (replace(GOOD, app=AppSelfAnswer.model_validate(app_answer() | {"app": None})), "app", "error", "install"),
        (replace(GOOD, published_keys=None), "jwks", "error", KEYS),
        (replace(GOOD, published_keys={"keys": [jwk("two")]}), "jwks", "warning", "another key"),
        (replace(GOOD, skew=None), "clock", "warning", "does not say"),
        (replace(GOOD, skew=timedelta(seconds=61)), "clock", "warning", "61 s ahead"),
        (replace(GOOD, skew=timedelta(seconds=-90)), "clock", "warning", "90 s behind"),
        (changed_settings(bank_accounts=[]), "bank_account", "error", "USD"),
        (
            changed_settings(bank_accounts=[ACCOUNT.model_copy(update={"routing_number": "021000022"})]),
            "bank_account",
            "error",
            "routing_number",
        ),
        (changed_settings(seller=Seller()), "seller", "error", "seller.name"),
        (changed_settings(account_redirect_url=""), "account_redirect", "warning", "password"),
        (changed_settings(reseller_only_channels=["nowhere"]), "channel_mode", "error", "not there"),
        (
            replace(GOOD, tax=replace(GOOD.tax, rates={})),
            "state_rate",
            "error",
            "no rate for the whole state",
        ),
        (replace(GOOD, tax=replace(GOOD.tax, registrations={})), "state_not_registered", "warning", "not registered"),
        (replace(GOOD, tax=replace(GOOD.tax, flat={})), "flat_rates", "error", "copied"),
        (replace(GOOD, problems=("The shop is down.",)), "question", "error", "down"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_other_check(facts: Facts, code: str, severity: str, said: str) -> None:
    finding = one(facts)
    assert (finding.code, finding.severity.value) == (code, severity)
    assert said in finding.sentence


def test_sixty_seconds_are_still_in_order() -> None:
    assert bad(replace(GOOD, skew=timedelta(seconds=-60))) == []


def test_a_registration_or_rate_counts_on_its_days_alone() -> None:
    ended = Registration("CA", date(2020, 1, 1), date(2026, 3, 1))
    zip_only = StateRate("NY", Decimal(8), "2026-01", date(2026, 1, 1), zip_code="10001")
    future = StateRate("NY", Decimal(4), "2027-01", date(2027, 1, 1))
    tax = TaxProgram.of([ended, Registration("NY", date(2020, 1, 1))], [zip_only, future], GOOD.tax.flat)
    finding = one(replace(GOOD, tax=tax))
    assert (finding.code, finding.subject) == ("state_rate", "NY")


TYPE_PERMISSION = "MANAGE_CUSTOMER_TYPES_AND_ATTRIBUTES"


@pytest.mark.parametrize(
    ("types", "granted", "severity"),
    [
        (None, (), None),
        (CustomerTypes(own=None, standard="T"), (), Severity.WARNING),
        (CustomerTypes(own=None, standard="T"), (TYPE_PERMISSION,), Severity.OK),
        (CustomerTypes(own="T2", standard="T"), (), Severity.OK),
    ],
)
def test_customer_types_without_their_permission(
    types: CustomerTypes | None, granted: tuple[str, ...], severity: Severity | None
) -> None:
    permissions = [{"code": name} for name in (*manifest_source()["permissions"], *granted)]
    facts = replace(GOOD, app=AppSelfAnswer.model_validate(app_answer(permissions=permissions)), types=types)
    found = [finding for finding in findings(facts) if finding.code == "customer_types"]
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    if severity is Severity.WARNING:
        assert TYPE_PERMISSION in found[0].sentence
        assert "slug `reseller`" in found[0].sentence


def test_drift_of_webhooks_is_one_finding_each() -> None:
    answer = app_answer()
    answer["app"]["webhooks"].pop()
    answer["app"]["webhooks"][0]["isActive"] = False
    found = bad(replace(GOOD, app=AppSelfAnswer.model_validate(answer)))
    assert [(finding.code, finding.fixable) for finding in found] == [("webhooks", True)] * 2


class FakeSaleor:
    """A shop that keeps what the repairs set."""

    def __init__(self) -> None:
        self.app = app_answer()
        self.shop = {"version": "3.23.28", "fulfillmentAutoApprove": True, "fulfillmentAllowUnpaid": True}
        self.channels = [
            channel_answer(
                **taxes(taxCalculationStrategy="FLAT_RATES", taxAppId=None, countries=[country("US", None)]),
                orderSettings={
                    "automaticallyConfirmAllNewOrders": True,
                    "allowUnpaidOrders": True,
                    "markAsPaidStrategy": "PAYMENT_FLOW",
                },
                checkoutSettings={"automaticallyCompleteFullyPaidCheckouts": True},
            ),
            channel_answer("off", isActive=False, **taxes(chargeTaxes=False)),
        ]
        self.sent: list[tuple[str, Any]] = []
        self.refused = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        query, variables = asked["query"], asked.get("variables", {})
        name = query.split("(")[0].split("{")[0].split()[1]
        if name == "AppSelf":
            return httpx.Response(200, json={"data": self.app})
        if name == "Installation":
            return httpx.Response(200, json={"data": {"shop": self.shop, "channels": self.channels}})
        if name == "CustomerTypes":
            return httpx.Response(200, json={"data": {"own": {"edges": [{"node": {"id": "T2"}}]}, "standard": None}})
        if name == "FlatRates":
            return httpx.Response(200, json={"data": flat()})
        self.sent.append((name, variables))
        field = name[0].lower() + name[1:]
        payload: dict[str, Any] = {"errors": []}
        if name == self.refused:
            payload = {"errors": [{"field": "taxAppId", "code": "NOT_FOUND", "message": "Did not found Tax App"}]}
        elif name == "TaxConfigurationUpdate":
            given = dict(variables["input"])
            gone = given.pop("removeCountriesConfiguration", [])
            given.pop("useWeightedTaxForShipping", None)
            channel = next(item for item in self.channels if item["taxConfiguration"]["id"] == variables["id"])
            kept = [row for row in channel["taxConfiguration"]["countries"] if row["country"]["code"] not in gone]
            channel["taxConfiguration"] |= given | {"countries": kept}
        elif name == "ChannelUpdate":
            channel = next(item for item in self.channels if item["id"] == variables["id"])
            for group, values in variables["input"].items():
                channel[group] |= values
        elif name == "ShopSettingsUpdate":
            self.shop |= variables["input"]
        empty = {"TaxConfigurationUpdate": "taxConfiguration", "ChannelUpdate": "channel", "ShopSettingsUpdate": "shop"}
        return httpx.Response(200, json={"data": {field: {empty[name]: None} | payload}})


@pytest.fixture
def saleor() -> Any:
    fake = FakeSaleor()
    with respx.mock(assert_all_called=False) as router:
        router.post(API).mock(side_effect=fake)
        router.get(KEYS).respond(json={"keys": [jwk("one")]}, headers={"Date": format_datetime(NOW + timedelta(seconds=5))})
        yield fake


@pytest.fixture
async def services(database: Database, tenant: str) -> AsyncIterator[Services]:
    settings = Settings(secret_keys=["a passphrase for tests"], base_url=BASE, shop=GOOD.settings, _env_file=None)
    box = SecretBox(settings.secret_keys)
    async with database.system() as session:
        await session.execute(update(Tenant).values(token=box.encrypt(tenant, "token"), jwks={"keys": [jwk("one")]}))
    async with httpx.AsyncClient() as http:
        shops = Shops(database, box, http, settings, lambda: NOW)
        yield Services(
            settings=settings,
            database=database,
            box=box,
            http=http,
            clock=lambda: NOW,
            shops=shops,
            programs=Programs(database),
            jobs=cast(Jobs, None),
        )
        await shops.close()


@pytest.fixture
async def shop(services: Services) -> Shop:
    return await services.shops.by_api_url(API)


async def test_an_installation_is_repaired_once(services: Services, shop: Shop, saleor: FakeSaleor) -> None:
    before = [finding for finding in await examine(services, shop) if finding.severity is not Severity.OK]
    assert [finding.code for finding in before] == [
        "fulfillment_unpaid",
        "tax_app",
        "tax_countries",
        "auto_confirm",
        "unpaid_orders",
        "mark_as_paid",
        "auto_complete",
        "flat_rates",
    ]
    repairs = await fix(services, shop)
    assert [(repair.code, repair.subject, repair.done) for repair in repairs] == [
        ("tax_app", "default-channel", True),
        ("channel", "default-channel", True),
        ("fulfillment_unpaid", "shop", True),
        ("flat_rates", "shop", True),
    ]
    assert dict(saleor.sent) == {
        "TaxConfigurationUpdate": {
            "id": "T-default-channel",
            "input": {
                "taxCalculationStrategy": "TAX_APP",
                "taxAppId": "reseller.program",
                "useWeightedTaxForShipping": False,
                "removeCountriesConfiguration": ["US"],
            },
        },
        "ChannelUpdate": {
            "id": "C-default-channel",
            "input": {
                "orderSettings": {
                    "automaticallyConfirmAllNewOrders": False,
                    "allowUnpaidOrders": False,
                    "markAsPaidStrategy": "TRANSACTION_FLOW",
                },
                "checkoutSettings": {"automaticallyCompleteFullyPaidCheckouts": False},
            },
        },
        "ShopSettingsUpdate": {"input": {"fulfillmentAllowUnpaid": False}},
    }
    assert [finding for finding in await examine(services, shop) if finding.severity is not Severity.OK] == []
    assert await fix(services, shop) == []
    assert len(saleor.sent) == 3


async def test_what_saleor_refuses_is_told_and_the_rest_is_done(services: Services, shop: Shop, saleor: FakeSaleor) -> None:
    saleor.refused = "TaxConfigurationUpdate"
    repairs = await fix(services, shop)
    assert [(repair.code, repair.done) for repair in repairs] == [
        ("tax_app", False),
        ("channel", True),
        ("fulfillment_unpaid", True),
        ("flat_rates", True),
    ]
    assert isinstance(repairs[0], Repair)
    assert "NOT_FOUND" in repairs[0].sentence


async def test_a_shop_that_cannot_be_asked_is_a_finding(services: Services, shop: Shop) -> None:
    denied = {"errors": [{"message": "no", "path": ["channels"], "extensions": {"exception": {"code": "PermissionDenied"}}}]}
    with respx.mock:
        respx.post(API).respond(json=denied)
        respx.get(KEYS).mock(side_effect=httpx.ConnectError("refused"))
        found = await examine(services, shop)
    assert [(finding.code, finding.severity.value) for finding in found if finding.severity is not Severity.OK] == [
        ("question", "error"),
        ("question", "error"),
        ("question", "error"),
        ("question", "error"),
        ("jwks", "error"),
        ("clock", "warning"),
    ]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
async def test_the_repairs_fit_every_saleor(path: Any, services: Services, shop: Shop, saleor: FakeSaleor) -> None:
    schema = build_schema(path.read_text())
    saleor.channels[0]["paymentSettings"] = {
        "defaultTransactionFlowStrategy": "AUTHORIZATION",
        "releaseFundsForExpiredCheckouts": True,
    }
    saleor.channels[0]["taxConfiguration"]["chargeTaxes"] = False
    await fix(services, shop)
    documents = {
        "TaxConfigurationUpdate": "tax_configuration_update",
        "ChannelUpdate": "channel_update",
        "ShopSettingsUpdate": "shop_settings_update",
    }
    assert {name for name, _ in saleor.sent} == set(documents)
    for name, variables in saleor.sent:
        definition: Any = parse(operation(documents[name])).definitions[0]
        assert not isinstance(get_variable_values(schema, definition.variable_definitions, variables), list)

"""What an installation needs to keep the program's promises, and what of it is missing. Pure: `doctor.py` asks and repairs.

Both channel modes need the same settings: in a shared channel this app also taxes everybody else, in a reseller-only one it
vetoes them (saleor-facts 0.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

from app.errors import InvalidInput
from app.orders.customer_types import SLUG, CustomerTypes
from app.orders.gateway import bank_account
from app.saleor import webhooks
from app.saleor.answers import AppSelfAnswer, FlatRatesAnswer, InstallationAnswer, SaleorChannel
from app.saleor.jwks import jwks_url
from app.saleor.resources import manifest_source
from app.settings import ShopSettings
from app.tax.flat_rates import rates_of
from app.tax.rules import TaxProgram

MAX_SKEW = timedelta(seconds=60)
MAIL_LATE = timedelta(minutes=30)
"""A mail that waits longer is a fault: servers that are up take one at once."""


class Severity(StrEnum):
    """Ok, works but should be looked at, or the program's promises cannot be kept."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `subject` is the channel, webhook or state it is about; `fixable` says whether `fix` can put it right."""

    code: str
    severity: Severity
    subject: str
    sentence: str
    fixable: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is looked at. What could not be read is None, with a sentence in `problems`."""

    api_url: str
    base_url: str
    settings: ShopSettings
    today: date
    app: AppSelfAnswer | None
    installation: InstallationAnswer | None
    flat_rates: FlatRatesAnswer | None
    stored_keys: Mapping[str, Any]
    published_keys: Mapping[str, Any] | None
    skew: timedelta | None
    """The shop's clock minus ours."""
    tax: TaxProgram
    rates_imported: date | None = None
    """The day of the last import of the rate table."""
    mails_waiting: int = 0
    """Mails that no server has taken yet."""
    mails_waiting_since: timedelta = timedelta()
    """How long the oldest of them waits."""
    mail_words: str = ""
    """What went wrong with it last."""
    mailbox_problem: str = ""
    types: CustomerTypes | None = None
    """The customer types that matter here; None where Saleor has none (before 3.23.26) or did not say."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A channel's setting as the program needs it; `path` is the same in Saleor's answer and, in camel case, in its input."""

    code: str
    path: tuple[str, str]
    value: bool | str
    why: str

    @property
    def name(self) -> str:
        return to_camel(self.path[1])

    def met(self, channel: SaleorChannel) -> bool:
        found = getattr(getattr(channel, self.path[0]), self.path[1])
        return found == self.value or (found is None and self.value is False)


CHANNEL_SETTINGS = (
    _Wanted(
        "auto_confirm",
        ("order_settings", "automatically_confirm_all_new_orders"),
        False,
        "orders must wait for the audit",
    ),
    _Wanted(
        "unpaid_orders",
        ("order_settings", "allow_unpaid_orders"),
        False,
        "otherwise nobody has to pass the payment session",
    ),
    _Wanted(
        "mark_as_paid",
        ("order_settings", "mark_as_paid_strategy"),
        "TRANSACTION_FLOW",
        "wires are booked as transactions",
    ),
    _Wanted(
        "auto_complete",
        ("checkout_settings", "automatically_complete_fully_paid_checkouts"),
        False,
        "a promised wire counts as paid for a checkout, which would complete by itself",
    ),
    _Wanted(
        "release_funds",
        ("payment_settings", "release_funds_for_expired_checkouts"),
        False,
        "Saleor would ask for the refund of wires that never came",
    ),
    _Wanted(
        "transaction_flow",
        ("payment_settings", "default_transaction_flow_strategy"),
        "CHARGE",
        "a wire charges; it cannot only authorize",
    ),
)


def findings(facts: Facts) -> list[Finding]:
    """Every check in a fixed order; each also says so when it is met."""
    found = [Finding("question", Severity.ERROR, facts.api_url, sentence) for sentence in facts.problems]
    if facts.app is not None:
        found += _app(facts, facts.app)
    found += [_keys(facts), _clock(facts)]
    if facts.installation is not None:
        found += _shop(facts.installation)
        for channel in active_channels(facts.installation):
            found += [*_taxes(channel), *_settings(channel), _bank(facts.settings, channel)]
        found += _modes(facts.settings, facts.installation)
    found += [*_vendor(facts.settings), *_states(facts), *_rate_age(facts), *_flat(facts), *_mail(facts)]
    return found


def active_channels(installation: InstallationAnswer) -> list[SaleorChannel]:
    """The channels that sell, and so the ones that are looked at."""
    return [channel for channel in installation.channels or () if channel.is_active]


def _app(facts: Facts, answer: AppSelfAnswer) -> Iterator[Finding]:
    if answer.app is None:
        yield Finding("app", Severity.ERROR, facts.api_url, "The shop knows no app by our token; install the app again.")
        return
    granted = {permission.code for permission in answer.app.permissions or ()}
    missing = [name for name in manifest_source()["permissions"] if name not in granted]
    yield _judge(
        not missing,
        "permissions",
        facts.api_url,
        "All permissions are granted.",
        f"Not granted: {', '.join(missing)}. Staff who may manage apps grant them in the Dashboard, at this app.",
    )
    if facts.types is not None:
        later = [entry["permission"] for entry in manifest_source()["permissionsSince"]]
        yield _judge(
            facts.types.own is not None or granted.issuperset(later),
            "customer_types",
            facts.api_url,
            "Resellers' accounts have their customer type, or get it.",
            f"Not granted: {', '.join(sorted(set(later) - granted))}. Resellers' accounts get no customer type until staff "
            f"grant it in the Dashboard, at this app, or make a type with the slug `{SLUG}` there by hand.",
            severity=Severity.WARNING,
        )
    drift = webhooks.drift_of(answer, facts.base_url)
    for difference in drift:
        yield Finding("webhooks", Severity.ERROR, facts.api_url, f"The webhook {difference}.", fixable=True)
    if not drift:
        yield Finding("webhooks", Severity.OK, facts.api_url, "All webhooks are installed as the manifest says.")


def _keys(facts: Facts) -> Finding:
    if facts.published_keys is None:
        return Finding("jwks", Severity.ERROR, facts.api_url, f"The shop's keys at {jwks_url(facts.api_url)} cannot be read.")
    return _judge(
        bool(_key_ids(facts.stored_keys) & _key_ids(facts.published_keys)),
        "jwks",
        facts.api_url,
        "The shop publishes the key we hold.",
        "The shop publishes another key than the one we hold; the next webhook makes us fetch it.",
        severity=Severity.WARNING,
    )


def _key_ids(jwks: Mapping[str, Any]) -> set[str]:
    return {key["kid"] for key in jwks.get("keys", ()) if key.get("kid")}


def _clock(facts: Facts) -> Finding:
    if facts.skew is None:
        return Finding("clock", Severity.WARNING, facts.api_url, "The shop does not say what time it is there.")
    seconds = round(facts.skew.total_seconds())
    return _judge(
        abs(facts.skew) <= MAX_SKEW,
        "clock",
        facts.api_url,
        f"The clocks differ by {abs(seconds)} s.",
        f"The shop's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} ours: tokens and due times go wrong; "
        "set both by a time server.",
        severity=Severity.WARNING,
    )


def _shop(installation: InstallationAnswer) -> Iterator[Finding]:
    yield _judge(
        not installation.shop.fulfillment_allow_unpaid,
        "fulfillment_unpaid",
        "shop",
        "fulfillmentAllowUnpaid is off.",
        "fulfillmentAllowUnpaid is on: staff can fulfill orders that nobody paid.",
        severity=Severity.WARNING,
        fixable=True,
    )
    yield _judge(
        bool(active_channels(installation)),
        "channels",
        "shop",
        "There are active channels.",
        "No channel is active: nobody can order.",
    )


def _taxes(channel: SaleorChannel) -> Iterator[Finding]:
    taxes, own = channel.tax_configuration, manifest_source()["id"]
    yield _judge(
        taxes.tax_calculation_strategy == "TAX_APP" and taxes.tax_app_id == own,
        "tax_app",
        channel.slug,
        "This app calculates the taxes, and with them the partner prices.",
        f"Taxes are calculated by {taxes.tax_app_id or taxes.tax_calculation_strategy or 'nobody'}, not by {own}: "
        "there are no partner prices and nobody is refused.",
        fixable=True,
    )
    yield _judge(
        taxes.charge_taxes,
        "charge_taxes",
        channel.slug,
        "Taxes are charged.",
        "chargeTaxes is off: Saleor does not ask this app for prices.",
        fixable=True,
    )
    bypass = _bypassing(channel)
    others = sorted({row.country.code for row in taxes.countries} - set(bypass))
    if bypass:
        yield Finding(
            "tax_countries",
            Severity.ERROR,
            channel.slug,
            f"Exceptions for {', '.join(bypass)} bypass this app there (an empty strategy means flat rates); remove them.",
            fixable=True,
        )
    if others:
        yield Finding(
            "tax_countries",
            Severity.WARNING,
            channel.slug,
            f"There are exceptions for {', '.join(others)}; each may name another tax app. Make sure that it is {own}.",
        )
    if not taxes.countries:
        yield Finding("tax_countries", Severity.OK, channel.slug, "No country has an exception.")


def _bypassing(channel: SaleorChannel) -> list[str]:
    """Countries whose exception keeps Saleor from asking the tax app (saleor-facts 3)."""
    return sorted(
        row.country.code
        for row in channel.tax_configuration.countries
        if row.tax_calculation_strategy != "TAX_APP" or not row.charge_taxes
    )


def _settings(channel: SaleorChannel) -> Iterator[Finding]:
    for wanted in CHANNEL_SETTINGS:
        yield _judge(
            wanted.met(channel),
            wanted.code,
            channel.slug,
            f"{wanted.name} is {_shown(wanted.value)}.",
            f"{wanted.name} must be {_shown(wanted.value)}: {wanted.why}.",
            fixable=True,
        )


def _bank(settings: ShopSettings, channel: SaleorChannel) -> Finding:
    try:
        account = bank_account(settings, channel.slug, channel.currency_code)
    except InvalidInput as error:
        return Finding("bank_account", Severity.ERROR, channel.slug, error.sentence)
    return _judge(
        account is not None,
        "bank_account",
        channel.slug,
        f"There is a bank account in {channel.currency_code}.",
        f"There is no bank account in {channel.currency_code}: resellers cannot pay here; add one to bank_accounts.",
    )


def _modes(settings: ShopSettings, installation: InstallationAnswer) -> Iterator[Finding]:
    active = {channel.slug for channel in active_channels(installation)}
    for slug in settings.reseller_only_channels:
        yield _judge(
            slug in active,
            "channel_mode",
            slug,
            "The channel sells to resellers only.",
            "reseller_only_channels names a channel that is not there or not active.",
        )


def _vendor(settings: ShopSettings) -> Iterator[Finding]:
    yield _judge(
        bool(settings.seller.name),
        "seller",
        "shop",
        "The seller is named.",
        "The seller has no name: invoices need one; set seller.name.",
    )
    yield _judge(
        bool(settings.account_redirect_url),
        "account_redirect",
        "shop",
        "New end customers are asked to set a password.",
        "account_redirect_url is empty: new end customers get an account, but no mail to set its password.",
        severity=Severity.WARNING,
    )


def _states(facts: Facts) -> Iterator[Finding]:
    registered = {state for state, rows in facts.tax.registrations.items() if any(row.valid(facts.today) for row in rows)}
    rated = {
        (state, zip_code, tax_class)
        for (state, zip_code, tax_class), rates in facts.tax.rates.items()
        if any(rate.valid(facts.today) for rate in rates)
    }
    for state in sorted(registered):
        yield _judge(
            (state, None, None) in rated,
            "state_rate",
            state,
            "The state has a rate.",
            "The vendor is registered here, but there is no rate for the whole state: nothing is charged; import one.",
        )
    unregistered = sorted({state for state, _, _ in rated} - registered)
    if unregistered:
        yield Finding(
            "state_not_registered",
            Severity.WARNING,
            ", ".join(unregistered),
            "There are rates, but the vendor is not registered: no tax is charged.",
        )


def _rate_age(facts: Facts) -> Iterator[Finding]:
    """An old table is said to be old, and goes on counting (edge case 42)."""
    if facts.rates_imported is not None:
        days = facts.settings.program.rate_table_days
        yield _judge(
            facts.today - facts.rates_imported <= timedelta(days=days),
            "rate_table",
            "shop",
            "The rate table is recent.",
            f"The rate table was imported on {facts.rates_imported}, more than {days} days ago; import the newest one.",
            severity=Severity.WARNING,
        )


def _flat(facts: Facts) -> Iterator[Finding]:
    if facts.flat_rates is not None:
        yield _judge(
            dict(rates_of(facts.flat_rates)) == dict(facts.tax.flat),
            "flat_rates",
            "shop",
            "The store's flat rates are copied.",
            "The store's flat rates changed since they were copied: everybody but US resellers is taxed by the old ones.",
            fixable=True,
        )


def _mail(facts: Facts) -> Iterator[Finding]:
    minutes = int(facts.mails_waiting_since.total_seconds()) // 60
    yield _judge(
        facts.mails_waiting_since <= MAIL_LATE,
        "mail",
        "mail",
        f"{facts.mails_waiting} mails wait, the oldest for {minutes} minutes." if facts.mails_waiting else "No mail waits.",
        f"{facts.mails_waiting} mails wait, the oldest for {minutes} minutes: {facts.mail_words or 'no worker took it up'}. "
        "None is lost; `reseller mail queue` shows them, `reseller mail test ADDRESS` tries the server.",
    )
    if facts.mailbox_problem:
        yield Finding("mailbox", Severity.ERROR, "mail", f"{facts.mailbox_problem}. Answers and bounces are not seen till then.")


def _shown(value: bool | str) -> str:
    return value if isinstance(value, str) else "on" if value else "off"


def _judge(
    good: bool, code: str, subject: str, praise: str, blame: str, *, severity: Severity = Severity.ERROR, fixable: bool = False
) -> Finding:
    return Finding(code, Severity.OK, subject, praise) if good else Finding(code, severity, subject, blame, fixable)


def tax_patch(channel: SaleorChannel) -> dict[str, Any]:
    """The `TaxConfigurationUpdateInput` that puts a channel right; empty when nothing is wrong."""
    taxes, own = channel.tax_configuration, manifest_source()["id"]
    patch: dict[str, Any] = {}
    if taxes.tax_calculation_strategy != "TAX_APP" or taxes.tax_app_id != own:
        # Saleor refuses a tax app beside weighted shipping tax, which only goes with flat rates.
        patch |= {"taxCalculationStrategy": "TAX_APP", "taxAppId": own, "useWeightedTaxForShipping": False}
    if not taxes.charge_taxes:
        patch["chargeTaxes"] = True
    if bypass := _bypassing(channel):
        patch["removeCountriesConfiguration"] = bypass
    return patch


def channel_patch(channel: SaleorChannel) -> dict[str, Any]:
    """The `ChannelUpdateInput` that puts a channel right; empty when nothing is wrong."""
    patch: dict[str, Any] = {}
    for wanted in CHANNEL_SETTINGS:
        if not wanted.met(channel):
            patch.setdefault(to_camel(wanted.path[0]), {})[wanted.name] = wanted.value
    return patch

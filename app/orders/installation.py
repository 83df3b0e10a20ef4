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
from app.reasons import Reason, because, register, told
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
    said: Reason
    fixable: bool = False

    @property
    def sentence(self) -> str:
        """What was found, in English."""
        return str(self.said)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is looked at. What could not be read is None, with the words about it in `problems`."""

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


register(
    {
        "check_question": "{sentence}",
        "check_app": "The shop knows no app by our token; install the app again.",
        "check_permissions_ok": "All permissions are granted.",
        "check_permissions": "Not granted: {missing}. Staff who may manage apps grant them in the Dashboard, at this app.",
        "check_customer_types_ok": "Resellers' accounts have their customer type, or get it.",
        "check_customer_types": "Not granted: {missing}. Resellers' accounts get no customer type until staff grant it in the "
        "Dashboard, at this app, or make a type with the slug `{slug}` there by hand.",
        "check_webhooks_ok": "All webhooks are installed as the manifest says.",
        "check_webhook_missing": "The webhook {webhook} is missing.",
        "check_webhook_changed": "The webhook {webhook} differs in {fields}.",
        "check_webhook_surplus": "The webhook {webhook} is not wanted.",
        "check_jwks_ok": "The shop publishes the key we hold.",
        "check_jwks": "The shop publishes another key than the one we hold; the next webhook makes us fetch it.",
        "check_jwks_unread": "The shop's keys at {url} cannot be read.",
        "check_clock_ok": "The clocks differ by {seconds} s.",
        "check_clock_unknown": "The shop does not say what time it is there.",
        "check_clock_ahead": "The shop's clock is {seconds} s ahead of ours: tokens and due times go wrong; set both by a time "
        "server.",
        "check_clock_behind": "The shop's clock is {seconds} s behind ours: tokens and due times go wrong; set both by a time "
        "server.",
        "check_fulfillment_unpaid_ok": "fulfillmentAllowUnpaid is off.",
        "check_fulfillment_unpaid": "fulfillmentAllowUnpaid is on: staff can fulfill orders that nobody paid.",
        "check_channels_ok": "There are active channels.",
        "check_channels": "No channel is active: nobody can order.",
        "check_tax_app_ok": "This app calculates the taxes, and with them the partner prices.",
        "check_tax_app": "Taxes are calculated by {by}, not by {own}: there are no partner prices and nobody is refused.",
        "check_charge_taxes_ok": "Taxes are charged.",
        "check_charge_taxes": "chargeTaxes is off: Saleor does not ask this app for prices.",
        "check_prices_with_tax_ok": "Prices are entered without tax.",
        "check_prices_with_tax": "Prices are entered with tax, as new channels have it: partner prices and discounts are "
        "reckoned from prices that hold the store's flat rate. The program wants net prices: in the Dashboard, under "
        "Configuration, Taxes, take 'Entered prices are with tax' off for this channel, and enter its prices without tax.",
        "check_tax_countries_ok": "No country has an exception.",
        "check_tax_countries_bypass": "Exceptions for {countries} bypass this app there (an empty strategy means flat rates); "
        "remove them.",
        "check_tax_countries_others": "There are exceptions for {countries}; each may name another tax app. Make sure that it is "
        "{own}.",
        "check_channel_ok": "{name} is {value}.",
        "check_channel_auto_confirm": "{name} must be {value}: orders must wait for the audit.",
        "check_channel_unpaid_orders": "{name} must be {value}: otherwise nobody has to pass the payment session.",
        "check_channel_mark_as_paid": "{name} must be {value}: wires are booked as transactions.",
        "check_channel_auto_complete": "{name} must be {value}: a promised wire counts as paid for a checkout, which would "
        "complete by itself.",
        "check_channel_release_funds": "{name} must be {value}: Saleor would ask for the refund of wires that never came.",
        "check_channel_transaction_flow": "{name} must be {value}: a wire charges; it cannot only authorize.",
        "check_bank_account_ok": "There is a bank account in {currency}.",
        "check_bank_account": "There is no bank account in {currency}: resellers cannot pay here; add one to bank_accounts.",
        "check_bank_account_wrong": "{why}",
        "check_channel_mode_ok": "The channel sells to resellers only.",
        "check_channel_mode": "reseller_only_channels names a channel that is not there or not active.",
        "check_seller_ok": "The seller is named.",
        "check_seller": "The seller has no name: invoices need one; set seller.name.",
        "check_account_redirect_ok": "New end customers are asked to set a password.",
        "check_account_redirect": "account_redirect_url is empty: new end customers get an account, but no mail to set its "
        "password.",
        "check_state_rate_ok": "The state has a rate.",
        "check_state_rate": "The vendor is registered here, but there is no rate for the whole state: nothing is charged; import "
        "one.",
        "check_state_not_registered": "There are rates, but the vendor is not registered: no tax is charged.",
        "check_rate_table_ok": "The rate table is recent.",
        "check_rate_table": "The rate table was imported on {on}, more than {days} days ago; import the newest one.",
        "check_flat_rates_ok": "The store's flat rates are copied.",
        "check_flat_rates": "The store's flat rates changed since they were copied: everybody but US resellers is taxed by the "
        "old ones.",
        "check_mail_none": "No mail waits.",
        "check_mail_ok": "{count} mails wait, the oldest for {minutes} minutes.",
        "check_mail": "{count} mails wait, the oldest for {minutes} minutes: {words}. None is lost; `reseller mail queue` shows "
        "them, `reseller mail test ADDRESS` tries the server.",
        "check_mail_no_worker": "{count} mails wait, the oldest for {minutes} minutes: no worker took it up. None is lost; "
        "`reseller mail queue` shows them, `reseller mail test ADDRESS` tries the server.",
        "check_mailbox": "{words}. Answers and bounces are not seen till then.",
    }
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A channel's setting as the program needs it; `path` is the same in Saleor's answer and, in camel case, in its input.

    Why is said by `check_channel_<code>`.
    """

    code: str
    path: tuple[str, str]
    value: bool | str

    @property
    def name(self) -> str:
        return to_camel(self.path[1])

    def met(self, channel: SaleorChannel) -> bool:
        found = getattr(getattr(channel, self.path[0]), self.path[1])
        return found == self.value or (found is None and self.value is False)


CHANNEL_SETTINGS = (
    _Wanted("auto_confirm", ("order_settings", "automatically_confirm_all_new_orders"), False),
    _Wanted("unpaid_orders", ("order_settings", "allow_unpaid_orders"), False),
    _Wanted("mark_as_paid", ("order_settings", "mark_as_paid_strategy"), "TRANSACTION_FLOW"),
    _Wanted("auto_complete", ("checkout_settings", "automatically_complete_fully_paid_checkouts"), False),
    _Wanted("release_funds", ("payment_settings", "release_funds_for_expired_checkouts"), False),
    _Wanted("transaction_flow", ("payment_settings", "default_transaction_flow_strategy"), "CHARGE"),
)


def findings(facts: Facts) -> list[Finding]:
    """Every check in a fixed order; each also says so when it is met."""
    found = [_found("question", Severity.ERROR, facts.api_url, sentence=sentence) for sentence in facts.problems]
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
        yield _found("app", Severity.ERROR, facts.api_url)
        return
    granted = {permission.code for permission in answer.app.permissions or ()}
    missing = [name for name in manifest_source()["permissions"] if name not in granted]
    yield _judge(not missing, "permissions", facts.api_url, missing=", ".join(missing))
    if facts.types is not None:
        later = [entry["permission"] for entry in manifest_source()["permissionsSince"]]
        yield _judge(
            facts.types.own is not None or granted.issuperset(later),
            "customer_types",
            facts.api_url,
            severity=Severity.WARNING,
            missing=", ".join(sorted(set(later) - granted)),
            slug=SLUG,
        )
    drift = webhooks.drift_of(answer, facts.base_url)
    for difference in drift:
        match difference:
            case webhooks.MissingWebhook(wanted=wanted):
                said = because("check_webhook_missing", webhook=wanted.name)
            case webhooks.ChangedWebhook(wanted=wanted, fields=fields):
                said = because("check_webhook_changed", webhook=wanted.name, fields=", ".join(fields))
            case webhooks.SurplusWebhook(id=own, name=name):
                said = because("check_webhook_surplus", webhook=name or own)
        yield Finding("webhooks", Severity.ERROR, facts.api_url, said, fixable=True)
    if not drift:
        yield _judge(True, "webhooks", facts.api_url)


def _keys(facts: Facts) -> Finding:
    if facts.published_keys is None:
        said = because("check_jwks_unread", url=jwks_url(facts.api_url))
        return Finding("jwks", Severity.ERROR, facts.api_url, said)
    same = bool(_key_ids(facts.stored_keys) & _key_ids(facts.published_keys))
    return _judge(same, "jwks", facts.api_url, severity=Severity.WARNING)


def _key_ids(jwks: Mapping[str, Any]) -> set[str]:
    return {key["kid"] for key in jwks.get("keys", ()) if key.get("kid")}


def _clock(facts: Facts) -> Finding:
    if facts.skew is None:
        return Finding("clock", Severity.WARNING, facts.api_url, because("check_clock_unknown"))
    seconds = round(facts.skew.total_seconds())
    if abs(facts.skew) > MAX_SKEW:
        said = because("check_clock_ahead" if seconds > 0 else "check_clock_behind", seconds=abs(seconds))
        return Finding("clock", Severity.WARNING, facts.api_url, said)
    return _judge(True, "clock", facts.api_url, seconds=abs(seconds))


def _shop(installation: InstallationAnswer) -> Iterator[Finding]:
    paid = not installation.shop.fulfillment_allow_unpaid
    yield _judge(paid, "fulfillment_unpaid", "shop", severity=Severity.WARNING, fixable=True)
    yield _judge(bool(active_channels(installation)), "channels", "shop")


def _taxes(channel: SaleorChannel) -> Iterator[Finding]:
    taxes, own = channel.tax_configuration, manifest_source()["id"]
    ours = taxes.tax_calculation_strategy == "TAX_APP" and taxes.tax_app_id == own
    by = taxes.tax_app_id or taxes.tax_calculation_strategy or "nobody"
    yield _judge(ours, "tax_app", channel.slug, fixable=True, by=by, own=own)
    yield _judge(taxes.charge_taxes, "charge_taxes", channel.slug, fixable=True)
    # Not fixable by us: every price that was entered would mean something else from one moment to the next.
    yield _judge(not taxes.prices_entered_with_tax, "prices_with_tax", channel.slug, severity=Severity.WARNING)
    bypass = _bypassing(channel)
    others = sorted({row.country.code for row in taxes.countries} - set(bypass))
    if bypass:
        said = because("check_tax_countries_bypass", countries=", ".join(bypass))
        yield Finding("tax_countries", Severity.ERROR, channel.slug, said, fixable=True)
    if others:
        said = because("check_tax_countries_others", countries=", ".join(others), own=own)
        yield Finding("tax_countries", Severity.WARNING, channel.slug, said)
    if not taxes.countries:
        yield _judge(True, "tax_countries", channel.slug)


def _bypassing(channel: SaleorChannel) -> list[str]:
    """Countries whose exception keeps Saleor from asking the tax app (saleor-facts 3)."""
    return sorted(
        row.country.code
        for row in channel.tax_configuration.countries
        if row.tax_calculation_strategy != "TAX_APP" or not row.charge_taxes
    )


def _settings(channel: SaleorChannel) -> Iterator[Finding]:
    for wanted in CHANNEL_SETTINGS:
        met = wanted.met(channel)
        code = "check_channel_ok" if met else f"check_channel_{wanted.code}"
        said = because(code, name=wanted.name, value=_shown(wanted.value))
        yield Finding(wanted.code, Severity.OK if met else Severity.ERROR, channel.slug, said, fixable=not met)


def _bank(settings: ShopSettings, channel: SaleorChannel) -> Finding:
    try:
        account = bank_account(settings, channel.slug, channel.currency_code)
    except InvalidInput as error:
        return Finding("bank_account", Severity.ERROR, channel.slug, because("check_bank_account_wrong", **told("why", error)))
    return _judge(account is not None, "bank_account", channel.slug, currency=channel.currency_code)


def _modes(settings: ShopSettings, installation: InstallationAnswer) -> Iterator[Finding]:
    active = {channel.slug for channel in active_channels(installation)}
    for slug in settings.reseller_only_channels:
        yield _judge(slug in active, "channel_mode", slug)


def _vendor(settings: ShopSettings) -> Iterator[Finding]:
    yield _judge(bool(settings.seller.name), "seller", "shop")
    yield _judge(bool(settings.account_redirect_url), "account_redirect", "shop", severity=Severity.WARNING)


def _states(facts: Facts) -> Iterator[Finding]:
    registered = {state for state, rows in facts.tax.registrations.items() if any(row.valid(facts.today) for row in rows)}
    rated = {
        (state, zip_code, tax_class)
        for (state, zip_code, tax_class), rates in facts.tax.rates.items()
        if any(rate.valid(facts.today) for rate in rates)
    }
    for state in sorted(registered):
        yield _judge((state, None, None) in rated, "state_rate", state)
    unregistered = sorted({state for state, _, _ in rated} - registered)
    if unregistered:
        yield _found("state_not_registered", Severity.WARNING, ", ".join(unregistered))


def _rate_age(facts: Facts) -> Iterator[Finding]:
    """An old table is said to be old, and goes on counting (edge case 42)."""
    if facts.rates_imported is not None:
        days = facts.settings.program.rate_table_days
        recent = facts.today - facts.rates_imported <= timedelta(days=days)
        yield _judge(recent, "rate_table", "shop", severity=Severity.WARNING, on=facts.rates_imported, days=days)


def _flat(facts: Facts) -> Iterator[Finding]:
    if facts.flat_rates is not None:
        same = dict(rates_of(facts.flat_rates)) == dict(facts.tax.flat)
        yield _judge(same, "flat_rates", "shop", fixable=True)


def _mail(facts: Facts) -> Iterator[Finding]:
    minutes = int(facts.mails_waiting_since.total_seconds()) // 60
    if not facts.mails_waiting:
        yield Finding("mail", Severity.OK, "mail", because("check_mail_none"))
    elif facts.mails_waiting_since > MAIL_LATE and not facts.mail_words:
        said = because("check_mail_no_worker", count=facts.mails_waiting, minutes=minutes)
        yield Finding("mail", Severity.ERROR, "mail", said)
    else:
        in_time = facts.mails_waiting_since <= MAIL_LATE
        yield _judge(in_time, "mail", "mail", count=facts.mails_waiting, minutes=minutes, words=facts.mail_words)
    if facts.mailbox_problem:
        yield _found("mailbox", Severity.ERROR, "mail", words=facts.mailbox_problem)


def _shown(value: bool | str) -> str:
    return value if isinstance(value, str) else "on" if value else "off"


def _judge(
    good: bool, code: str, subject: str, *, severity: Severity = Severity.ERROR, fixable: bool = False, **facts: object
) -> Finding:
    """A check that says `check_<code>_ok` when it is met, else `check_<code>`."""
    if good:
        return Finding(code, Severity.OK, subject, because(f"check_{code}_ok", **facts))
    return _found(code, severity, subject, fixable=fixable, **facts)


def _found(code: str, severity: Severity, subject: str, *, fixable: bool = False, **facts: object) -> Finding:
    return Finding(code, severity, subject, because(f"check_{code}", **facts), fixable)


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

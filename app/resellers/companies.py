"""Whether two entries are the same company: by tax number, website, name and place, or mail domain (edge cases 1 and 24)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.reasons import Reason, because, register
from app.resellers.rules import ascii_domain, fold_email

register(
    {
        "same_tax_number": "Both have the tax number {number}.",
        "same_website": "Both have the website {host}.",
        "same_name_and_place": 'Both are called "{name}" at postal code {postal_code}.',
        "same_mail_domain": "Both write from {domain}.",
    }
)

MIN_TAX_NUMBER = 5
"""Shorter ones, and those without a digit, are no numbers: "n/a", "none"."""

# Domains where anybody gets a mailbox: sharing one says nothing (edge case 24).
_FREE_MAIL = """
    gmail.com googlemail.com icloud.com me.com mac.com aol.com msn.com gmx.net gmx.de gmx.at gmx.ch gmx.com web.de
    t-online.de freenet.de arcor.de posteo.de mailbox.org mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.com
    ya.ru proton.me protonmail.com pm.me tutanota.com tuta.io qq.com 163.com 126.com sina.com foxmail.com zoho.com
    mail.com email.com hey.com fastmail.com orange.fr free.fr laposte.net wanadoo.fr sfr.fr libero.it virgilio.it
    alice.it wp.pl o2.pl onet.pl interia.pl seznam.cz naver.com hanmail.net daum.net comcast.net verizon.net
    att.net sbcglobal.net cox.net charter.net btinternet.com sky.com bluewin.ch rediffmail.com uol.com.br
    bol.com.br terra.com.br telenet.be ziggo.nl kpnmail.nl rocketmail.com ymail.com duck.com mailinator.com
"""
FREE_MAIL = frozenset(_FREE_MAIL.split())
FREE_MAIL_BRANDS = frozenset({"yahoo", "hotmail", "outlook", "live"})
"""The same under the domain of many countries, like hotmail.co.uk."""
_SHARED_HOSTS = """
    facebook.com linkedin.com instagram.com twitter.com x.com youtube.com tiktok.com xing.com github.com
    sites.google.com amazon.com ebay.com ebay.de etsy.com linktr.ee
"""
SHARED_HOSTS = frozenset(_SHARED_HOSTS.split())
"""Many companies have a page there: sharing one says nothing."""
_LEGAL_FORMS = """
    inc incorporated llc llp lp ltd limited plc corp corporation co company gmbh mbh ag kg ohg ug gbr ev se sa sas
    sarl srl spa bv nv ab as oy aps sro doo pty pte kft zrt haftungsbeschrankt und and the
"""
LEGAL_FORMS = frozenset(_LEGAL_FORMS.split())


@dataclass(frozen=True, slots=True)
class Company:
    """A company as it is compared; `emails` of all its users."""

    name: str
    postal_code: str
    tax_number: str
    website: str
    emails: frozenset[str]


@dataclass(frozen=True, slots=True)
class Keys:
    """What two companies are compared by; None where there is nothing to compare."""

    tax_number: str | None
    host: str | None
    name: str
    postal_code: str
    domains: frozenset[str]


def keys(company: Company) -> Keys:
    """The company folded for comparing."""
    return Keys(
        tax_number=tax_key(company.tax_number),
        host=website_host(company.website),
        name=name_key(company.name),
        postal_code=_letters(company.postal_code).upper(),
        domains=frozenset(domain for email in company.emails if (domain := mail_domain(email)) is not None),
    )


def same_company(one: Keys, other: Keys) -> tuple[Reason, ...]:
    """Why both may be one company; empty when nothing says so. A proposal for staff, never a decision (edge case 1)."""
    reasons = []
    if one.tax_number is not None and one.tax_number == other.tax_number:
        reasons.append(because("same_tax_number", number=one.tax_number))
    if one.host is not None and one.host == other.host:
        reasons.append(because("same_website", host=one.host))
    if one.name and one.postal_code and (one.name, one.postal_code) == (other.name, other.postal_code):
        reasons.append(because("same_name_and_place", name=one.name, postal_code=one.postal_code))
    reasons += [because("same_mail_domain", domain=domain) for domain in sorted(one.domains & other.domains)]
    return tuple(reasons)


def tax_key(number: str) -> str | None:
    """A tax number without its punctuation, in upper case; None for what is none."""
    plain = _letters(number).upper()
    return plain if len(plain) >= MIN_TAX_NUMBER and any(letter.isdigit() for letter in plain) else None


def name_key(name: str) -> str:
    """A company's name without accents, case, punctuation and legal form; the whole name where nothing else is left."""
    words = re.findall(r"\w+", _plain(name).replace(".", ""))
    return " ".join(word for word in words if word not in LEGAL_FORMS) or " ".join(words)


def website_host(website: str, *, shared: bool = False) -> str | None:
    """The host of a web address without `www.`, in ASCII; None for what is none and, unless `shared`, for a page on a host of
    many companies."""
    text = website.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        name = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return None
    host = ascii_domain(name.rstrip("."))
    if parts.scheme not in ("http", "https") or host is None or not re.search(r"\.[a-z][a-z0-9-]*$", host):
        return None
    host = host.removeprefix("www.")
    return None if host in SHARED_HOSTS and not shared else host


def mail_domain(email: str) -> str | None:
    """The domain of an address that tells the company; None where anybody gets a mailbox (edge case 24)."""
    domain = fold_email(email).rpartition("@")[2]
    free = domain in FREE_MAIL or domain.partition(".")[0] in FREE_MAIL_BRANDS
    return None if free or "." not in domain else domain


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _letters(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if letter.isalnum())

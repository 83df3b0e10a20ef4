"""The approved business address, checked and written in one way: it is the place of sales tax (`rules.md` 10.1)."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from app.errors import InvalidInput

US_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii",
    "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi",
    "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey",
    "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
    "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming", "PR": "Puerto Rico", "GU": "Guam",
    "VI": "U.S. Virgin Islands", "AS": "American Samoa", "MP": "Northern Mariana Islands",
}  # fmt: skip
"""Places with a sales tax of their own or none, as the US Postal Service writes them."""

_BY_NAME = {name.casefold(): code for code, name in US_STATES.items()}
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
_NOT_COUNTRIES = {"EU", "EZ", "UN", "QO", "XA", "XB", "XK", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
"""Codes CLDR knows beside the countries of ISO 3166-1."""


def us_state(text: str, field: str = "state") -> str:
    """The two-letter code of a US state given as code or English name. Raises InvalidInput that names `field`."""
    given = " ".join(text.split())
    code = given.upper() if given.upper() in US_STATES else _BY_NAME.get(given.casefold())
    if code is None:
        raise InvalidInput(f"{field}: {text!r} is not a US state; give its two letters, like TX.", code="us_state")
    return code


def us_zip(text: str, field: str = "postal_code") -> str:
    """A ZIP code of five digits, or nine with a hyphen. Raises InvalidInput that names `field`."""
    if not _ZIP.fullmatch(text.strip()):
        raise InvalidInput(f"{field}: {text!r} is not a ZIP code; give five digits, or nine as 12345-6789.", code="zip")
    return text.strip()


def country_code(text: str) -> str:
    """An ISO 3166-1 code in upper case. Raises InvalidInput that names the field."""
    code = text.strip().upper()
    if code not in _countries():
        raise InvalidInput(f"country: {text!r} is not an ISO 3166 country code, like US or DE.", code="country")
    return code


@cache
def _countries() -> frozenset[str]:
    codes = {str(code) for code in Locale("en").territories}
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _NOT_COUNTRIES

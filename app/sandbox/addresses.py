"""Addresses as Saleor takes them: checked and put in form by Google's address data, of which this is the part the demo needs.

A name of a state becomes its code, cities are written in capitals, and what a country does not use is emptied
(saleor `account/i18n.py`; seen on a real 3.23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.sandbox.context import Refused
from app.sandbox.rows.people import Address

REQUIRED = "This field is required."
INVALID = "This value is not valid for the address."


@dataclass(frozen=True)
class Country:
    """How a country writes its addresses. `areas` are its states: code -> name and the beginning of their postal codes."""

    postal_code: str
    capitals: tuple[str, ...] = ("city",)
    has_areas: bool = False
    areas: Mapping[str, tuple[str, str]] | None = None


US_STATES = {
    "AL": ("Alabama", "3[56]"),
    "AK": ("Alaska", "99[5-9]"),
    "AZ": ("Arizona", "8[56]"),
    "AR": ("Arkansas", "71[6-9]|72"),
    "CA": ("California", "9[0-5]|96[01]"),
    "CO": ("Colorado", "8[01]"),
    "CT": ("Connecticut", "06"),
    "DE": ("Delaware", "19[7-9]"),
    "DC": ("District of Columbia", "20[02-5]|569"),
    "FL": ("Florida", "3[23]|34[1-9]"),
    "GA": ("Georgia", "3[01]|398|39901"),
    "HI": ("Hawaii", "967[0-8]|9679[0-8]|968"),
    "ID": ("Idaho", "83[2-9]"),
    "IL": ("Illinois", "6[0-2]"),
    "IN": ("Indiana", "4[67]"),
    "IA": ("Iowa", "5[0-2]"),
    "KS": ("Kansas", "6[67]"),
    "KY": ("Kentucky", "4[01]|42[0-7]"),
    "LA": ("Louisiana", "70|71[0-5]"),
    "ME": ("Maine", "039|04"),
    "MD": ("Maryland", "20[6-9]|21"),
    "MA": ("Massachusetts", "01|02[0-7]|05501|05544"),
    "MI": ("Michigan", "4[89]"),
    "MN": ("Minnesota", "55|56[0-7]"),
    "MS": ("Mississippi", "38[6-9]|39[0-7]"),
    "MO": ("Missouri", "6[3-5]"),
    "MT": ("Montana", "59"),
    "NE": ("Nebraska", "6[89]"),
    "NV": ("Nevada", "889|89"),
    "NH": ("New Hampshire", "03[0-8]"),
    "NJ": ("New Jersey", "0[78]"),
    "NM": ("New Mexico", "87|88[0-4]"),
    "NY": ("New York", "1[0-4]|06390|00501|00544"),
    "NC": ("North Carolina", "2[78]"),
    "ND": ("North Dakota", "58"),
    "OH": ("Ohio", "4[3-5]"),
    "OK": ("Oklahoma", "7[34]"),
    "OR": ("Oregon", "97"),
    "PA": ("Pennsylvania", "1[5-8]|19[0-6]"),
    "PR": ("Puerto Rico", "00[679]"),
    "RI": ("Rhode Island", "02[89]"),
    "SC": ("South Carolina", "29"),
    "SD": ("South Dakota", "57"),
    "TN": ("Tennessee", "37|38[0-5]"),
    "TX": ("Texas", "7[5-9]|885|73301|73344"),
    "UT": ("Utah", "84"),
    "VT": ("Vermont", "05"),
    "VA": ("Virginia", "201|2[23]|24[0-6]"),
    "WA": ("Washington", "98|99[0-4]"),
    "WV": ("West Virginia", "24[7-9]|2[56]"),
    "WI": ("Wisconsin", "5[34]"),
    "WY": ("Wyoming", "82|83[01]|83414"),
}
COUNTRIES = {
    "AT": Country(r"\d{4}"),
    "CH": Country(r"\d{4}", capitals=()),
    "DE": Country(r"\d{5}"),
    "FR": Country(r"\d{2} ?\d{3}"),
    "GB": Country(r"[A-Z\d]{2,4} ?\d[A-Z]{2}", capitals=("city", "postal_code")),
    "PL": Country(r"\d{2}-\d{3}"),
    "US": Country(r"\d{5}([ -]\d{4})?", capitals=("city", "country_area"), has_areas=True, areas=US_STATES),
}
ELSEWHERE = Country(r".*", has_areas=True)


def address_from(input: Mapping[str, Any]) -> Address:
    """A new address from an `AddressInput`. Raises Refused with every field that is missing or wrong."""
    fields = {name: value for name, value in input.items() if name not in ("metadata", "skip_validation") and value is not None}
    address = Address(**fields, metadata={item["key"]: item["value"] for item in input.get("metadata") or ()})
    if not input.get("skip_validation"):
        _put_in_form(address)
    return address


def _put_in_form(address: Address) -> None:
    country = COUNTRIES.get(address.country, ELSEWHERE)
    if not address.country:
        raise Refused("country", REQUIRED, "REQUIRED")
    for name in country.capitals:
        setattr(address, name, getattr(address, name).upper())
    wrong = {name: REQUIRED for name in ("street_address_1", "city", "postal_code") if not getattr(address, name)}
    if not country.has_areas:
        address.country_area = ""
    elif country.areas is not None:
        wrong |= _area(address, country.areas)
    if address.postal_code and not re.fullmatch(country.postal_code, address.postal_code):
        wrong["postal_code"] = INVALID
    if wrong:
        errors = [
            (_camel(name), message, "REQUIRED" if message == REQUIRED else "INVALID") for name, message in sorted(wrong.items())
        ]
        raise Refused(*errors[0], *errors[1:])


def _area(address: Address, areas: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Write the state as its code; what is wrong with it, or with the postal code in it."""
    if not address.country_area:
        return {"country_area": REQUIRED}
    named = address.country_area.upper()
    code = next((code for code, (name, _) in areas.items() if named in (code, name.upper())), None)
    if code is None:
        return {"country_area": INVALID}
    address.country_area = code
    if address.postal_code and not re.match(areas[code][1], address.postal_code):
        return {"postal_code": INVALID}
    return {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)

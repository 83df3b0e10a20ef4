"""What staff should look at in a certificate before they decide; nothing of it decides by itself (edge cases 38 and 39)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.reasons import Reason, because, register

register(
    {
        "needs_state_form": "{states} needs its own form: the Multistate Tax Commission's is not taken there.",
        "certificate_other_state": "It is not for {state}, where the reseller's business address is: its orders stay taxed.",
        "certificate_not_us": "The reseller is in {country}; it pays no US sales tax in any case.",
    }
)

_TAKEN = """
    AL AK AZ AR CA CO CT FL GA HI ID IL IA KS KY ME MD MI MN MO NE NV NJ NM NC ND OH OK PA RI SC SD TN TX UT VT WA WI
"""
MTC_STATES = frozenset(_TAKEN.split())
"""States that take the Uniform Sales & Use Tax Resale Certificate of the Multistate Tax Commission, as its form lists them."""
_MTC = re.compile(r"\bmtc\b|multi-?\s?(?:state|jurisdiction)|\buniform sales\b", re.IGNORECASE)


def look_at(*, form: str, states: Iterable[str], reseller_country: str, reseller_state: str) -> tuple[Reason, ...]:
    """The findings about a certificate's form and states, for staff who decide about it."""
    codes = sorted(states)
    reasons = []
    if _MTC.search(form) and (strange := [state for state in codes if state not in MTC_STATES]):
        reasons.append(because("needs_state_form", states=", ".join(strange)))
    if reseller_country != "US":
        reasons.append(because("certificate_not_us", country=reseller_country))
    elif reseller_state not in codes:
        reasons.append(because("certificate_other_state", state=reseller_state))
    return tuple(reasons)

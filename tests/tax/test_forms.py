import pytest

from app.resellers.addresses import US_STATES
from app.tax.forms import MTC_STATES, look_at


def codes(form: str, *states: str, country: str = "US", state: str = "TX") -> list[str]:
    return [reason.code for reason in look_at(form=form, states=states, reseller_country=country, reseller_state=state)]


@pytest.mark.parametrize(
    "form", ["MTC", "mtc uniform certificate", "Multijurisdiction", "Multi-state resale", "Uniform Sales & Use Tax"]
)
def test_case_38_a_uniform_form_for_a_state_that_does_not_take_it(form: str) -> None:
    assert set(US_STATES) > MTC_STATES
    assert codes(form, "TX", "NY", "MA") == ["needs_state_form"]
    (reason,) = look_at(form=form, states=["TX", "NY", "MA"], reseller_country="US", reseller_state="TX")
    assert str(reason).startswith("MA, NY needs its own form")
    assert codes(form, "TX", "OK") == []


@pytest.mark.parametrize("form", ["01-339", "ST-120", ""])
def test_a_states_own_form_is_not_asked_about(form: str) -> None:
    assert codes(form, "TX", "NY") == []


def test_case_39_a_certificate_for_other_states_than_the_resellers() -> None:
    assert codes("01-339", "OK") == ["certificate_other_state"]
    assert codes("", "OK", country="DE", state="") == ["certificate_not_us"]

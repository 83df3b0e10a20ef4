import pytest

from app.reasons import Reason, because, register, sentence

register({"test_debt": "Order {order} owes {amount}."})


def test_a_reason_survives_storage_and_can_be_said() -> None:
    reason = because("test_debt", order=1042, amount="118.80 USD")
    assert Reason.from_dict(reason.as_dict()) == reason
    assert str(reason) == sentence(reason) == "Order 1042 owes 118.80 USD."


def test_a_reason_without_a_sentence_is_refused() -> None:
    with pytest.raises(KeyError, match="no sentence"):
        because("test_unsaid")


def test_one_code_has_one_sentence() -> None:
    register({"test_debt": "Order {order} owes {amount}."})
    with pytest.raises(ValueError, match="two sentences"):
        register({"test_debt": "Something else."})

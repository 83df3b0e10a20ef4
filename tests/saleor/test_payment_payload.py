import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.saleor.payment_payload import ActionRequested, Checkout, GatewayInitialize, Order, Session

RECORDED = Path("/work/shared/saleor/recorded/transaction_initialize_session.json")

ADDRESS: dict[str, Any] = {
    "companyName": "ACME", "firstName": "Ann", "lastName": "Lee", "streetAddress1": "1 Main St", "streetAddress2": "",
    "city": "Austin", "postalCode": "78701", "countryArea": "TX", "country": {"code": "US"},
    "metadata": [{"key": "email", "value": " ann@acme.example "}, {"key": "empty", "value": ""}],
}  # fmt: skip
PRICE = {"net": {"amount": 18.00}, "gross": {"amount": 19.49}}
CHECKOUT: dict[str, Any] = {
    "__typename": "Checkout", "id": "C1", "user": {"id": "u1"},
    "channel": {"slug": "default", "taxConfiguration": {"pricesEnteredWithTax": False}},
    "email": "orders@partner.example", "languageCode": "EN_US", "voucherCode": None,
    "metadata": [{"key": "po_number", "value": " PO-7 "}],
    "totalPrice": {"currency": "USD", **PRICE}, "shippingPrice": {"gross": {"amount": 0.0}}, "discount": None,
    "billingAddress": ADDRESS, "shippingAddress": None, "lines": [],
}  # fmt: skip
PRODUCT = {
    "id": "P1", "name": "Grid", "category": None, "collections": None, "taxClass": None, "productType": {"taxClass": None},
}  # fmt: skip
LINE: dict[str, Any] = {
    "id": "L1", "quantity": 1, "isGift": False, "totalPrice": PRICE,
    "variant": {"id": "V1", "sku": None, "name": "", "product": PRODUCT, "channelListings": None, "pricing": None},
}  # fmt: skip
SESSION: dict[str, Any] = {
    "recipient": {"id": "A"}, "issuedAt": "2026-03-02T12:00:00+00:00", "issuingPrincipal": {"__typename": "User", "id": "u1"},
    "transaction": {"id": "T1", "pspReference": ""}, "merchantReference": "M1", "idempotencyKey": "k", "data": {"any": 1},
    "action": {"amount": 19.49, "currency": "USD", "actionType": "CHARGE"}, "sourceObject": CHECKOUT,
}  # fmt: skip


def read(**changed: Any) -> Session:
    return Session.model_validate_json(json.dumps(SESSION | changed))


def test_a_checkout_is_read_with_exact_amounts() -> None:
    found = read()
    source = found.source_object
    assert isinstance(source, Checkout)
    assert (source.total_price.gross.amount, found.action.amount) == (Decimal("19.49"), Decimal("19.49"))
    assert source.billing_address is not None
    assert source.billing_address.street_address1 == "1 Main St"


def test_metadata_values_are_trimmed_and_may_be_missing() -> None:
    source = read().source_object
    assert isinstance(source, Checkout)
    assert source.billing_address is not None
    assert [source.billing_address.meta(key) for key in ("email", "empty", "other")] == ["ann@acme.example", "", ""]
    assert [source.meta(key) for key in ("po_number", "other")] == ["PO-7", ""]


def test_an_order_as_source() -> None:
    order = {
        "__typename": "Order", "id": "O1", "user": None, "channel": {"slug": "default"}, "number": "42",
        "total": {"currency": "USD", **PRICE},
    }  # fmt: skip
    source = read(sourceObject=order).source_object
    assert isinstance(source, Order)
    assert source.number == "42"


@pytest.mark.parametrize(
    "changed",
    [
        {"sourceObject": None},
        {"sourceObject": {"__typename": "Voucher", "id": "x"}},
        {"sourceObject": {key: value for key, value in CHECKOUT.items() if key != "billingAddress"}},
        {"action": {"amount": "much", "currency": "USD", "actionType": "CHARGE"}},
        {"action": {"amount": None, "currency": "USD", "actionType": "CHARGE"}},
        {"issuingPrincipal": {"__typename": "Robot", "id": "x"}},
        {"transaction": None},
    ],
)
def test_what_cannot_be_a_session(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(**changed)


def test_a_missing_field_is_an_error_and_not_an_empty_value() -> None:
    for name in ("recipient", "issuingPrincipal", "transaction", "action", "sourceObject"):
        with pytest.raises(ValidationError, match=name):
            Session.model_validate({key: value for key, value in SESSION.items() if key != name})


def test_nobody_named_and_no_action_amount() -> None:
    assert read(issuingPrincipal=None, recipient=None).issuing_principal is None
    body = {"recipient": None, "issuingPrincipal": None, "sourceObject": CHECKOUT, "amount": None}
    assert GatewayInitialize.model_validate(body).amount is None
    asked = {
        "recipient": None, "issuedAt": None, "issuingPrincipal": None, "transaction": None,
        "action": {"actionType": "VOID", "amount": None, "currency": "USD"},
    }  # fmt: skip
    assert ActionRequested.model_validate(asked).action.amount is None


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded bodies live beside the checkout, not in it")
def test_a_recorded_body_as_far_as_its_older_subscription_asked() -> None:
    body = json.loads(base64.b64decode(json.loads(RECORDED.read_text())["body_base64"]))
    (line,) = body["sourceObject"]["lines"]
    known = SESSION | {"sourceObject": CHECKOUT | {"shippingAddress": ADDRESS, "lines": [LINE]}}
    found = Session.model_validate_json(json.dumps(filled(known, body)))
    assert isinstance(found.source_object, Checkout)
    assert found.source_object.id == body["sourceObject"]["id"]
    assert found.action.amount == Decimal(str(body["action"]["amount"]))
    assert found.transaction.id == body["transaction"]["id"]
    assert found.source_object.shipping_address is not None
    assert found.source_object.shipping_address.meta("email") == "eva@acme.example"
    assert [(item.id, item.quantity) for item in found.source_object.lines] == [(line["id"], 2)]


def filled(ours: Any, real: Any) -> Any:
    """The real body with what today's subscription asks beyond it."""
    if isinstance(ours, dict) and isinstance(real, dict):
        return ours | {key: filled(ours.get(key), value) for key, value in real.items()}
    if isinstance(ours, list) and isinstance(real, list) and ours and isinstance(ours[0], dict):
        return [filled(ours[0], value) for value in real]
    return real

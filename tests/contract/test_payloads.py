"""Every webhook's model reads what each Saleor line can send for its subscription: all that may be null null, and all filled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_nullable_type,
    is_non_null_type,
    parse,
)
from pydantic import BaseModel

from app.saleor import tax_payload
from app.saleor.payment_payload import ActionRequested, Checkout, GatewayInitialize, Order, Session
from app.saleor.resources import ROOT
from app.web.webhooks.events import APP_EVENTS, CUSTOMER_EVENTS, ORDER_EVENTS, AppEvent, CustomerEvent, InvoiceEvent, OrderEvent
from tests.contract.test_answers import MISSING, SCHEMAS, Synthesis, keys, schema
from tests.contract.test_documents import LACKING

# Saleor writes its decimals as numbers and its JSON scalar as anything.
SCALARS: dict[str, Any] = {"PositiveDecimal": 19.99, "Decimal": 19.99, "JSON": {"key": ["value"]}}
MODELS: dict[str, type[BaseModel | msgspec.Struct]] = {
    "checkout_calculate_taxes": tax_payload.CalculateTaxes,
    "order_calculate_taxes": tax_payload.CalculateTaxes,
    "payment_gateway_initialize_session": GatewayInitialize,
    "transaction_initialize_session": Session,
    "transaction_process_session": Session,
    "transaction_charge_requested": ActionRequested,
    "transaction_refund_requested": ActionRequested,
    "transaction_cancelation_requested": ActionRequested,
    **dict.fromkeys(ORDER_EVENTS, OrderEvent),
    "invoice_requested": InvoiceEvent,
    **dict.fromkeys(CUSTOMER_EVENTS, CustomerEvent),
    **dict.fromkeys(APP_EVENTS, AppEvent),
}
CASES = [
    pytest.param(event, path, id=f"{event}-{path.stem}")
    for event in MODELS
    for path in SCHEMAS
    if (path.stem, event) not in LACKING
] or [pytest.param("", Path(), marks=MISSING)]


class Payloads(Synthesis):
    """Bodies of webhooks: the selection under `event`, as Saleor sends it without an envelope."""

    def body(self, event: str) -> dict[str, Any]:
        operation = parse((ROOT / "graphql" / "subscriptions" / f"{event}.graphql").read_text()).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        (root,) = operation.selection_set.selections
        assert isinstance(root, FieldNode)
        assert root.selection_set is not None
        (fragment,) = root.selection_set.selections
        assert isinstance(fragment, InlineFragmentNode)
        assert fragment.type_condition is not None
        kind = self.schema.get_type(fragment.type_condition.name.value)
        assert isinstance(kind, GraphQLObjectType)
        return self._object(kind, fragment.selection_set)

    def _value(self, kind: GraphQLOutputType, node: FieldNode) -> Any:
        name = str(get_nullable_type(kind))
        if name in SCALARS and (self.filled or is_non_null_type(kind)):
            return SCALARS[name]
        return super()._value(kind, node)


def read(event: str, body: dict[str, Any]) -> Any:
    model, raw = MODELS[event], json.dumps(body).encode()
    if issubclass(model, BaseModel):
        return model.model_validate_json(raw)
    return msgspec.json.decode(raw, type=model)


def test_every_subscription_has_its_model_and_the_other_way_round() -> None:
    assert sorted(MODELS) == sorted(path.stem for path in (ROOT / "graphql" / "subscriptions").glob("*.graphql"))


@pytest.mark.parametrize(("event", "path"), CASES)
def test_a_body_is_read(event: str, path: Path) -> None:
    empty = Payloads(schema(path), filled=False).body(event)
    if "sourceObject" in empty:
        assert isinstance(read(event, empty).source_object, Checkout)
    else:
        read(event, empty)
    for concrete in (0, 1):
        found = read(event, Payloads(schema(path), filled=True, concrete=concrete).body(event))
        assert found.recipient.id == "SUQ6MQ=="
        if isinstance(found, Session | GatewayInitialize):
            assert isinstance(found.source_object, (Checkout, Order)[concrete])
        if isinstance(found, tax_payload.CalculateTaxes):
            (line, _) = found.tax_base.lines
            assert (line.source_line.variant is None) is (concrete == 1)
            assert (line.source_line.order_variant is None) is (concrete == 0)


@pytest.mark.parametrize(("event", "path"), CASES)
def test_what_is_read_is_asked_for(event: str, path: Path) -> None:
    if not issubclass(MODELS[event], BaseModel):
        return
    for concrete in (0, 1):
        body = Payloads(schema(path), filled=True, concrete=concrete).body(event)
        shown = keys(read(event, body).model_dump(by_alias=True, mode="json", exclude_unset=True))
        assert not list(missing(shown, keys(body)))


def missing(shown: Any, asked: Any, at: str = "") -> Any:
    """Where the model read what the body does not hold."""
    if isinstance(shown, dict) and isinstance(asked, dict):
        for name, below in shown.items():
            if name not in asked:
                yield f"{at}.{name}"
            else:
                yield from missing(below, asked[name], f"{at}.{name}")
    elif isinstance(shown, list) and isinstance(asked, list):
        for below, other in zip(shown, asked, strict=True):
            yield from missing(below, other, at)

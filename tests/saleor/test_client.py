"""Asking a shop: what is repeated, what is not, and which exception each refusal becomes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from app.errors import SaleorError
from app.saleor.client import (
    LONGEST_WAIT,
    GraphQLProblem,
    SaleorClient,
    SaleorDenied,
    SaleorQueryError,
    SaleorRefused,
    SaleorUnreachable,
)
from app.saleor.operations import (
    CUSTOMER,
    FLAT_RATES,
    ORDER_CONFIRM,
    ORDER_NOTE_ADD,
    TRANSACTION_EVENT_REPORT,
    WEBHOOK_DELETE,
)

API = "https://shop.example/graphql/"
NOBODY = {"data": {"user": None}}
CONFIRMED = {"data": {"orderConfirm": {"order": {"id": "T1", "status": "UNFULFILLED"}, "errors": []}}}


class Waits(list[float]):
    """A sleep that only remembers."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def client(waits: Waits) -> AsyncIterator[SaleorClient]:
    client = SaleorClient(API, "a-token", timeout=2.0, sleep=waits, chance=lambda: 0.5)
    yield client
    await client.close()


@respx.mock
async def test_a_question_and_its_typed_answer(client: SaleorClient) -> None:
    route = respx.post(API).respond(
        json={
            "data": {
                "user": {
                    "id": "VXNlcjox",
                    "email": "buyer@partner.example",
                    "firstName": "",
                    "lastName": "Buyer",
                    "isActive": True,
                    "isConfirmed": False,
                    "languageCode": "EN",
                }
            }
        }
    )
    answer = await client.execute(CUSTOMER, id="VXNlcjox")
    assert answer.user is not None
    assert (answer.user.last_name, answer.user.is_confirmed) == ("Buyer", False)
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Bearer a-token"
    sent = json.loads(request.content)
    assert sent["variables"] == {"id": "VXNlcjox"}
    assert "user(id: $id)" in sent["query"]


@respx.mock
async def test_money_is_read_from_its_digits(client: SaleorClient) -> None:
    body = (
        '{"data": {"taxCountryConfigurations": [{"country": {"code": "US"},'
        ' "taxClassCountryRates": [{"rate": 8.87500000000000001, "taxClass": null}, {"rate": 7, "taxClass": null}]}]}}'
    )
    respx.post(API).respond(text=body)
    answer = await client.execute(FLAT_RATES)
    assert answer.tax_country_configurations is not None
    rates = [rate.rate for rate in answer.tax_country_configurations[0].tax_class_country_rates]
    assert rates == [Decimal("8.87500000000000001"), Decimal(7)], "more digits than a float holds"


@respx.mock
async def test_amounts_and_moments_are_sent_exactly(client: SaleorClient) -> None:
    route = respx.post(API).respond(
        json={"data": {"transactionEventReport": {"transaction": {"id": "T", "pspReference": "B1"}, "errors": []}}}
    )
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    answer = await client.execute(
        TRANSACTION_EVENT_REPORT, id="T", pspReference="B1", type="CHARGE_SUCCESS", amount=Decimal("19.90"), time=moment
    )
    assert answer.transaction_event_report is not None
    assert answer.transaction_event_report.transaction is not None
    sent = json.loads(route.calls.last.request.content)["variables"]
    assert (sent["amount"], sent["time"]) == ("19.90", "2026-03-02T12:00:00Z")


@pytest.mark.parametrize(
    "first",
    [
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(503, json={"errors": [{"message": "down"}]}),
        httpx.Response(429, json={"errors": [{"message": "slow down"}]}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
    ],
    ids=str,
)
@respx.mock
async def test_a_question_is_repeated_after(first: Any, client: SaleorClient, waits: Waits) -> None:
    route = respx.post(API).mock(side_effect=[first, first, httpx.Response(200, json=NOBODY)])
    assert (await client.execute(CUSTOMER, id="x")).user is None
    assert route.call_count == 3
    assert waits == [0.25, 0.5], "half, by chance, of 0.5 and 1 second"


@respx.mock
async def test_attempts_are_bounded_and_the_last_failure_is_told(client: SaleorClient, waits: Waits) -> None:
    route = respx.post(API).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(SaleorUnreachable, match=r"shop\.example.*customer.*attempt 4.*refused"):
        await client.execute(CUSTOMER, id="x")
    assert route.call_count == 4
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "3600"}, LONGEST_WAIT),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:09 GMT", "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 9.0),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:09 GMT"}, 0.25),
        ({"Retry-After": "soon"}, 0.25),
    ],
)
@respx.mock
async def test_retry_after_is_honored_and_capped(
    headers: dict[str, str], waited: float, client: SaleorClient, waits: Waits
) -> None:
    respx.post(API).mock(side_effect=[httpx.Response(429, headers=headers), httpx.Response(200, json=NOBODY)])
    await client.execute(CUSTOMER, id="x")
    assert waits == [waited]


@pytest.mark.parametrize("lost", [httpx.Response(500), httpx.Response(502), httpx.ReadTimeout("slow")], ids=str)
@respx.mock
async def test_a_mutation_that_may_have_happened_is_not_sent_twice(lost: Any, client: SaleorClient, waits: Waits) -> None:
    route = respx.post(API).mock(side_effect=[lost, httpx.Response(200, json=CONFIRMED)])
    with pytest.raises(SaleorUnreachable):
        await client.execute(ORDER_NOTE_ADD, order="T1", message="once")
    assert route.call_count == 1
    assert waits == []


@pytest.mark.parametrize("lost", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused")], ids=str)
@respx.mock
async def test_a_mutation_that_did_not_happen_is_sent_again(lost: Any, client: SaleorClient) -> None:
    respx.post(API).mock(side_effect=[lost, httpx.Response(200, json=CONFIRMED)])
    answer = await client.execute(ORDER_CONFIRM, id="T1")
    assert answer.order_confirm is not None
    assert answer.order_confirm.order is not None
    assert answer.order_confirm.order.status == "UNFULFILLED"


@respx.mock
async def test_a_refused_mutation_is_an_exception(client: SaleorClient, waits: Waits) -> None:
    error = {"field": "id", "code": "INVALID", "message": "Provided order id belongs to an order that is not unconfirmed."}
    respx.post(API).respond(json={"data": {"orderConfirm": {"order": None, "errors": [error]}}})
    with pytest.raises(SaleorRefused, match=r"orderConfirm: id: .*not unconfirmed.*INVALID") as refused:
        await client.execute(ORDER_CONFIRM, id="T1")
    assert refused.value.errors[0].code == "INVALID"
    assert refused.value.errors[0].field == "id"
    assert waits == []


@respx.mock
async def test_graphql_errors_carry_message_path_and_code(client: SaleorClient) -> None:
    error = {"message": "boom", "path": ["user", 0], "extensions": {"exception": {"code": "ValueError"}}}
    respx.post(API).respond(json={"errors": [error], "data": {"user": None}})
    with pytest.raises(SaleorQueryError, match="boom") as failed:
        await client.execute(CUSTOMER, id="x")
    assert not isinstance(failed.value, SaleorDenied)
    assert failed.value.errors == (GraphQLProblem("boom", "user.0", "ValueError"),)


@respx.mock
async def test_a_document_saleor_cannot_run_is_not_repeated(client: SaleorClient, waits: Waits) -> None:
    route = respx.post(API).respond(400, json={"errors": [{"message": "Cannot query field"}, "odd"]})
    with pytest.raises(SaleorQueryError, match=r"Cannot query field.*odd"):
        await client.execute(CUSTOMER, id="x")
    assert (route.call_count, waits) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [
        # As a real Saleor 3.23.28 answers an unknown app token: status 200.
        httpx.Response(
            200,
            json={
                "errors": [
                    {"message": "You need ...", "path": ["app"], "extensions": {"exception": {"code": "PermissionDenied"}}}
                ],
                "data": {"app": None},
            },
        ),
        httpx.Response(401, json={"errors": [{"message": "STOREFRONT_TRAFFIC_NOT_ALLOWED"}]}),
        httpx.Response(403),
    ],
    ids=["permission", "401", "403"],
)
@respx.mock
async def test_a_denial(answer: httpx.Response, client: SaleorClient, waits: Waits) -> None:
    respx.post(API).mock(return_value=answer)
    with pytest.raises(SaleorDenied) as denied:
        await client.execute(CUSTOMER, id="x")
    assert "a-token" not in denied.value.sentence
    assert waits == []


@pytest.mark.parametrize(
    "answer", [httpx.Response(404, text="not here"), httpx.Response(302), httpx.Response(200, text="<html>")], ids=str
)
@respx.mock
async def test_what_is_no_graphql(answer: httpx.Response, client: SaleorClient, waits: Waits) -> None:
    respx.post(API).mock(return_value=answer)
    with pytest.raises(SaleorUnreachable, match=r"shop\.example"):
        await client.execute(CUSTOMER, id="x")
    assert waits == []


@respx.mock
async def test_an_answer_that_lacks_a_field_is_an_error(client: SaleorClient) -> None:
    respx.post(API).respond(json={"data": {"user": {"id": "x"}}})
    with pytest.raises(SaleorError, match="email") as failed:
        await client.execute(CUSTOMER, id="x")
    assert failed.value.code == "saleor_answer"


@respx.mock
async def test_a_shop_that_never_answers_is_given_up_in_time(waits: Waits) -> None:
    client = SaleorClient(API, "a-token", timeout=0.01, sleep=waits)

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    respx.post(API).mock(side_effect=never)
    with pytest.raises(SaleorUnreachable, match=r"nothing within 0\.01 s"):
        await client.execute(WEBHOOK_DELETE, id="x")
    await client.close()


@respx.mock
async def test_an_error_of_our_own_is_not_hidden(client: SaleorClient) -> None:
    respx.post(API).mock(side_effect=RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        await client.execute(CUSTOMER, id="x")


@respx.mock
async def test_many_at_once_share_one_session_and_a_closed_one_opens_again(client: SaleorClient) -> None:
    route = respx.post(API).respond(json=NOBODY)
    await asyncio.gather(*(client.execute(CUSTOMER, id="x") for _ in range(10)))
    await client.close()
    await client.execute(CUSTOMER, id="x")
    assert route.call_count == 11

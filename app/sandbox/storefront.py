"""A storefront's side of the story: what a real one sends, for the sandbox and for a real Saleor 3.23 alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from app.errors import SaleorError

SIGN_IN = """mutation SignIn($email: String!, $password: String!) {
  tokenCreate(email: $email, password: $password) { token user { id } errors { field code message } }
}"""
VARIANT = """query Variant($sku: String!, $channel: String!) {
  productVariant(sku: $sku, channel: $channel) { id }
}"""
CREATE = """mutation Create($input: CheckoutCreateInput!) {
  checkoutCreate(input: $input) { checkout { id } errors { field code message } }
}"""
ATTACH = """mutation Attach($id: ID!) {
  checkoutCustomerAttach(id: $id) { checkout { id } errors { field code message } }
}"""
DETACH = """mutation Detach($id: ID!) {
  checkoutCustomerDetach(id: $id) { checkout { id } errors { field code message } }
}"""
SET_EMAIL = """mutation SetEmail($id: ID!, $email: String!) {
  checkoutEmailUpdate(id: $id, email: $email) { checkout { id } errors { field code message } }
}"""
SET_BILLING = """mutation SetBilling($id: ID!, $address: AddressInput!) {
  checkoutBillingAddressUpdate(id: $id, billingAddress: $address, saveAddress: false) {
    checkout { id }
    errors { field code message }
  }
}"""
SET_SHIPPING = """mutation SetShipping($id: ID!, $address: AddressInput!) {
  checkoutShippingAddressUpdate(id: $id, shippingAddress: $address, saveAddress: false) {
    checkout { id }
    errors { field code message }
  }
}"""
SET_METADATA = """mutation SetMetadata($id: ID!, $input: [MetadataInput!]!) {
  updateMetadata(id: $id, input: $input) { item { __typename } errors { field code message } }
}"""
ADD_VOUCHER = """mutation AddVoucher($id: ID!, $code: String!) {
  checkoutAddPromoCode(id: $id, promoCode: $code) { checkout { id } errors { field code message } }
}"""
PRICES = """query Prices($id: ID!) {
  checkout(id: $id) {
    totalPrice { currency net { amount } gross { amount } tax { amount } }
    lines {
      quantity
      unitPrice { net { amount } gross { amount } }
      undiscountedUnitPrice { amount }
      totalPrice { net { amount } gross { amount } }
      variant { sku }
    }
  }
}"""
GATEWAYS = """mutation Gateways($id: ID!, $gateways: [PaymentGatewayToInitialize!]!) {
  paymentGatewayInitialize(id: $id, paymentGateways: $gateways) {
    gatewayConfigs { id data errors { field code message } }
    errors { field code message }
  }
}"""
PAY = """mutation Pay($id: ID!, $gateway: PaymentGatewayToInitialize!, $amount: PositiveDecimal, $key: String) {
  transactionInitialize(id: $id, paymentGateway: $gateway, amount: $amount, idempotencyKey: $key) {
    transaction { id }
    transactionEvent { type message pspReference amount { amount } }
    data
    errors { field code message }
  }
}"""
COMPLETE = """mutation Complete($id: ID!) {
  checkoutComplete(id: $id) {
    order { id number status chargeStatus authorizeStatus total { currency net { amount } gross { amount } } }
    errors { field code message }
  }
}"""

NO_ANSWER = httpx.Timeout(30.0, connect=5.0)


class StorefrontRefused(SaleorError):
    """The shop refused a step; `code` is Saleor's, such as CHECKOUT_NOT_FULLY_PAID."""


@dataclass(frozen=True)
class LinePrices:
    """One line as the buyer sees it, in major units."""

    sku: str
    quantity: int
    unit_net: Decimal
    unit_undiscounted: Decimal
    net: Decimal
    gross: Decimal


@dataclass(frozen=True)
class CheckoutPrices:
    """A checkout as the buyer sees it, in major units."""

    currency: str
    net: Decimal
    gross: Decimal
    tax: Decimal
    lines: tuple[LinePrices, ...]


@dataclass(frozen=True)
class Payment:
    """How a payment session went: the transaction event's type, the gateway's `data`, and what it says in words."""

    result: str
    message: str
    psp_reference: str
    amount: Decimal
    transaction_id: str
    data: Any

    @property
    def refused(self) -> bool:
        """Nothing was charged, authorized or promised."""
        return self.result.endswith(("_FAILURE", "_ACTION_REQUIRED"))

    @property
    def code(self) -> str:
        """The gateway's public code of a refusal; empty when it gave none."""
        return str(self.data.get("code", "")) if isinstance(self.data, Mapping) else ""


@dataclass(frozen=True)
class PlacedOrder:
    """What `complete` brought; amounts in major units."""

    id: str
    number: str
    status: str
    charge_status: str
    authorize_status: str
    currency: str
    net: Decimal
    gross: Decimal


@dataclass
class Storefront:
    """One buyer in one browser: signs in, fills a checkout, pays and completes. Without an e-mail a guest.

    Every step raises StorefrontRefused when the shop says no, and SaleorError when it cannot be understood.
    """

    http: httpx.AsyncClient
    api_url: str
    email: str = ""
    password: str = ""
    token: str = ""
    user_id: str = ""
    checkout_id: str = ""
    language: str = ""
    """Saleor's code of the language the buyer shops in, like DE; without one it is the shop's."""
    _variants: dict[tuple[str, str], str] = field(default_factory=dict)

    async def sign_in(self) -> str:
        """Get a token and the account's id."""
        payload = await self.send(SIGN_IN, "tokenCreate", email=self.email, password=self.password)
        self.token, self.user_id = payload["token"], payload["user"]["id"]
        return self.user_id

    async def new_checkout(self, channel: str, lines: Sequence[tuple[str, int]], email: str = "") -> str:
        """Begin a checkout with SKUs and quantities; a guest gives an e-mail. Its id."""
        wanted = [{"variantId": await self._variant(sku, channel), "quantity": quantity} for sku, quantity in lines]
        content: dict[str, Any] = {"channel": channel, "lines": wanted}
        if email:
            content["email"] = email
        if self.language:
            content["languageCode"] = self.language
        payload = await self.send(CREATE, "checkoutCreate", input=content)
        self.checkout_id = str(payload["checkout"]["id"])
        return self.checkout_id

    async def attach(self) -> None:
        """Make the checkout the signed-in buyer's."""
        await self.send(ATTACH, "checkoutCustomerAttach", id=self.checkout_id)

    async def detach(self) -> None:
        """Take the buyer off the checkout."""
        await self.send(DETACH, "checkoutCustomerDetach", id=self.checkout_id)

    async def set_email(self, email: str) -> None:
        """Another e-mail on the checkout."""
        await self.send(SET_EMAIL, "checkoutEmailUpdate", id=self.checkout_id, email=email)

    async def set_billing(self, address: Mapping[str, Any]) -> None:
        """The buyer's own address, as an `AddressInput`; not kept in the address book."""
        await self.send(SET_BILLING, "checkoutBillingAddressUpdate", id=self.checkout_id, address=dict(address))

    async def set_shipping(self, address: Mapping[str, Any], email: str = "") -> None:
        """The end customer's address with the e-mail in its metadata (`rules.md` 3.1)."""
        content = dict(address)
        if email:
            content["metadata"] = [*content.get("metadata", ()), {"key": "email", "value": email}]
        await self.send(SET_SHIPPING, "checkoutShippingAddressUpdate", id=self.checkout_id, address=content)

    async def set_metadata(self, **values: str) -> None:
        """Public metadata of the checkout, such as `po_number`."""
        items = [{"key": key, "value": value} for key, value in values.items()]
        await self.send(SET_METADATA, "updateMetadata", id=self.checkout_id, input=items)

    async def add_voucher(self, code: str) -> None:
        """A promotion code."""
        await self.send(ADD_VOUCHER, "checkoutAddPromoCode", id=self.checkout_id, code=code)

    async def prices(self) -> CheckoutPrices:
        """What it costs now; asks the tax app where Saleor does."""
        found = (await self.ask(PRICES, id=self.checkout_id))["checkout"]
        if found is None:
            raise StorefrontRefused("There is no such checkout any more.", code="NOT_FOUND")
        total = found["totalPrice"]
        return CheckoutPrices(
            currency=total["currency"],
            net=_amount(total["net"]),
            gross=_amount(total["gross"]),
            tax=_amount(total["tax"]),
            lines=tuple(
                LinePrices(
                    sku=line["variant"]["sku"],
                    quantity=line["quantity"],
                    unit_net=_amount(line["unitPrice"]["net"]),
                    unit_undiscounted=_amount(line["undiscountedUnitPrice"]),
                    net=_amount(line["totalPrice"]["net"]),
                    gross=_amount(line["totalPrice"]["gross"]),
                )
                for line in found["lines"]
            ),
        )

    async def gateway(self, gateway: str) -> Any:
        """What a gateway says about this checkout before paying; None when it says nothing."""
        payload = await self.send(GATEWAYS, "paymentGatewayInitialize", id=self.checkout_id, gateways=[{"id": gateway}])
        return next((config["data"] for config in payload["gatewayConfigs"] or () if config["id"] == gateway), None)

    async def pay(
        self, gateway: str, data: Any = None, *, amount: Decimal | None = None, key: str | None = None, source: str = ""
    ) -> Payment:
        """Start a payment session on the checkout, or on another object `source`; a refusal by the gateway is a result."""
        payload = await self.send(
            PAY,
            "transactionInitialize",
            id=source or self.checkout_id,
            gateway={"id": gateway, "data": data},
            amount=None if amount is None else str(amount),
            key=key,
        )
        event = payload["transactionEvent"]
        return Payment(
            result=event["type"],
            message=event["message"],
            psp_reference=event["pspReference"],
            amount=_amount(event["amount"]),
            transaction_id=payload["transaction"]["id"],
            data=payload["data"],
        )

    async def complete(self) -> PlacedOrder:
        """Turn the checkout into an order."""
        order = (await self.send(COMPLETE, "checkoutComplete", id=self.checkout_id))["order"]
        return PlacedOrder(
            id=order["id"],
            number=order["number"],
            status=order["status"],
            charge_status=order["chargeStatus"],
            authorize_status=order["authorizeStatus"],
            currency=order["total"]["currency"],
            net=_amount(order["total"]["net"]),
            gross=_amount(order["total"]["gross"]),
        )

    async def buy(
        self,
        channel: str,
        lines: Sequence[tuple[str, int]],
        billing: Mapping[str, Any],
        shipping: Mapping[str, Any] | None,
        gateway: str,
        *,
        end_customer: str = "",
        po_number: str = "",
    ) -> tuple[Payment, PlacedOrder]:
        """The whole way. Raises StorefrontRefused with the gateway's code where it refuses the payment."""
        if self.email and not self.token:
            await self.sign_in()
        await self.new_checkout(channel, lines)
        await self.set_billing(billing)
        if shipping is not None:
            await self.set_shipping(shipping, end_customer)
        if po_number:
            await self.set_metadata(po_number=po_number)
        paid = await self.pay(gateway)
        if paid.refused:
            raise StorefrontRefused(paid.message or f"{gateway} refused.", code=paid.code or paid.result)
        return paid, await self.complete()

    async def send(self, document: str, mutation: str, **variables: Any) -> dict[str, Any]:
        """A mutation's payload. Raises StorefrontRefused with the first of its errors."""
        payload: dict[str, Any] = (await self.ask(document, **variables))[mutation]
        if payload["errors"]:
            said = "; ".join(f"{error['field'] or mutation}: {error['message']}" for error in payload["errors"])
            raise StorefrontRefused(said, code=payload["errors"][0]["code"])
        return payload

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of any document. Raises SaleorError with what Saleor says.

        Saleor's tokens live five minutes, so whoever has a password signs in anew when the shop says that one has expired.
        """
        answer = await self._answer(document, variables)
        if self.password and self.token and _code(answer) == "ExpiredSignatureError":
            self.token = ""
            await self.sign_in()
            answer = await self._answer(document, variables)
        if answer.get("errors"):
            raise SaleorError(f"{self.api_url}: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data

    async def _answer(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = {"query": document, "variables": variables}
        try:
            response = await self.http.post(self.api_url, json=request, headers=headers, timeout=NO_ANSWER)
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SaleorError(f"{self.api_url} gave no GraphQL answer: {error}") from error
        return answer

    async def _variant(self, sku: str, channel: str) -> str:
        if (sku, channel) not in self._variants:
            found = (await self.ask(VARIANT, sku=sku, channel=channel))["productVariant"]
            if found is None:
                raise StorefrontRefused(f"{sku} is not for sale in {channel}.", code="NOT_FOUND")
            self._variants[sku, channel] = found["id"]
        return self._variants[sku, channel]


def _code(answer: Mapping[str, Any]) -> str:
    """Saleor's name of the exception behind an answer's first error; empty without one."""
    return next(
        (str(error.get("extensions", {}).get("exception", {}).get("code", "")) for error in answer.get("errors") or ()), ""
    )


def _amount(money: Mapping[str, Any]) -> Decimal:
    """Saleor writes amounts as JSON numbers; their shortest form is exact."""
    return Decimal(str(money["amount"]))

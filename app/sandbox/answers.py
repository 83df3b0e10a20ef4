"""What Saleor accepts as an app's answer (saleor `webhook/response_schemas/`); anything else counts as no answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, HttpUrl, ValidationError, model_validator

MAXIMUM_PRICE = Decimal("999999999999")
LONGEST_MESSAGE = 512
ACTIONS = ("CHARGE", "REFUND", "CANCEL")
WITH_REFERENCE = ("AUTHORIZATION_SUCCESS", "CHARGE_SUCCESS", "AUTHORIZATION_REQUEST", "CHARGE_REQUEST")
"""Results that need a pspReference."""
WITHOUT_REFERENCE = (
    "AUTHORIZATION_FAILURE",
    "CHARGE_FAILURE",
    "CANCEL_SUCCESS",
    "AUTHORIZATION_ACTION_REQUIRED",
    "CHARGE_ACTION_REQUIRED",
)

# --- Taxes ------------------------------------------------------------------------------------------------------------

Price = Annotated[Decimal, Field(ge=0, le=MAXIMUM_PRICE)]
Rate = Annotated[Decimal, Field(ge=0)]


class TaxLine(BaseModel):
    """A line of a tax app's answer; the rate in percent. No more than this is checked (saleor-facts 3)."""

    tax_rate: Rate
    total_gross_amount: Price
    total_net_amount: Price


class TaxAnswer(BaseModel):
    """A tax app's answer."""

    shipping_tax_rate: Rate
    shipping_price_gross_amount: Price
    shipping_price_net_amount: Price
    lines: list[TaxLine] = []


def tax_answer(body: Any, lines: int) -> TaxAnswer | None:
    """The answer for a checkout of so many lines; None for one that is none."""
    try:
        answer = TaxAnswer.model_validate(body)
    except ValidationError:
        return None
    return answer if len(answer.lines) == lines else None


# --- Payments ---------------------------------------------------------------------------------------------------------


class OtherMethod(BaseModel):
    """A payment method that is neither card nor gift card."""

    type: Literal["OTHER"]
    name: str


class CardMethod(BaseModel):
    """A card, or a gift card."""

    type: Literal["CARD", "GIFT_CARD"]
    name: str
    brand: str | None = None


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


class _Answer(BaseModel):
    pspReference: str | None = None
    amount: Decimal | None = None
    time: Annotated[datetime | None, BeforeValidator(_moment)] = None
    externalUrl: Annotated[HttpUrl | None, BeforeValidator(lambda value: value or None)] = None
    message: Annotated[str, BeforeValidator(lambda value: str(value or "")[:LONGEST_MESSAGE])] = ""
    actions: list[Any] | None = None
    result: str | None = None

    @property
    def reference(self) -> str:
        return self.pspReference or ""

    @property
    def offered(self) -> list[str] | None:
        """The actions Saleor knows, each once; None leaves those of the transaction alone."""
        return None if self.actions is None else [action for action in ACTIONS if action in self.actions]

    def moment(self, now: datetime) -> datetime:
        """When it happened, by default now."""
        at = self.time or now
        return at if at.tzinfo else at.replace(tzinfo=UTC)


class SessionAnswer(_Answer):
    """The answer to a payment session."""

    data: Any = None
    paymentMethodDetails: OtherMethod | CardMethod | None = None

    @model_validator(mode="after")
    def _complete(self) -> SessionAnswer:
        if self.result not in WITH_REFERENCE + WITHOUT_REFERENCE:
            raise ValueError(f"Missing or invalid value for `result`: {self.result}.")
        if self.result in WITH_REFERENCE and self.pspReference is None:
            raise ValueError("Missing value for field: pspReference.")
        return self


class ActionAnswer(_Answer):
    """The answer to a request to charge, refund or cancel: without a result the app does it later."""


A = TypeVar("A", bound=_Answer)


def session_answer(body: Any) -> SessionAnswer:
    """Raises ValueError with a sentence for one that is none."""
    if body is None:
        raise ValueError("Failed to delivery request.")
    return _read(SessionAnswer, body)


def action_answer(body: Any, success: str, failure: str) -> ActionAnswer:
    """The answer to a request that may end in these two results. Raises ValueError with a sentence for one that is none."""
    if body is None:
        raise ValueError("Failed to delivery request.")
    answer = _read(ActionAnswer, body)
    if answer.result not in (None, success, failure):
        raise ValueError(f"Missing or invalid value for `result`: {answer.result}. Possible values: {success}, {failure}.")
    if answer.pspReference is None and answer.result != failure:
        raise ValueError("Missing value for field: pspReference.")
    return answer


def _read(kind: type[A], body: Any) -> A:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise ValueError("; ".join(str(problem["msg"]) for problem in error.errors())) from error

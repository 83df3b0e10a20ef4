"""Asking one shop: `gql` over one pool of connections, with retries, typed answers and every refusal an exception.

SaleorError
+- SaleorUnreachable     no answer, or none that is GraphQL, after all attempts
+- SaleorQueryError      the answer has GraphQL errors: message, path and Saleor's code
|  +- SaleorDenied       the token is not accepted, or the app lacks a permission
+- SaleorRefused         a mutation answered `errors { field code message }`; callers look at `.errors[0].code`
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

import httpx
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import DocumentNode, parse
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from app.errors import SaleorError
from app.saleor.answers import Answer, SaleorFieldError
from app.saleor.operations import Operation

T = TypeVar("T", bound=Answer)

ATTEMPTS = 4
FIRST_WAIT = 0.25
LONGEST_WAIT = 30.0
CONNECT_TIMEOUT = 5.0
SHOWN = 300
"""Characters of a foreign text that an error repeats."""


class SaleorUnreachable(SaleorError):
    """No usable answer. For a mutation that is not `repeatable` Saleor may have carried it out: look before doing it again."""

    default_code = "saleor_unreachable"


@dataclass(frozen=True, slots=True)
class GraphQLProblem:
    """One GraphQL error; `code` is Saleor's exception name such as PermissionDenied, `path` dotted."""

    message: str
    path: str = ""
    code: str = ""


class SaleorQueryError(SaleorError):
    """The answer has GraphQL errors; partial data is never used."""

    default_code = "saleor_query"

    def __init__(self, sentence: str, errors: tuple[GraphQLProblem, ...]) -> None:
        super().__init__(sentence)
        self.errors = errors


class SaleorDenied(SaleorQueryError):
    """The token is not accepted any more, or the app lacks a permission."""

    default_code = "saleor_denied"


class SaleorRefused(SaleorError):
    """Saleor refused a mutation by its own rules."""

    default_code = "saleor_refused"

    def __init__(self, sentence: str, errors: tuple[SaleorFieldError, ...]) -> None:
        super().__init__(sentence)
        self.errors = errors


class _Lost(Exception):
    """One attempt without an answer. `harmless` when Saleor certainly did nothing; `retry_after` in seconds as it asked for."""

    def __init__(self, what: str, *, harmless: bool, retry_after: float = 0.0) -> None:
        super().__init__(what)
        self.harmless = harmless
        self.retry_after = retry_after


class SaleorClient:
    """One shop with one token, used by many at once within one event loop; `close` gives the connections back.

    `timeout` is seconds for one attempt as a whole. Attempts are repeated on lost connections, 429 and 5xx, waiting a random part
    of a doubling time, and at least what `Retry-After` says up to LONGEST_WAIT. A mutation that is not `repeatable` is sent again
    only when Saleor certainly did nothing: no connection, 429, 503.
    """

    def __init__(
        self,
        api_url: str,
        token: str,
        *,
        timeout: float,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.api_url = api_url
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep
        self._chance = chance
        transport = HTTPXAsyncTransport(
            api_url,
            json_deserialize=partial(json.loads, parse_float=Decimal),
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            event_hooks={"response": [_raise_for_status]},
        )
        self._gql = Client(transport=transport, execute_timeout=timeout)
        self._session: AsyncClientSession | None = None
        self._connecting = asyncio.Lock()

    async def execute(self, operation: Operation[T], **variables: Any) -> T:
        """Send a document with its variables (Decimal, datetime and models are written as Saleor reads them).

        Raises SaleorRefused when a mutation's payload has errors, SaleorDenied, SaleorQueryError, SaleorUnreachable, and
        SaleorError `saleor_answer` when the answer is not what the SDL promises.
        """
        request = GraphQLRequest(_parsed(operation.document), variable_values=to_jsonable_python(variables))
        data = await self._answer(operation, request)
        payload = data.get(operation.payload) if isinstance(data, Mapping) else None
        if isinstance(payload, Mapping) and payload.get("errors"):
            errors = tuple(SaleorFieldError.model_validate(error) for error in payload["errors"])
            said = "; ".join(f"{error.field or operation.payload}: {error.message} ({error.code})" for error in errors)
            raise SaleorRefused(f"Saleor refused {operation.payload}: {said}", errors)
        try:
            return operation.answer.model_validate(data)
        except ValidationError as error:
            raise SaleorError(
                f"The answer of {self.api_url} to {operation.name} cannot be read: {error}", code="saleor_answer"
            ) from error

    async def close(self) -> None:
        """Give the connections back; the client can be used again afterwards."""
        if self._session is not None:
            self._session = None
            await self._gql.close_async()  # type: ignore[no-untyped-call]

    async def _answer(self, operation: Operation[Any], request: GraphQLRequest) -> Any:
        attempt = 1
        while True:
            try:
                return await self._attempt(operation, request)
            except _Lost as lost:
                if attempt >= self._attempts or not (lost.harmless or operation.repeatable):
                    raise SaleorUnreachable(
                        f"{self.api_url} gave no answer to {operation.name} (attempt {attempt}): {lost}"
                    ) from lost.__cause__
                await self._sleep(max(self._chance() * min(FIRST_WAIT * 2**attempt, LONGEST_WAIT), lost.retry_after))
                attempt += 1

    async def _attempt(self, operation: Operation[Any], request: GraphQLRequest) -> Any:
        session = await self._connected()
        try:
            return await session.execute(request)
        except TransportQueryError as error:
            raise self._query_error(operation, error) from error
        except TimeoutError as error:
            raise _Lost(f"nothing within {self._timeout:g} s", harmless=False) from error
        except TransportConnectionFailed as error:
            raise self._failure(operation, error.__cause__ or error) from error.__cause__
        except TransportError as error:
            raise SaleorUnreachable(
                f"{self.api_url} did not answer {operation.name} with GraphQL: {str(error)[:SHOWN]}"
            ) from error

    async def _connected(self) -> AsyncClientSession:
        async with self._connecting:
            if self._session is None:
                self._session = await self._gql.connect_async()  # type: ignore[no-untyped-call]
            return self._session

    def _failure(self, operation: Operation[Any], cause: BaseException) -> BaseException:
        """What gql wraps as a failed connection: a lost attempt, a status, or an error of our own."""
        if isinstance(cause, httpx.HTTPStatusError):
            status = cause.response.status_code
            if status in (401, 403):
                return SaleorDenied(f"{self.api_url} does not accept this app's token for {operation.name} ({status}).", ())
            return _Lost(f"status {status}", harmless=status in (429, 503), retry_after=_retry_after(cause.response))
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return _Lost(f"no connection ({type(cause).__name__}: {cause})", harmless=True)
        if isinstance(cause, httpx.TransportError):
            return _Lost(f"{type(cause).__name__}: {cause}", harmless=False)
        return cause

    def _query_error(self, operation: Operation[Any], error: TransportQueryError) -> SaleorQueryError:
        problems = tuple(_problem(item) for item in error.errors or ())
        kind = SaleorDenied if any(problem.code == "PermissionDenied" for problem in problems) else SaleorQueryError
        said = "; ".join(f"{problem.path or '-'}: {problem.message}" for problem in problems)
        return kind(f"{self.api_url} answered {operation.name} with errors: {said}", problems)


async def _raise_for_status(response: httpx.Response) -> None:
    # gql would take such an answer for a result when its body is JSON; other 4xx carry GraphQL errors and are left to it.
    if response.status_code in (401, 403, 429) or response.status_code >= 500:
        raise httpx.HTTPStatusError(f"status {response.status_code}", request=response.request, response=response)


def _retry_after(response: httpx.Response) -> float:
    """Seconds that `Retry-After` asks to wait, at most LONGEST_WAIT; a date counts from the shop's own `Date`."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers["Date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _problem(error: Any) -> GraphQLProblem:
    if not isinstance(error, Mapping):
        return GraphQLProblem(str(error)[:SHOWN])
    exception = (error.get("extensions") or {}).get("exception") or {}
    path = ".".join(str(step) for step in error.get("path") or ())
    return GraphQLProblem(str(error.get("message", ""))[:SHOWN], path, str(exception.get("code", "")))


@lru_cache(maxsize=128)
def _parsed(document: str) -> DocumentNode:
    return parse(document)

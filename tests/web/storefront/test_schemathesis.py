"""Schemathesis against the OpenAPI document: right and wrong requests of several kinds of caller, each answer as documented.

Bounded and repeatable: so many examples for each operation, always the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import httpx
import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.db.base import Base
from app.db.session import Database
from app.orders.services import Services
from app.web.storefront.application import storefront_api
from app.web.storefront.openapi import METHODS
from tests.conftest import install
from tests.orders.builders import API
from tests.web.storefront.conftest import Store, known_things, opened_store, token

EXAMPLES = 10
"""Of each operation with right and with wrong data."""
DOCUMENT = storefront_api(cast(Services, Mock())).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
CALLERS = [None, "texan", "rival", "buyer", "stranger"]
KNOWN = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Served:
    """The whole application with one database on a loop of its own, called from tests that are no coroutines."""

    def __init__(self, portal: BlockingPortal, store: Store) -> None:
        self._portal = portal
        self.store = store
        self.known = portal.call(known_things, store)

    def send(self, case: schemathesis.Case[Any], user: str | None) -> httpx.Response:
        case.headers["Authorization"] = f"Bearer {token(user)}" if user else ""
        if user is None:
            del case.headers["Authorization"]
        ready = requests.Request(**case.as_transport_kwargs(base_url="http://app.example/storefront/v1")).prepare()
        body = ready.body.encode() if isinstance(ready.body, str) else cast(bytes, ready.body or b"")
        headers = cast(dict[str, str], dict(ready.headers))
        request = httpx.Request(str(ready.method), str(ready.url), headers=headers, content=body)
        return self._portal.call(self.store.client.send, request)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory: Path = tmp_path_factory.mktemp("schemathesis")
    database = Database(f"sqlite+aiosqlite:///{directory}/reseller.db")

    async def prepared() -> str:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        return await install(database, API)

    with start_blocking_portal() as portal:
        tenant = portal.call(prepared)
        with portal.wrap_async_context_manager(opened_store(database, tenant)) as store:
            yield Served(portal, store)
        portal.call(database.close)


@pytest.fixture(autouse=True)
def _no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.storefront.access.Buckets.take", lambda *given: None)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_every_answer_is_as_documented(served: Served, path: str, method: str, mode: GenerationMode) -> None:
    operation = SCHEMA[path][method]
    if mode is GenerationMode.NEGATIVE and not ("parameters" in operation.definition.raw or operation.body):
        pytest.skip("nothing to be wrong about")
    answered: set[int] = set()

    @KNOWN
    @given(data=st.data())
    def ask(data: Any) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE:
            for name in case.path_parameters:
                if name in served.known and data.draw(st.booleans(), label=f"a known {name}"):
                    case.path_parameters[name] = served.known[name]
        answer = served.send(case, data.draw(st.sampled_from(CALLERS), label="caller"))
        answered.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert answered != {401}

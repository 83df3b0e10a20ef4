"""What makes a webhook acceptable, in a manifest and in a mutation alike (saleor-facts 0.8 and 1)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, parse, validate

from app.sandbox.context import Refused
from app.sandbox.shop import Sandbox

LONGEST_TARGET = 255


def target_of(url: str) -> str:
    """A webhook's address. Raises Refused for one that Saleor does not take."""
    if urlsplit(url).scheme not in ("http", "https") or len(url) > LONGEST_TARGET:
        raise Refused("targetUrl", "Enter a valid URL.", "INVALID")
    return url


def check(sandbox: Sandbox, text: str) -> None:
    """Every subscription is validated, also at installation (saleor-facts 0.8). Raises Refused."""
    if problem := _problem(sandbox.schema, text):
        raise Refused("query", *problem)


@lru_cache(maxsize=256)
def _problem(schema: GraphQLSchema, text: str) -> tuple[str, str] | None:
    """What is wrong with a subscription, and Saleor's code for it. Kept, since every installation brings the same ones."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return error.message, "SYNTAX"
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.SUBSCRIPTION:
        return "Subscription operation not found.", "MISSING_SUBSCRIPTION"
    problems = validate(schema, document)
    return (problems[0].message, "GRAPHQL_ERROR") if problems else None


def events_of(text: str) -> set[str]:
    """From type names, where an entry lists none: `OrderCreated` -> ORDER_CREATED; wrong for CalculateTaxes, as in Saleor."""
    names: Iterable[str] = (word for word in text.replace("{", " ").split() if word[:1].isupper())
    return {"".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_") for name in names}

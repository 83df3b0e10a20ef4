"""The sandbox speaks a part of Saleor's own schema, and every document of ours is valid in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
    parse,
    validate,
    validate_schema,
)

from app.sandbox import card, permissions, storefront
from app.sandbox.app import SCHEMA, executable_schema

ROOT = Path(__file__).resolve().parents[2]
SALEOR = ROOT.parent / "shared" / "saleor" / "schema-3.23.28.graphql"
DOCUMENTS = sorted((ROOT / "graphql").glob("*/*.graphql"))
STOREFRONT = {name: text for name, text in vars(storefront).items() if name.isupper() and isinstance(text, str)}


@pytest.fixture(scope="module")
def sandbox() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text())


@pytest.fixture(scope="module")
def saleor() -> GraphQLSchema:
    if not SALEOR.exists():
        pytest.skip(f"{SALEOR} is not on this machine")
    return build_schema(SALEOR.read_text())


def test_the_sandbox_schema_is_a_subset(sandbox: GraphQLSchema, saleor: GraphQLSchema) -> None:
    assert differences(sandbox, saleor) == []


def test_the_sandbox_schema_is_a_schema(sandbox: GraphQLSchema) -> None:
    assert validate_schema(sandbox) == []


def test_a_difference_would_be_found(saleor: GraphQLSchema) -> None:
    other = build_schema(
        """
        type Query { me: User order(id: ID!): Order shop: String nothing: Int }
        type User { id: ID email: String! }
        type Order { id: ID! }
        input OrderNoteInput { message: String other: Int }
        enum OrderStatus { DRAFT NEVER }
        union IssuingPrincipal = User | Order
        type Made { id: ID }
        """
    )
    found = differences(other, saleor)
    assert [entry for entry in found if entry.startswith("Query")] == [
        "Query.order(id:) is ID!, not ID",
        "Query.shop is String, not Shop!",
        "Query.nothing does not exist",
    ]
    assert "User.id is ID, not ID!" in found
    assert "OrderNoteInput.message is String, not String!" in found
    assert "OrderNoteInput.other does not exist" in found
    assert "OrderStatus.NEVER does not exist" in found
    assert "IssuingPrincipal may not be Order" in found
    assert "Made does not exist" in found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_document_is_valid_in_the_sandbox(path: Path, sandbox: GraphQLSchema) -> None:
    assert [error.message for error in validate(sandbox, parse(path.read_text()))] == []


@pytest.mark.parametrize("name", [*STOREFRONT, "CARD"])
def test_every_storefront_document_is_valid_in_both(name: str, sandbox: GraphQLSchema, saleor: GraphQLSchema) -> None:
    document = parse(STOREFRONT.get(name, card.SUBSCRIPTION))
    assert [error.message for schema in (sandbox, saleor) for error in validate(schema, document)] == []


def test_every_query_and_mutation_is_answered() -> None:
    schema = executable_schema()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        # Names that Ariadne only converts have no resolver of ours.
        unanswered = [
            name for name, field in root.fields.items() if "app.sandbox" not in getattr(field.resolve, "__module__", "")
        ]
        assert unanswered == []


def test_permissions_are_those_the_schema_states(saleor: GraphQLSchema) -> None:
    """Where the schema names permissions for a field, the sandbox's table has the same; what it says beyond is below."""
    beyond = {
        "App.tokens": "an owner has none to show here",
        "Checkout.user": "the schema forgets HANDLE_TAXES, which its refusal names",
        "Mutation.transactionEventReport": "the owner is looked at in the resolver",
        "Mutation.webhookCreate": "staff name an app there; the sandbox lets apps only",
        "Mutation.webhookDelete": "as above",
        "Mutation.webhookUpdate": "as above",
        "Order.user": "the schema states none",
        "Query.app": "other apps are looked at in the resolver",
        "Mutation.appInstall": "that it must be staff is looked at in the resolver",
        "Mutation.channelUpdate": "parts of it are open to others, too",
    }
    small = executable_schema()
    for type_name, fields in permissions.FIELDS.items():
        for field, ours in fields.items():
            if f"{type_name}.{field}" not in beyond:
                assert set(ours) == _stated(saleor, type_name, field), f"{type_name}.{field}"
    for type_name, kind in small.type_map.items():
        if isinstance(kind, GraphQLObjectType) and type_name in saleor.type_map:
            for field in kind.fields:
                if field != "privateMetadata" and _stated(saleor, type_name, field):
                    assert field in permissions.FIELDS.get(type_name, {}) or f"{type_name}.{field}" in UNGUARDED, field


UNGUARDED = ("Mutation.updateMetadata", "Mutation.updatePrivateMetadata", "OrderEvent.app")
"""Looked at per object, or open to nobody who could not see the object anyway."""


def _stated(saleor: GraphQLSchema, type_name: str, field: str) -> set[str]:
    """The permissions a field's description asks for; those "to include" or "to query" something more are no condition."""
    kind = saleor.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    text = kind.fields[field].description or ""
    found = re.search(r"Requires (?:one of the following|the following) permissions: ([A-Z_, ]+)", text)
    return set(re.findall(r"[A-Z][A-Z_]+", found[1])) if found else set()


def differences(small: GraphQLSchema, big: GraphQLSchema) -> list[str]:
    """Everything in the small schema that is not so in the big one. Optional arguments and input fields may be missing."""
    found: list[str] = []
    for name, kind in small.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        other = big.type_map.get(name)
        if other is None or type(other) is not type(kind):
            found.append(f"{name} does not exist")
        else:
            found += _different(name, kind, other)
    return found


def _different(name: str, kind: GraphQLNamedType, other: GraphQLNamedType) -> list[str]:
    match kind, other:
        case (GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType()):
            ours, theirs = {entry.name for entry in kind.interfaces}, {entry.name for entry in other.interfaces}
            return [f"{name} does not implement {entry}" for entry in sorted(ours - theirs)] + [
                line
                for field, content in kind.fields.items()
                for line in _field(f"{name}.{field}", content, other.fields.get(field))
            ]
        case (GraphQLInputObjectType(), GraphQLInputObjectType()):
            missing = [
                f"{name}.{field} is required"
                for field, content in other.fields.items()
                if is_required_input_field(content) and field not in kind.fields
            ]
            return missing + [
                line
                for field, content in kind.fields.items()
                for line in _input(f"{name}.{field}", content, other.fields.get(field))
            ]
        case (GraphQLEnumType(), GraphQLEnumType()):
            return [f"{name}.{value} does not exist" for value in kind.values if value not in other.values]
        case (GraphQLUnionType(), GraphQLUnionType()):
            members = {entry.name for entry in other.types}
            return [f"{name} may not be {entry.name}" for entry in kind.types if entry.name not in members]
        case (GraphQLScalarType(), GraphQLScalarType()):
            return []
    raise AssertionError(f"a kind of type without a comparison: {name}")


def _field(name: str, ours: GraphQLField, theirs: GraphQLField | None) -> list[str]:
    if theirs is None:
        return [f"{name} does not exist"]
    found = [f"{name} is {ours.type}, not {theirs.type}"] if str(ours.type) != str(theirs.type) else []
    for argument, content in ours.args.items():
        other = theirs.args.get(argument)
        if other is None:
            found.append(f"{name}({argument}:) does not exist")
        elif str(content.type) != str(other.type):
            found.append(f"{name}({argument}:) is {content.type}, not {other.type}")
    found += [
        f"{name}({argument}:) is required"
        for argument, content in theirs.args.items()
        if is_required_argument(content) and argument not in ours.args
    ]
    return found


def _input(name: str, ours: GraphQLInputField, theirs: GraphQLInputField | None) -> list[str]:
    if theirs is None:
        return [f"{name} does not exist"]
    return [f"{name} is {ours.type}, not {theirs.type}"] if str(ours.type) != str(theirs.type) else []

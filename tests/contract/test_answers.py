"""Every answer model reads what each Saleor line can answer to its document: all that may be null null, and all filled."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    build_schema,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    parse,
)

from app.saleor import operations
from app.saleor.operations import Operation
from app.saleor.resources import ROOT
from tests.contract.test_documents import LACKING

SANDBOX = ROOT / "app" / "sandbox" / "schema.graphql"
SCHEMAS = [
    *sorted((ROOT.parent / "shared" / "saleor").glob("schema-*.graphql")),
    *([SANDBOX] if SANDBOX.exists() else []),
]
MISSING = pytest.mark.skip(reason="Saleor's own schemas live beside the checkout, not in it")
OPERATIONS = [value for value in vars(operations).values() if isinstance(value, Operation)]

# JSON as Saleor writes it; money as a float, since that is what its Float is on the wire.
SCALARS: dict[str, Any] = {
    "ID": "SUQ6MQ==",
    "String": "text",
    "Int": 7,
    "Float": 19.99,
    "Boolean": True,
    "DateTime": "2026-03-02T12:00:00.123456+00:00",
}


class Synthesis:
    """Answers made from the SDL alone. `concrete` picks one of the types a union's fragments name."""

    def __init__(self, schema: GraphQLSchema, *, filled: bool, concrete: int = 0) -> None:
        self.schema = schema
        self.filled = filled
        self.concrete = concrete

    def answer(self, document: str) -> dict[str, Any]:
        operation = parse(document).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        root = self.schema.query_type if operation.operation is OperationType.QUERY else self.schema.mutation_type
        assert root is not None
        return self._object(root, operation.selection_set)

    def _object(self, kind: GraphQLObjectType, selected: SelectionSetNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for node in selected.selections:
            if isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value == kind.name:
                    result |= self._object(kind, node.selection_set)
                continue
            assert isinstance(node, FieldNode)
            name = node.alias.value if node.alias else node.name.value
            if node.name.value == "__typename":
                result[name] = kind.name
            else:
                result[name] = self._value(kind.fields[node.name.value].type, node)
        return result

    def _value(self, kind: GraphQLOutputType, node: FieldNode) -> Any:
        if not is_non_null_type(kind) and not self.filled:
            return None
        plain: Any = get_nullable_type(kind)
        if is_list_type(plain):
            return [self._value(plain.of_type, node) for _ in range(2)]
        if isinstance(plain, GraphQLEnumType):
            return next(iter(plain.values))
        if is_abstract_type(plain):
            assert node.selection_set is not None
            named = [
                part.type_condition.name.value
                for part in node.selection_set.selections
                if isinstance(part, InlineFragmentNode) and part.type_condition
            ] or sorted(possible.name for possible in self.schema.get_possible_types(plain))
            plain = self.schema.get_type(named[self.concrete % len(named)])
        if isinstance(plain, GraphQLObjectType):
            assert node.selection_set is not None
            return self._object(plain, node.selection_set)
        return SCALARS[plain.name]


@cache
def schema(path: Path) -> GraphQLSchema:
    return build_schema(path.read_text())


def test_every_document_has_its_operation_and_the_other_way_round() -> None:
    files = {path.stem for path in (ROOT / "graphql" / "operations").glob("*.graphql")}
    assert sorted(operation.name for operation in OPERATIONS) == sorted(files)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_payload_is_a_root_field_and_queries_may_be_repeated(operation: Operation[Any]) -> None:
    definition = parse(operation.document).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    assert operation.payload in {node.name.value for node in definition.selection_set.selections if isinstance(node, FieldNode)}
    assert operation.repeatable or definition.operation is OperationType.MUTATION


@pytest.mark.parametrize("path", SCHEMAS or [pytest.param(Path(), marks=MISSING)], ids=lambda path: path.stem)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_answer_is_read(operation: Operation[Any], path: Path) -> None:
    if (path.stem, operation.name) in LACKING:
        return  # it is never answered there
    operation.answer.model_validate(Synthesis(schema(path), filled=False).answer(operation.document))
    for concrete in (0, 1):
        answer = Synthesis(schema(path), filled=True, concrete=concrete).answer(operation.document)
        read = operation.answer.model_validate(answer).model_dump(by_alias=True, mode="json", exclude_unset=True)
        assert keys(read) == keys(answer), "what is asked for is read, and nothing else is expected"


def keys(value: Any) -> Any:
    """The shape of an answer without its values."""
    if isinstance(value, dict):
        return {name: keys(below) for name, below in value.items()}
    return [keys(below) for below in value[:1]] if isinstance(value, list) else None

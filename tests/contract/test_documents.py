"""Every document of the app is valid in every Saleor line it says it runs on."""

from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted((ROOT / "graphql").rglob("*.graphql"))
SCHEMAS = sorted((ROOT.parent / "shared" / "saleor").glob("schema-*.graphql"))
MISSING = pytest.mark.skip(reason="Saleor's own schemas live beside the checkout, not in it")

LACKING = {
    # (schema, document): what that line of Saleor has not; the manifest leaves a webhook out there (`since` in manifest.json).
    ("schema-3.22.67", "customer_deleted"): "Unknown type 'CustomerDeleted'",
    # `orders.customer_types` finds out by asking, and asks no further where there are no types.
    ("schema-3.22.67", "customer_types"): "Cannot query field 'customerTypes'",
    ("schema-3.22.67", "customer_type_of"): "Cannot query field 'customerType'",
    ("schema-3.22.67", "customer_type_create"): "ustomerTypeCreate",
}


@cache
def schema(path: Path) -> GraphQLSchema:
    return build_schema(path.read_text())


def test_there_is_a_document_per_file_of_one_operation() -> None:
    assert DOCUMENTS
    for path in DOCUMENTS:
        assert len(parse(path.read_text()).definitions) == 1, path.name


@pytest.mark.parametrize("schema_path", SCHEMAS or [pytest.param(Path(), marks=MISSING)], ids=lambda path: path.stem)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_is_valid(path: Path, schema_path: Path) -> None:
    errors = validate(schema(schema_path), parse(path.read_text()))
    lacking = LACKING.get((schema_path.stem, path.stem))
    assert [error.message for error in errors if lacking is None or lacking not in error.message] == []
    assert bool(errors) == (lacking is not None)


RECURSIVE = {"totalBalance", "chargeStatus", "authorizeStatus", "undiscountedUnitPrice", "undiscountedTotalPrice"}


@pytest.mark.parametrize("name", ["checkout_calculate_taxes", "order_calculate_taxes"])
def test_the_recursion_trap_tax_subscriptions_select_nothing_that_asks_for_taxes_again(name: str) -> None:
    text = (ROOT / "graphql" / "subscriptions" / f"{name}.graphql").read_text()
    selected = {word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split()}
    assert not RECURSIVE & selected

"""The files beside the code that Saleor gets to see: `manifest.json` and the documents in `graphql/`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]
# In a checkout they lie beside `app/`, in an installed wheel inside it.
ROOT = _PACKAGE / "resources" if (_PACKAGE / "resources" / "manifest.json").exists() else _PACKAGE.parent


@cache
def manifest_source() -> dict[str, Any]:
    """The declarative manifest as written, with webhooks by event."""
    return dict(json.loads((ROOT / "manifest.json").read_text()))


@cache
def subscription(event: str) -> str:
    """The subscription document of a webhook event, without its comments, as Saleor stores it."""
    text = (ROOT / "graphql" / "subscriptions" / f"{event}.graphql").read_text()
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n"


@cache
def operation(name: str) -> str:
    """The document of a query or mutation that the app sends, as written in `graphql/operations/<name>.graphql`."""
    return (ROOT / "graphql" / "operations" / f"{name}.graphql").read_text()

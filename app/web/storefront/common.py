"""What the routers of the storefront API share: where it stands, parameters, pages and files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query, Response

from app.db.pages import MAX_CURSOR, MAX_PAGE
from app.licenses.service import license_file_name
from app.licenses.tables import License
from app.reasons import Reason
from app.web.storefront.schemas import EXAMPLE_CURSOR, OrderLicenseOut, ReasonOut

PREFIX = "/storefront/v1"
TEXT = r"^[^\x00]*$"
"""A database stores no NUL."""
Number = Annotated[str, Path(max_length=50, pattern=TEXT, description="The order's number.", examples=["1042"])]
Id = Annotated[
    str,
    Path(max_length=36, pattern=TEXT, description="An id from a list here.", examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"]),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.", examples=[20])]
Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next` of the page before.", examples=[EXAMPLE_CURSOR])]


AcceptLanguage = Annotated[
    str | None, Header(max_length=200, description="English unless German is preferred.", examples=["de-AT, de;q=0.9, en;q=0.5"])
]


def language_of(accepted: str | None) -> Literal["en", "de"]:
    """The one of our languages that an `Accept-Language` header prefers; English for a header that cannot be read."""
    best: tuple[float, Literal["en", "de"]] = (0.0, "en")
    for part in (accepted or "").split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", weight)
        quality = float(found[1]) if found else float(not weight.strip())
        if name == "de" and quality > best[0]:
            best = quality, "de"
        elif name in ("en", "*") and quality > best[0]:
            best = quality, "en"
    return best[1]


def binary(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that answers a file."""
    return {
        200: {
            "description": description,
            "content": {media_type: {"schema": {"type": "string", "format": "binary"}, "example": "(the bytes of the file)"}},
            "headers": {"Content-Disposition": {"schema": {"type": "string"}, "description": "The file's name."}},
        }
    }


def attached(name: str) -> dict[str, str]:
    """Headers of a file to be saved under this name."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def shown_reasons(reasons: Sequence[Reason]) -> list[ReasonOut]:
    """Reasons as the API answers them."""
    return [ReasonOut.of(reason) for reason in reasons]


def shown_licenses(number: str, rows: Sequence[License]) -> list[OrderLicenseOut]:
    """Licenses of the order with this number, as its reseller sees them."""
    return [
        OrderLicenseOut(
            id=row.id,
            sku=row.sku,
            kind=row.kind,
            state=row.state,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            href=f"{PREFIX}/orders/{number}/licenses/{row.id}",
        )
        for row in rows
    ]


def license_answer(row: License) -> Response:
    """The license's file."""
    return Response(row.file, media_type="application/octet-stream", headers=attached(license_file_name(row)))

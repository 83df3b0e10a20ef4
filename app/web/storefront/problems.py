"""The errors of the storefront API as its OpenAPI document names them: RFC 9457 problems, each with its codes.

A room's router registers its codes with their status and the sentence of an example, and each operation names those it can
answer. What every operation can answer stands in `EVERYWHERE` and need not be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

PROBLEM = "application/problem+json"
MEANING = {
    400: "Something in the request is wrong.",
    401: "No token, or not one that counts.",
    403: "Not for this account.",
    404: "There is no such thing for this account.",
    409: "The state does not allow it.",
    413: "The request is too large.",
    415: "The file is of a kind that is not taken.",
    422: "The request does not fit this document, or a rule says no.",
    429: "Too many requests; Retry-After says when to try again.",
    500: "Our own error.",
    502: "The shop did not answer.",
    503: "Our own side cannot work now; try again later.",
}
CODES: dict[str, dict[int, str]] = {}
"""Code -> status -> the sentence of its example. Few codes have more than one status."""
TOKEN_CODES = (
    "token_missing",
    "token_malformed",
    "token_algorithm",
    "token_issuer",
    "token_signature",
    "token_owner",
    "token_type",
    "token_audience",
    "token_expired",
    "token_early",
)


def register_problems(codes: Mapping[str, tuple[int, str]]) -> None:
    """Add a router's codes as code -> (status, sentence). Raises ValueError for a status that has no meaning here."""
    for code, (status, sentence) in codes.items():
        if status not in MEANING:
            raise ValueError(f"problem {code!r} has a status without meaning")
        CODES.setdefault(code, {}).setdefault(status, sentence)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that answers these codes, and those of `EVERYWHERE` with the same status.

    Raises KeyError for a code that nobody registered.
    """
    own = by_status(codes)
    named = by_status((*codes, *EVERYWHERE))
    return {status: response(status, found) for status, found in named.items() if status in own}


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes, each once, under their status."""
    found: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        for status in CODES[code]:
            found.setdefault(status, []).append(code)
    return dict(sorted(found.items()))


def response(status: int, codes: list[str]) -> dict[str, Any]:
    """The OpenAPI response object of a status with its codes."""
    schema = {"allOf": [{"$ref": "#/components/schemas/ProblemOut"}], "properties": {"code": {"enum": codes}}}
    examples = {code: {"value": problem_of(status, code, CODES[code][status])} for code in codes}
    text = f"{MEANING[status]} Codes: {', '.join(f'`{code}`' for code in codes)}."
    return {"description": text, "content": {PROBLEM: {"schema": schema, "examples": examples}}}


def problem_of(status: int, code: str, detail: str) -> dict[str, Any]:
    """An RFC 9457 problem as data."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}


register_problems(
    {
        **dict.fromkeys(TOKEN_CODES, (401, "The token has expired; ask the shop for a new one.")),
        "token_missing": (401, "Send the customer's access token: Authorization: Bearer ..."),
        "too_large": (413, "A request may hold 65536 bytes."),
        "validation": (422, "query.limit: Input should be less than or equal to 100"),
        "rate_limited": (429, "Too many requests; try again in 1 s."),
        "internal_error": (500, "Something went wrong on our side; try again later."),
        "unavailable": (503, "We cannot do this now; try again later."),
        "saleor_error": (502, "The shop did not answer as it should; try again later."),
        "not_found": (404, "Not Found"),
        "body": (400, "body: it cannot be read as JSON in UTF-8."),
        "not_a_reseller": (403, "This is for resellers of the program."),
        "role": (403, "Your role is viewer; to order takes owner or buyer. Ask an owner of the reseller's account."),
        "not_a_customer": (403, "There are no licenses for this account."),
        "reseller_inactive": (403, "Only an approved reseller may ask for this."),
        "no_order": (404, "There is no such order."),
        "no_license": (404, "There is no such license."),
        "license_suspended": (409, "The license is suspended; ask the vendor."),
        "license_revoked": (409, "The license is revoked; ask the vendor."),
        "policy_version": (409, "Version 2 of the Reseller Policy is in force; show it and ask again."),
        "cursor": (400, "cursor: use the `next` of a page, as it is."),
    }
)
MEMBER = ("not_a_reseller", "role")
"""What every operation for users of a reseller can answer: for nobody of one, and for a role without the right."""
EVERYWHERE = (*TOKEN_CODES, "too_large", "validation", "rate_limited", "internal_error", "unavailable")
"""What an answer of any operation can be; a router adds it to each by `responses=problems(*EVERYWHERE)`."""

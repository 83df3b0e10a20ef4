"""Files that come and go through the storefront API: multipart forms with a limit, and downloads that nobody's browser opens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from app.errors import InvalidInput
from app.files.rules import disposition, too_large
from app.files.service import Upload, content
from app.files.tables import StoredFile
from app.orders.services import Services

M = TypeVar("M", bound=BaseModel)

MAX_FIELDS = 100
MAX_FIELD = 16 * 1024
"""Bytes of one field that is no file."""
PARTS = 64 * 1024
"""Bytes a form may have beside its file."""


def multipart(model: type[BaseModel] | None = None) -> dict[str, Any]:
    """The request body of an upload for the OpenAPI document: `file`, and the fields of `model`."""
    schema: dict[str, Any] = model.model_json_schema() if model else {"type": "object", "properties": {}, "title": "FileIn"}
    kinds = "PDF, JPEG or PNG, known by its content."
    schema["properties"] = {"file": {"type": "string", "format": "binary", "description": kinds}} | schema["properties"]
    schema["required"] = ["file", *schema.get("required", ())]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@asynccontextmanager
async def form_of(request: Request) -> AsyncIterator[FormData]:
    """The multipart form of a request; large files lie in a temporary file, which is gone at the end.

    Raises InvalidInput for a body of another kind. What is no form inside answers 400 as well.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidInput("Send a form as multipart/form-data, with the file as `file`.", code="multipart")
    async with request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD) as form:
        yield form


async def upload_of(form: FormData, limit: int) -> Upload:
    """The form's file, of at most `limit` bytes. Raises InvalidInput without one, TooLarge."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidInput("file: it is missing; send it as the form's field `file`.", code="file_missing")
    if file.size is not None and file.size > limit:
        raise too_large(limit)
    return Upload(await file.read(), file.filename or "")


def fields_of(form: FormData, model: type[M], lists: Mapping[str, str] | None = None) -> M:
    """The form's other fields as a model; empty ones count as left out, and those in `lists` are split at their separator.

    Raises RequestValidationError, which answers like any wrong body.
    """
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, str) and value.strip() and name != "file":
            if lists and name in lists:
                given.setdefault(name, []).extend(part.strip() for part in value.split(lists[name]) if part.strip())
            else:
                given[name] = value.strip()
    try:
        return model.model_validate(given)
    except ValidationError as error:
        places = [{**found, "loc": ("body", *found["loc"])} for found in error.errors(include_url=False, include_context=False)]
        raise RequestValidationError(places) from error


async def download(services: Services, file: StoredFile) -> Response:
    """A stored file to be saved, never shown: the browser is told its type, not to guess, and to run nothing of it."""
    headers = {
        "Content-Disposition": disposition(file.name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(await content(services.files, file), media_type=file.media_type, headers=headers)

"""Files that come and go through the storefront API: multipart forms with a limit, and downloads that no browser opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.errors import InvalidInput
from app.files.rules import SUFFIXES, disposition, too_large
from app.files.service import Upload, content
from app.files.tables import StoredFile
from app.orders.services import Services
from app.web.storefront.common import binary
from app.web.storefront.problems import register_problems

M = TypeVar("M", bound=BaseModel)

FORM_BYTES = 64 * 1024
"""What a form may have beside its file."""
MAX_FIELDS = 100
MAX_FIELD = 16 * 1024
"""Bytes of one field that is no file."""
FILE_PROBLEMS = (
    "multipart",
    "file_missing",
    "file_empty",
    "file_type",
    "file_damaged",
    "file_polyglot",
    "file_too_large",
    "upload_expired",
)
register_problems(
    {
        "multipart": (400, "Send a form as multipart/form-data, with the file as `file`."),
        "file_missing": (400, "file: it is missing; send it as the form's field `file`."),
        "file_empty": (400, "file: it is empty. Send a PDF, JPEG or PNG file."),
        "file_type": (400, "file: it is none of the kinds that are taken, whatever its name says. Send a PDF, JPEG or PNG file."),
        "file_damaged": (400, "file: it begins as PDF and is damaged or cut off. Save it anew and send it again."),
        "file_polyglot": (400, "file: it is PDF and an archive at once. Print it to a new PDF and send that."),
        "file_too_large": (413, "file: it may have at most 10 MB."),
        "upload_expired": (409, "The upload took too long; send the file again."),
        "no_file": (404, "There is no such file."),
    }
)


def multipart(model: type[BaseModel] | None = None) -> dict[str, Any]:
    """The request body of an upload for the OpenAPI document: `file`, and the fields of `model`."""
    schema: dict[str, Any] = model.model_json_schema() if model else {"type": "object", "title": "FileIn", "properties": {}}
    file = {
        "type": "string",
        "format": "binary",
        "description": "PDF, JPEG or PNG, known by its content.",
        "examples": ["(the bytes of the file)"],
    }
    schema["properties"] = {"file": file} | schema["properties"]
    schema["required"] = ["file", *schema.get("required", ())]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def file_answer(description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that answers an uploaded file."""
    answer = binary("application/pdf", description)
    answer[200]["content"] = dict.fromkeys(SUFFIXES, answer[200]["content"]["application/pdf"])
    return answer


@asynccontextmanager
async def form_of(request: Request) -> AsyncIterator[FormData]:
    """The multipart form of a request; a large file lies in a temporary one on the disk, which is gone at the end.

    Raises InvalidInput for a body that is no such form, or has more than one file.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidInput("Send a form as multipart/form-data, with the file as `file`.", code="multipart")
    try:
        form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD)
    except HTTPException as error:
        raise InvalidInput(f"The form cannot be read: {error.detail} Send one file, as `file`.", code="multipart") from error
    try:
        yield form
    finally:
        await form.close()


async def upload_of(form: FormData, limit: int) -> Upload:
    """The form's file, of at most `limit` bytes. Raises InvalidInput without one, TooLarge."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidInput("file: it is missing; send it as the form's field `file`.", code="file_missing")
    if file.size is not None and file.size > limit:
        raise too_large(limit)
    return Upload(await file.read(), file.filename or "")


def fields_of(form: FormData, model: type[M], lists: frozenset[str] = frozenset()) -> M:
    """The form's other fields as a model; empty ones count as left out, those in `lists` may be repeated or hold commas.

    Raises RequestValidationError, which answers like that of any wrong body.
    """
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str) or not value.strip():
            continue
        if name in lists:
            given.setdefault(name, []).extend(part.strip() for part in value.split(",") if part.strip())
        else:
            given[name] = value.strip()
    try:
        return model.model_validate(given)
    except ValidationError as error:
        places = [{**found, "loc": ("body", *found["loc"])} for found in error.errors(include_url=False, include_context=False)]
        raise RequestValidationError(places) from error


async def download(services: Services, file: StoredFile) -> Response:
    """A stored file to be saved, never shown: the browser is told its type, not to guess, and to run nothing of it."""
    headers = {"Content-Disposition": disposition(file.name), "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(await content(services.files, file), media_type=file.media_type, headers=headers)

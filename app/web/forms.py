"""Forms as pages get them: text fields, each once, and at most one file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.datastructures import UploadFile

from app.errors import InvalidInput
from app.files.rules import too_large
from app.files.service import Upload

MAX_FIELDS = 200
"""Fields of one form; the questionnaire has the most."""


class Form:
    """The fields of a form: text, each once, and at most one file."""

    def __init__(self, fields: dict[str, str], file: UploadFile | None = None) -> None:
        self._fields = fields
        self.upload = file

    def __getitem__(self, name: str) -> str:
        return self._fields.get(name, "")

    def named(self, names: list[str] | tuple[str, ...]) -> dict[str, str]:
        """These fields, those alone that were sent."""
        return {name: self._fields[name] for name in names if name in self._fields}

    def prefixed(self, prefix: str) -> dict[str, str]:
        """The fields whose name starts like this, without it."""
        return {name.removeprefix(prefix): value for name, value in self._fields.items() if name.startswith(prefix)}


async def uploaded(form: Form, limit: int, kind: str = "") -> Upload:
    """The form's file, of at most `limit` bytes; `kind` says which, if no document. Raises InvalidInput without, TooLarge."""
    if form.upload is None or not form.upload.filename:
        code = "no_file_chosen" if kind else "file_missing"
        raise InvalidInput(f"file: it is missing; choose {kind or 'a PDF, JPEG or PNG file'}.", code=code)
    if form.upload.size is not None and form.upload.size > limit:
        raise too_large(limit)
    return Upload(await form.upload.read(), form.upload.filename)


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[Form]:
    """The form of a POST; a large file lies in a temporary one on the disk, which is gone at the end.

    Raises InvalidInput for one with a field twice, and HTTPException for what is no form.
    """
    fields: dict[str, str] = {}
    upload = None
    given = await request.form(max_files=1, max_fields=MAX_FIELDS)
    try:
        for name, value in given.multi_items():
            if isinstance(value, UploadFile):
                upload = value
            elif name in fields:
                raise InvalidInput(f"{name}: it was sent twice.", code="form")
            else:
                fields[name] = value
        yield Form(fields, upload)
    finally:
        await given.close()

"""Receiving a form with a file: straight from the socket into a named file, never into memory."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field as FormField
from python_multipart.multipart import File as FormFile
from python_multipart.multipart import FormParser, MultipartState, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from app.core.problems import BadRequest, Unprocessable, UnsupportedMedia
from app.core.scratch import new_directory

MAX_FIELDS = 50
MAX_FIELD_BYTES = 1024 * 1024
BATCH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ReceivedFile:
    """A file of the form, on disk for as long as the request lasts; ``filename`` as sent."""

    path: Path
    filename: str
    size: int


@dataclass
class ReceivedForm:
    """The fields and files of one request; ``directory`` is scratch space that goes with it."""

    directory: Path
    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, ReceivedFile] = field(default_factory=dict)

    def file(self, name: str = "file") -> ReceivedFile:
        """The file of that field. Raises :class:`Unprocessable` when it is missing."""
        if name not in self.files:
            message = "a file is needed in this field of the form"
            raise Unprocessable(
                f"{name}: {message}", errors=[{"location": f"body.{name}", "message": message}]
            )
        return self.files[name]

    def refuse_unknown(self, *known: str) -> None:
        """Raises :class:`Unprocessable` when the form has a field that is none of ``known``."""
        unknown = [name for name in (*self.fields, *self.files) if name not in known]
        if unknown:
            raise Unprocessable(
                f"{unknown[0]}: there is no such field",
                errors=[
                    {"location": f"body.{name}", "message": "there is no such field"}
                    for name in unknown
                ],
            )


def is_multipart(request: Request) -> bool:
    """Whether the body is a form with files."""
    return request.headers.get("content-type", "").startswith("multipart/form-data")


class _Receiver:
    """Feeds the library's parser and keeps what it finds."""

    def __init__(self, content_type: str, directory: Path) -> None:
        kind, parameters = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in parameters:
            raise UnsupportedMedia("Send the file as multipart/form-data.")
        self.form = ReceivedForm(directory)
        self._field_bytes = 0
        config: dict[str, Any] = {
            "UPLOAD_DIR": str(directory),
            "UPLOAD_DELETE_TMP": False,
            "MAX_MEMORY_FILE_SIZE": 0,
        }
        self._parser = FormParser(
            "multipart/form-data",
            self._on_field,
            self._on_file,
            boundary=parameters[b"boundary"],
            config=config,
        )

    def _on_field(self, found: FormField) -> None:
        name = (found.field_name or b"").decode("utf-8", "replace")
        value = found.value or b""
        self._field_bytes += len(value)
        too_many = len(self.form.fields) >= MAX_FIELDS or self._field_bytes > MAX_FIELD_BYTES
        if too_many or name in self.form.fields:
            raise FormParserError("too many, too long or repeated fields")
        self.form.fields[name] = value.decode("utf-8", "replace")

    def _on_file(self, found: FormFile) -> None:
        name = (found.field_name or b"").decode("utf-8", "replace")
        if name in self.form.files:
            raise FormParserError("a repeated file")
        if found.in_memory:
            found.flush_to_disk()
        assert found.actual_file_name is not None
        path = Path(found.actual_file_name.decode())
        found.close()
        filename = (found.file_name or b"").decode("utf-8", "replace")
        self.form.files[name] = ReceivedFile(path, filename, path.stat().st_size)

    def write(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            if isinstance(error.__context__, OSError):
                # The form is right; the disk has no room for it.
                raise error.__context__ from None
            raise BadRequest("The form cannot be read.") from None

    def finish(self) -> ReceivedForm:
        self._parser.finalize()
        if getattr(self._parser.parser, "state", None) != MultipartState.END:
            raise BadRequest("The upload ended before the form did.")
        return self.form


@contextlib.asynccontextmanager
async def receive_form(request: Request) -> AsyncIterator[ReceivedForm]:
    """The form of ``request``; its files vanish when the block ends, however it ends.

    Raises :class:`BadRequest` for a broken or cut form and :class:`UnsupportedMedia` for
    another content type.
    """
    with new_directory() as name:
        receiver = _Receiver(request.headers.get("content-type", ""), Path(name))
        batch = bytearray()
        try:
            async for chunk in request.stream():
                batch += chunk
                if len(batch) >= BATCH_BYTES:
                    await run_in_threadpool(receiver.write, bytes(batch))
                    batch.clear()
        except ClientDisconnect:
            raise BadRequest("The upload was broken off.") from None
        await run_in_threadpool(receiver.write, bytes(batch))
        yield await run_in_threadpool(receiver.finish)

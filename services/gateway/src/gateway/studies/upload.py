"""Receiving an upload: the body goes straight to files of a private directory, counted while it streams.

The names that the sender gave are never used. Starlette's own form parser is not used either: it has spooled
the whole body before a handler can refuse it.
"""

import asyncio
import errno
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from pydantic import ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from gateway.studies.errors import (
    NoFilesError,
    UploadMalformedError,
    UploadStalledError,
    WorkSpaceFullError,
)
from gateway.studies.schemas import UploadForm
from ictus.domain.errors import TooLargeError

FILES: Final = "files"
_MOST_FIELD_BYTES: Final = 256
_MOST_FIELDS: Final = 8
_FORM_OVERHEAD: Final = 2048  # boundary and headers of one part, at most

_LEAST_PROGRESS: Final = 64 * 1024
"""Bytes that prove that an upload still arrives."""

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    """An upload on disk, for as long as its context lasts.

    Attributes:
        files: distinct files that are not empty.
        content_sha256: digest of the set of their digests: the same for the same bytes in any order.
        form: the other fields.
        workdir: an empty private directory beside the files.
    """

    files: tuple[Path, ...]
    content_sha256: bytes
    form: UploadForm
    workdir: Path


@asynccontextmanager
async def receive_upload(
    request: Request, *, within: Path | None, max_bytes: int, max_files: int, stall_seconds: float
) -> AsyncIterator[ReceivedUpload]:
    """Stream a multipart form into a private directory that is removed at the end, whatever happens.

    Args:
        request: its body has not been read.
        within: where to make the directory; the system's place for temporary files when None.
        max_bytes: of all files together.
        max_files: in one upload.
        stall_seconds: time in which 64 KiB must arrive, or all that is left.

    Raises:
        UploadMalformedError, UploadStalledError, NoFilesError, TooLargeError, WorkSpaceFullError: nothing of it
            is kept.
    """

    def read_form(content_type: str, folder: Path) -> _FormReader:
        return _FormReader(content_type, folder, max_bytes, max_files)

    async with receive_parts(
        request,
        read_form,
        within=within,
        max_bytes=max_bytes + max_files * _FORM_OVERHEAD,
        stall_seconds=stall_seconds,
    ) as form:
        yield form.received()


@asynccontextmanager
async def receive_parts(
    request: Request,
    make_reader: "Callable[[str, Path], ReaderT]",
    *,
    within: Path | None,
    max_bytes: int,
    stall_seconds: float,
) -> "AsyncIterator[ReaderT]":
    """Stream a multipart body through a reader into a private directory that is removed at the end.

    Args:
        request: its body has not been read.
        make_reader: takes the Content-Type and the directory.
        within: where to make the directory; the system's place for temporary files when None.
        max_bytes: of the whole body, where it says its length.
        stall_seconds: time in which 64 KiB must arrive, or all that is left.
    """
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > max_bytes:
        raise too_many_bytes(max_bytes)
    folder = Path(await run_in_threadpool(tempfile.mkdtemp, prefix="ictus-upload-", dir=within))
    try:
        reader = make_reader(request.headers.get("content-type", ""), folder)
        try:
            await _feed(reader, request, stall_seconds)
            yield reader
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise WorkSpaceFullError(retry_after=60) from error
            raise
        except ClientDisconnect as error:
            raise UploadMalformedError("The upload was broken off.") from error
        finally:
            reader.close()
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


async def _feed(form: "MultipartReader", request: Request, stall_seconds: float) -> None:
    """Read the body to its end. A sender that trickles must not keep its place for ever."""
    clock = asyncio.get_running_loop().time
    arrived = 0
    try:
        async with asyncio.timeout(stall_seconds) as patience:
            async for chunk in request.stream():
                await run_in_threadpool(form.write, chunk)
                arrived += len(chunk)
                if arrived >= _LEAST_PROGRESS:
                    arrived = 0
                    patience.reschedule(clock() + stall_seconds)
    except TimeoutError as error:
        raise UploadStalledError from error


_Part: TypeAlias = "_FilePart | _FieldPart | None"


class _FilePart:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = hashlib.sha256()
        self.size = 0
        self._file = path.open("xb")  # buffered: it writes all of what it is given, or raises

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class _FieldPart:
    """A short text field that is being read."""

    name: str
    value: bytearray = field(default_factory=bytearray)


class MultipartReader:
    """Feeds the push parser and keeps the files that come out of it; a subclass says what a part is.

    Args:
        content_type: of the body.
        kind: the media type that it must be.
        folder: where files are written.
        max_bytes: of all files together.
        max_files: in one body.
    """

    def __init__(self, content_type: str, kind: bytes, folder: Path, max_bytes: int, max_files: int) -> None:
        stated, self.options = parse_options_header(content_type)
        if stated != kind or b"boundary" not in self.options:
            raise UploadMalformedError
        self.folder = folder
        self._bytes_left = self._max_bytes = max_bytes
        self._files_left = max_files
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._part: _Part = None
        self._fields: dict[str, str] = {}
        self._files: dict[bytes, Path] = {}
        self._ended = False
        try:
            self._parser = self._parser_for(self.options[b"boundary"])
        except (MultipartParseError, FormParserError) as error:  # a boundary that none may be
            raise UploadMalformedError from error

    def _parser_for(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self.begin_part,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self.open_part,
                "on_part_data": self._write_part,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def begin_part(self) -> None:
        """A part begins."""

    def read_header(self, name: bytes, value: bytes) -> None:
        """A header of the part, its name in lower case."""

    def open_part(self) -> None:
        """The part's headers are over: ``open_file``, or set it aside."""
        raise NotImplementedError

    def open_file(self) -> None:
        """Keep the part as a file."""
        if not self._files_left:
            raise TooLargeError("The upload holds more files than this installation allows.")
        self._files_left -= 1
        self._part = _FilePart(self.folder / f"{self._files_left}.upload")

    def files(self) -> tuple[Path, ...]:
        """The distinct files that are not empty, once the whole body has been written.

        Raises:
            UploadMalformedError: the body was broken off.
            NoFilesError: there is none.
        """
        if not self._ended:
            raise UploadMalformedError("The upload was broken off.")
        if not self._files:
            raise NoFilesError
        return tuple(self._files.values())

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except (MultipartParseError, FormParserError) as error:
            raise UploadMalformedError from error

    def close(self) -> None:
        """Close a file that a broken-off upload left open."""
        if isinstance(self._part, _FilePart):
            with suppress(OSError):  # what could not be written is thrown away anyway
                self._part.close()

    def _end_header(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = (bytearray(), bytearray())
        self.read_header(name.lower(), value)

    def _write_part(self, data: bytes, start: int, end: int) -> None:
        match self._part:
            case _FilePart() as file:
                self._bytes_left -= end - start
                if self._bytes_left < 0:
                    raise too_many_bytes(self._max_bytes)
                file.write(data[start:end])
            case _FieldPart() as text:
                text.value += data[start:end]
                if len(text.value) > _MOST_FIELD_BYTES:
                    raise UploadMalformedError(f"The field '{text.name[:32]}' is too long.")

    def _end_part(self) -> None:
        match self._part:
            case _FilePart() as file:
                file.close()
                if file.size and file.digest.digest() not in self._files:
                    self._files[file.digest.digest()] = file.path
                else:
                    file.path.unlink()
            case _FieldPart() as text:
                # An empty field of an HTML form means that nothing was chosen.
                if text.value:
                    self._fields[text.name] = text.value.decode("utf-8", "replace")
        self._part = None

    def _end(self) -> None:
        self._ended = True


class _FormReader(MultipartReader):
    """A form of files and short fields."""

    def __init__(self, content_type: str, folder: Path, max_bytes: int, max_files: int) -> None:
        super().__init__(content_type, b"multipart/form-data", folder, max_bytes, max_files)
        self._name: str | None = None

    def received(self) -> ReceivedUpload:
        """The upload, once the whole body has been written."""
        files = self.files()
        try:
            form = UploadForm.model_validate(self._fields)
        except ValidationError as error:
            named = ", ".join(str(item["loc"][0]) for item in error.errors())
            raise UploadMalformedError(f"The upload's form has wrong fields: {named}.") from None
        workdir = self.folder / "work"
        workdir.mkdir(mode=0o700)
        return ReceivedUpload(files, content_digest(self._files), form, workdir)

    def begin_part(self) -> None:
        """A part begins."""
        self._name = None

    def read_header(self, name: bytes, value: bytes) -> None:
        """Read the field's name."""
        if name == b"content-disposition":
            stated = parse_options_header(value)[1].get(b"name", b"")
            self._name = stated.decode("utf-8", "replace")

    def open_part(self) -> None:
        """Tell files and fields apart."""
        if self._name is None:
            raise UploadMalformedError
        if self._name == FILES:
            self.open_file()
            return
        if len(self._fields) >= _MOST_FIELDS:
            raise UploadMalformedError
        self._part = _FieldPart(self._name)


ReaderT = TypeVar("ReaderT", bound=MultipartReader)


def content_digest(digests: Iterable[bytes]) -> bytes:
    """The digest of a set of files, from the SHA-256 of each, whatever their order."""
    return hashlib.sha256(b"".join(sorted(digests))).digest()


def too_many_bytes(limit: int) -> TooLargeError:
    """The refusal of a body that is larger than allowed."""
    return TooLargeError(f"The upload is larger than this installation allows ({limit // 2**20} MiB).")

"""Content negotiation (PS3.18 8.7) and multipart answers (8.6)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi.responses import StreamingResponse
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from gateway.dicomweb.errors import NotAcceptableError

DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
OCTETS: Final = "application/octet-stream"

_ANY: Final = "*/*"
_NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
_FRAME_TYPES: Final = {
    **dict.fromkeys(("4.50", "4.51", "4.57", "4.70"), "image/jpeg"),
    **dict.fromkeys(("4.80", "4.81"), "image/jls"),
    **dict.fromkeys(("4.90", "4.91"), "image/jp2"),
    **dict.fromkeys(("4.92", "4.93"), "image/jpx"),
    **dict.fromkeys(("4.201", "4.202", "4.203"), "image/jphc"),
    "5": "image/dicom-rle",
}
"""PS3.18 table 8.7.3-5; the rest of the transfer syntax's UID behind 1.2.840.10008.1.2."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One thing that the client accepts. ``syntax``: a transfer syntax, ``*``, or None when it says nothing."""

    multipart: bool
    media_type: str
    syntax: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer; its content is read when its turn comes."""

    content_type: str
    read: Callable[[], bytes]


def accepted_by(request: Request) -> Sequence[Accepted]:
    """What the client accepts, most wanted first; the parameter ``accept`` wins over the header (8.3.3.1)."""
    stated = request.query_params.get("accept") or request.headers.get("accept") or _ANY
    weighed = []
    for position, one in enumerate(_split(stated.encode("ascii", "replace").decode())):
        kind, options = parse_options_header(one)
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in options.items()}
        media_type = kind.decode("latin-1").lower()
        multipart = media_type == "multipart/related"
        if multipart:
            media_type = told.get("type", _ANY).lower()
        try:
            weight = float(told.get("q", "1"))
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, position, Accepted(multipart, media_type, told.get("transfer-syntax"))))
    return [accepted for _, _, accepted in sorted(weighed, key=lambda item: item[:2])]


def wants_single(accepted: Sequence[Accepted]) -> bool:
    """Whether an instance is wanted as it is, and not as the part of a multipart answer."""
    return bool(accepted) and accepted[0].media_type == DICOM and not accepted[0].multipart


def refuse_instance_unless(accepted: Iterable[Accepted], syntax: str) -> None:
    """Make sure that an instance may be given as it is stored. Raises ``NotAcceptableError``."""
    for one in accepted:
        if one.media_type in {DICOM, _ANY} and one.syntax in {None, "*", syntax}:
            return
    raise NotAcceptableError


def frame_type(accepted: Iterable[Accepted], syntax: str) -> str:
    """The Content-Type of a frame as it is stored. Raises ``NotAcceptableError``."""
    stored = _FRAME_TYPES.get(syntax.removeprefix("1.2.840.10008.1.2."), OCTETS)
    for one in accepted:
        if one.syntax in {"*", syntax}:
            fits = one.media_type in {_ANY, stored, OCTETS}
        else:
            is_plain = syntax in _NATIVE and one.media_type in {_ANY, OCTETS}
            fits = one.syntax is None and (
                is_plain or (stored != OCTETS and one.media_type in {_ANY, stored})
            )
        if fits:
            return f"{stored}; transfer-syntax={syntax}"
    raise NotAcceptableError


def picture_type(accepted: Iterable[Accepted]) -> str:
    """``image/jpeg`` or ``image/png``. Raises ``NotAcceptableError``."""
    for one in accepted:
        if one.media_type in {"image/jpeg", "image/*", _ANY}:
            return "image/jpeg"
        if one.media_type == "image/png":
            return "image/png"
    raise NotAcceptableError("Pictures are given as image/jpeg or image/png.")


def multipart(parts: Iterable[Part], root_type: str, boundary: str) -> StreamingResponse:
    """A ``multipart/related`` answer whose parts are read one after the other while it is sent."""

    def body() -> Iterator[bytes]:
        for part in parts:
            content = part.read()
            head = (
                f"--{boundary}\r\nContent-Type: {part.content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
            )
            yield head.encode("ascii")
            yield content
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode("ascii")

    return StreamingResponse(body(), media_type=f'multipart/related; type="{root_type}"; boundary={boundary}')


def _split(header: str) -> Iterator[str]:
    """The header's parts between commas that do not stand in quotes."""
    start, quoted = 0, False
    for at, letter in enumerate(header):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            yield header[start:at]
            start = at + 1
    yield header[start:]

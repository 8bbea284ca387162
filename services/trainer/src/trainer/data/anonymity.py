"""Does a data set say who its patients are?

What is found is told by its kind and the example's position, and never by its value or file name: those may be the
identity itself. Pixels are not read: burned-in names are what intake holds DICOM back for (docs/decisions/0011).
"""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image

from ictus.domain.errors import IntakeError
from ictus.imaging.sniff import FileKind, sniff
from ictus.model.base import Params
from trainer.data.dataset import Dataset, DatasetError
from trainer.data.pictures import VOLUME_SUFFIX

_NAMES: Final = {
    "a date": re.compile(
        r"(?<!\d)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])(?!\d)"
        r"|(?<!\d)(?:0[1-9]|[12]\d|3[01])[-_.](?:0[1-9]|1[0-2])[-_.](?:19|20)\d\d(?!\d)"
    ),
    "a name": re.compile(r"[^\W\d_]+\^[^\W\d_]+|[A-Z][a-z]+, ?[A-Z][a-z]+"),
    "a long number": re.compile(r"(?<![0-9A-Fa-f])\d{7,}(?![0-9A-Fa-f])"),
    "an e-mail address": re.compile(r"\w@\w"),
    "a DICOM UID": re.compile(r"(?<!\d)\d+(?:\.\d+){5,}"),
}
_FULL_NAME: Final = re.compile(r"[^\W\d_]{2,}[ _.-]+[^\W\d_]{2,}")
"""Two words: harmless in a file name (``axial brain``), a person in a pseudonym."""

_TECHNICAL_EXIF: Final = {
    "BitsPerSample", "ColorSpace", "ComponentsConfiguration", "Compression", "ExifImageHeight", "ExifImageWidth",
    "ExifOffset", "ExifVersion", "FlashPixVersion", "ImageLength", "ImageWidth", "Orientation",
    "PhotometricInterpretation", "PlanarConfiguration", "ResolutionUnit", "SamplesPerPixel", "Software",
    "XResolution", "YCbCrPositioning", "YResolution",
}  # fmt: skip
_PNG_TEXT: Final = {b"tEXt", b"zTXt", b"iTXt"}
_TECHNICAL_PNG: Final = {b"Software"}
_VOLUME_MEMBERS: Final = {"voxels", "__metadata__"}
_VOLUME_METADATA: Final = {"ictus"}


class IdentityTrace(Params):
    """Something that may say who a patient is.

    Attributes:
        kind: what it is, never its value.
        count: in how many examples.
        first: position of the first of them in the data set.
    """

    kind: str
    count: int
    first: int


def identity_traces(dataset: Dataset) -> tuple[IdentityTrace, ...]:
    """What in a data set's names and files may identify a patient, by kind.

    Raises:
        DatasetError: a file is no picture and no canonical volume.
    """
    found: dict[str, list[int]] = {}
    for position, example in enumerate(dataset.slices):
        kinds = {
            *(
                f"{kind} in a file name"
                for kind in suspicious(f"{example.path.parent.name}/{example.path.name}")
            ),
            *(f"{kind} as a patient's pseudonym" for kind in suspicious_pseudonym(example.patient)),
            *_inside(example.path, position),
        }
        for kind in kinds:
            found.setdefault(kind, []).append(position)
    return tuple(IdentityTrace(kind=kind, count=len(at), first=at[0]) for kind, at in sorted(found.items()))


def suspicious(name: str) -> list[str]:
    """What a name seems to hold that identifies a patient: "a date", "a long number", ..."""
    return [kind for kind, pattern in _NAMES.items() if pattern.search(name)]


def suspicious_pseudonym(pseudonym: str) -> list[str]:
    """The same for a patient's pseudonym, where two words already look like a name."""
    kinds = suspicious(pseudonym)
    if _FULL_NAME.search(pseudonym) and "a name" not in kinds:
        kinds.append("a name")
    return kinds


def _inside(path: Path, position: int) -> Iterator[str]:
    """The kinds of texts in a file that a picture does not need."""
    if path.suffix == VOLUME_SUFFIX:
        yield from _in_volume(path, position)
        return
    try:
        kind = sniff(path)
    except IntakeError as error:
        raise DatasetError(f"Example {position} is no picture and no canonical volume.") from error
    if kind is FileKind.PNG:
        yield from _in_png(path, position)
    elif kind is FileKind.JPEG:
        yield from _in_jpeg(path, position)
    else:
        raise DatasetError(f"Example {position} is a {kind} file. Import the folder: `ictus-train import`.")


def _in_volume(path: Path, position: int) -> Iterator[str]:
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(min(struct.unpack("<Q", file.read(8))[0], 65536)))
            members, metadata = set(header), set(header["__metadata__"])
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"Example {position} is no canonical volume.") from error
    if members - _VOLUME_MEMBERS or metadata - _VOLUME_METADATA:
        yield "more than voxels and their geometry in a volume"


def _in_png(path: Path, position: int) -> Iterator[str]:
    """PNG (ISO/IEC 15948): chunks of length, type, data and checksum; only text chunks are looked into."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, chunk = struct.unpack(">I4s", head)
            if chunk in _PNG_TEXT:
                keyword = file.read(length).split(b"\0", 1)[0]
                file.seek(4, 1)
                if keyword not in _TECHNICAL_PNG:
                    yield "a text in a PNG file"
                continue
            file.seek(length + 4, 1)
            if chunk == b"eXIf":
                yield from _in_exif(path, position)


def _in_jpeg(path: Path, position: int) -> Iterator[str]:
    try:
        with Image.open(path, formats=("JPEG",)) as image:
            info = image.info
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f"Example {position} cannot be decoded.") from error
    if "comment" in info:
        yield "a comment in a JPEG file"
    if "photoshop" in info:
        yield "IPTC texts in a JPEG file"
    if "xmp" in info:
        yield "XMP texts in a JPEG file"
    if "exif" in info:
        yield from _in_exif(path, position)


def _in_exif(path: Path, position: int) -> Iterator[str]:
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            exif = image.getexif()
            tags = {*exif, *exif.get_ifd(ExifTags.IFD.Exif)}
            located = bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f"The EXIF block of example {position} cannot be read.") from error
    if located:
        yield "EXIF GPSInfo"
    for tag in tags:
        name = ExifTags.TAGS.get(tag, "of an unknown kind")
        if name not in _TECHNICAL_EXIF | {"GPSInfo"}:
            yield f"EXIF {name}"

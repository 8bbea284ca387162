"""PNG and JPEG pictures: checked by their header before they are decoded, and written anew without texts."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import (
    MalformedFileError,
    TooLargeError,
    TruncatedFileError,
    UnsupportedDimensionsError,
    UnsupportedSyntaxError,
)
from ictus.imaging.intake import IntakeLimits, IntakeRequest, IntakeSeries
from ictus.imaging.normalise import refuse_constant
from ictus.imaging.recognise import modality_of_picture
from ictus.imaging.sniff import FileKind
from ictus.imaging.upload import UploadedFile
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.imaging.written import write_volume

_SIXTEEN_BIT = {"I", "I;16", "I;16B", "I;16L"}
_COLOUR = {"RGB", "RGBA", "P", "PA", "LA", "RGBX"}
_GREY = {"1", "L"}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def read_picture(request: IntakeRequest, file: UploadedFile, series_uid: str) -> IntakeSeries:
    """One picture as a series of one slice.

    Raises:
        TooLargeError: more pixels than allowed, by its header.
        UnsupportedSyntaxError: a colour space that is neither grey nor RGB (for example CMYK).
        UnsupportedDimensionsError: an animation.
        TruncatedFileError: it ends early.
        MalformedFileError: it cannot be decoded.
        InvalidValuesError: it is blank.
    """
    pixels = _decode(file, request.limits)
    grey, colourfulness = to_grey(pixels)
    refuse_constant(grey)
    clean = _write_clean(pixels, request.workdir)
    modality = request.declared_modality or modality_of_picture(grey, colourfulness)
    volume = Volume(
        voxels=grey[np.newaxis],
        modality=modality,
        source_format=SourceFormat.PNG if file.kind is FileKind.PNG else SourceFormat.JPEG,
        units=VoxelUnits.DISPLAY,
        colourfulness=colourfulness,
        modality_stated=request.declared_modality is not None,
    )
    name = "picture" if modality is Modality.OTHER else f"{modality.value} picture"
    return write_volume(
        volume, request.workdir, description=name, series_uid=series_uid, source_paths=(clean,)
    )


def _decode(file: UploadedFile, limits: IntakeLimits) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(rows, columns) 8 or 16 bit, or (rows, columns, 3) 8 bit; upright, transparency over black."""
    try:
        with Image.open(file.path, formats=("PNG", "JPEG")) as image:
            columns, rows = image.size
            if rows * columns > limits.max_pixels:
                raise TooLargeError(
                    f"A picture of {columns} x {rows} pixels is larger than this installation allows."
                )
            if file.kind is FileKind.PNG and getattr(image, "n_frames", 1) > 1:
                raise UnsupportedDimensionsError("The picture is an animation. Send single pictures.")
            image.load()
            return _samples(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise TooLargeError from error
    except UnidentifiedImageError as error:
        raise MalformedFileError from error
    except (OSError, SyntaxError, EOFError, struct.error, zlib.error, ValueError) as error:
        words = str(error).lower()
        if isinstance(error, EOFError) or "truncated" in words or "incomplete" in words:
            raise TruncatedFileError from error
        raise MalformedFileError from error


def _samples(image: Image.Image) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if image.mode in _SIXTEEN_BIT:
        return np.asarray(image).clip(0, 65535).astype(np.uint16)
    if image.mode in _GREY:
        return np.asarray(image.convert("L"))
    if image.mode not in _COLOUR:
        raise UnsupportedSyntaxError("The picture is neither grey nor RGB. Save it as RGB and try again.")
    shown = image.convert("RGBA")
    black = Image.new("RGBA", shown.size, (0, 0, 0, 255))
    return np.asarray(Image.alpha_composite(black, shown).convert("RGB"))


def to_grey(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> tuple[NDArray[np.uint8], float]:
    """A decoded picture as ((rows, columns) 0..255, colourfulness 0..1)."""
    if pixels.ndim == 3:
        spread = pixels.max(axis=2).astype(np.float32) - pixels.min(axis=2)
        luminance = pixels.astype(np.float32) @ _LUMA
        return np.rint(luminance).clip(0, 255).astype(np.uint8), float(spread.mean() / 255)
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8), 0.0
    # 16 bits often hold 10 or 12 used ones: what is brightest says how many.
    used = max(8, int(pixels.max()).bit_length())
    return (pixels >> (used - 8)).astype(np.uint8), 0.0


def _write_clean(pixels: NDArray[np.uint8] | NDArray[np.uint16], workdir: Path) -> Path:
    """The pixels as a new PNG: no EXIF, text, profile or thumbnail can come along."""
    folder = workdir / "sources"
    folder.mkdir(exist_ok=True)
    path = folder / f"{sum(1 for _ in folder.iterdir())}.png"
    Image.fromarray(pixels).save(path, "PNG", compress_level=1)
    return path

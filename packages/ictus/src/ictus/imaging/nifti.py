"""NIfTI-1 and -2 files: checked by their header, read within limits, turned to axial slices."""

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import (
    InvalidValuesError,
    MalformedFileError,
    TooLargeError,
    TruncatedFileError,
    UnsupportedDimensionsError,
    UnsupportedSyntaxError,
)
from ictus.imaging.intake import IntakeLimits, IntakeRequest, IntakeSeries
from ictus.imaging.normalise import to_display, to_hounsfield, to_normalised
from ictus.imaging.recognise import looks_like_hounsfield
from ictus.imaging.sniff import is_gzip
from ictus.imaging.upload import UploadedFile
from ictus.imaging.volume import Volume, Voxels, VoxelUnits
from ictus.imaging.written import write_volume

_MAX_EXTENSION_BYTES = 16 * 1024**2
_NUMBERS = "iuf"
_GEOMETRY = (
    "dim", "datatype", "bitpix", "pixdim", "scl_slope", "scl_inter", "xyzt_units", "qform_code", "sform_code",
    "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip

_MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 0.001}
"""By the spatial code of xyzt_units: metres, millimetres, micrometres; unstated means millimetres."""

Header = Any
"""Nifti1Header or Nifti2Header; nibabel is untyped here."""


def read_nifti(request: IntakeRequest, file: UploadedFile, series_uid: str) -> IntakeSeries:
    """One NIfTI file as one series of axial slices; its clean copy keeps geometry and voxels only.

    Raises:
        UnsupportedDimensionsError: not a 3-D volume.
        UnsupportedSyntaxError: colour or complex voxels, or a header whose image is in another file.
        InvalidValuesError: NaN, infinite or constant voxels.
        TruncatedFileError: fewer voxels than the header says.
        TooLargeError: more than allowed.
        MalformedFileError: the header contradicts itself.
    """
    try:
        with _open(file.path) as source:
            header = _read_header(source)
            shape = _shape(header, request.limits)
            stored = _read_voxels(source, header, shape)
    except (EOFError, zlib.error) as error:
        raise TruncatedFileError from error
    except gzip.BadGzipFile as error:
        raise MalformedFileError from error
    clean = _write_clean(header, stored, request.workdir)
    values, spacing, warnings = _axial(header, _scaled(stored, header))
    volume, more = _volume(values, spacing, request.declared_modality)
    return write_volume(
        volume,
        request.workdir,
        description=f"{volume.modality.value} axial NIfTI",
        series_uid=series_uid,
        source_paths=(clean,),
        warnings=(*warnings, *more),
    )


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(path)) if is_gzip(path) else path.open("rb")


def _read_header(source: IO[bytes]) -> Header:
    block = source.read(348)
    if len(block) < 348:
        raise TruncatedFileError
    sizes = {int.from_bytes(block[:4], "little"): "<", int.from_bytes(block[:4], "big"): ">"}
    if 348 in sizes:
        if block[344:348] != b"n+1\0":
            raise UnsupportedSyntaxError("The header's image is in another file. Send one .nii file.")
        return Nifti1Header(block, endianness=sizes[348], check=False)
    block += source.read(540 - 348)
    if block[4:7] != b"n+2":
        raise UnsupportedSyntaxError("The header's image is in another file. Send one .nii file.")
    if len(block) < 540:
        raise TruncatedFileError
    return Nifti2Header(block, endianness=sizes[540], check=False)


def _shape(header: Header, limits: IntakeLimits) -> tuple[int, int, int]:
    dimensions = [int(length) for length in header["dim"]]
    count = dimensions[0]
    if not 1 <= count <= 7 or any(length < 1 for length in dimensions[1 : count + 1]):
        raise MalformedFileError
    if count < 2 or any(length > 1 for length in dimensions[4 : count + 1]):
        raise UnsupportedDimensionsError
    shape = (dimensions[1], dimensions[2], dimensions[3] if count > 2 else 1)
    if math.prod(shape) > limits.max_voxels or max(shape) > limits.max_slices:
        raise TooLargeError("The volume has more voxels than this installation allows.")
    return shape


def _read_voxels(source: IO[bytes], header: Header, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Stored values in (i, j, k) order."""
    try:
        data_type = header.get_data_dtype()
    except Exception as error:  # nibabel raises its own HeaderDataError, a bare Exception
        raise UnsupportedSyntaxError from error
    if data_type.kind not in _NUMBERS or data_type.itemsize > 8:
        raise UnsupportedSyntaxError("The volume's voxels are neither whole nor real numbers.")
    offset = float(header["vox_offset"])
    if not source.tell() <= offset <= _MAX_EXTENSION_BYTES:
        raise MalformedFileError
    source.read(int(offset) - source.tell())
    length = math.prod(shape) * data_type.itemsize
    data = source.read(length)
    if len(data) < length:
        raise TruncatedFileError
    return np.frombuffer(data, data_type).reshape(shape, order="F")


def _scaled(stored: NDArray[Any], header: Header) -> NDArray[np.float32]:
    """Values with scl_slope and scl_inter applied; a slope of 0 or NaN means none."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    values = stored.astype(np.float32)
    if math.isfinite(slope) and slope != 0:
        values *= np.float32(slope)
        values += np.float32(intercept if math.isfinite(intercept) else 0)
    if not all(np.isfinite(values[..., index]).all() for index in range(values.shape[2])):
        raise InvalidValuesError
    return values


def _axial(
    header: Header, values: NDArray[np.float32]
) -> tuple[NDArray[np.float32], tuple[float, float, float], tuple[str, ...]]:
    """((slices, rows, columns) first slice most inferior, spacing, warnings)."""
    warnings: tuple[str, ...] = ()
    if int(header["sform_code"]) > 0:
        affine = header.get_sform()
    elif int(header["qform_code"]) > 0:
        affine = header.get_qform()
    else:
        affine, warnings = header.get_base_affine(), ("unknown_orientation",)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise MalformedFileError("The volume's geometry is damaged.")
    turn = ornt_transform(io_orientation(affine), axcodes2ornt("LPS"))
    turned = apply_orientation(values, turn)
    lengths = np.linalg.norm(affine[:3, :3], axis=0) * _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    # turn[i] says to which axis, left-posterior-superior, the stored axis i goes.
    by_axis = {int(axis): round(float(lengths[stored]), 4) for stored, axis in enumerate(turn[:, 0])}
    return turned.transpose(2, 1, 0), (by_axis[2], by_axis[1], by_axis[0]), warnings


def _volume(
    values: NDArray[np.float32], spacing: tuple[float, float, float], declared: Modality | None
) -> tuple[Volume, tuple[str, ...]]:
    if values.min() == values.max():
        raise InvalidValuesError("The picture is blank: all its values are the same.")
    is_hounsfield = looks_like_hounsfield(values)
    modality = declared or (Modality.CT if is_hounsfield else Modality.MR)
    is_stated = declared is not None
    warnings: tuple[str, ...] = ()
    voxels: Voxels
    if modality is Modality.CT and is_hounsfield:
        units = VoxelUnits.HOUNSFIELD
        voxels = np.empty(values.shape, np.int16)
        for index, plane in enumerate(values):
            voxels[index] = to_hounsfield(plane, None)
    elif modality is Modality.MR:
        units, voxels = VoxelUnits.NORMALISED, to_normalised(np.ascontiguousarray(values))
    else:
        units, voxels = VoxelUnits.DISPLAY, to_display(np.ascontiguousarray(values), None)
        warnings = ("not_hounsfield",) if modality is Modality.CT else ()
    volume = Volume(voxels, modality, SourceFormat.NIFTI, units, spacing, modality_stated=is_stated)
    return volume, warnings


def _write_clean(header: Header, stored: NDArray[Any], workdir: Path) -> Path:
    """The file anew: geometry and voxels; no description, names, intent, auxiliary file or extension."""
    clean = type(header)(endianness=header.endianness)
    for field in _GEOMETRY:
        clean[field] = header[field]
    clean["vox_offset"] = 4 * math.ceil((len(clean.binaryblock) + 4) / 4)
    folder = workdir / "sources"
    folder.mkdir(exist_ok=True)
    path = folder / f"{sum(1 for _ in folder.iterdir())}.nii"
    with path.open("xb") as target:
        target.write(clean.binaryblock)
        target.write(bytes(int(clean["vox_offset"]) - target.tell()))
        target.write(stored.tobytes(order="F"))
    return path

"""Damaged bytes: intake answers with an outcome or an ``IntakeError``, never with anything else."""

import io
import tempfile
from pathlib import Path

import nibabel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from ictus.domain.errors import IntakeError, IntakeResourceError
from ictus.imaging.analysis import analyse
from ictus.imaging.intake import IntakeRequest, run_intake
from ictus.imaging.phantom import dicom_series, head_ct, picture

CT = head_ct(slices=1, size=64)
BOUNDED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def dicom(syntax: str | None = None) -> bytes:
    instance = next(iter(dicom_series(CT)))
    if syntax == DeflatedExplicitVRLittleEndian:
        instance.file_meta.TransferSyntaxUID = syntax
    elif syntax:
        instance.compress(syntax, generate_instance_uid=False)
    buffer = io.BytesIO()
    instance.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


SEEDS = {
    "dicom": dicom(),
    "deflated": dicom(DeflatedExplicitVRLittleEndian),
    "rle": dicom(RLELossless),
    "jpeg-ls": dicom(JPEGLSLossless),
    "jpeg-2000": dicom(JPEG2000Lossless),
    "nifti": nibabel.Nifti1Image(CT.voxels.transpose(2, 1, 0), None).to_bytes(),
    "png": picture(CT, 0),
    "jpeg": picture(CT, 0, "JPEG"),
}

flips = st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=12)


def damaged(name: str, changes: list[tuple[int, int]], cut: int) -> bytes:
    data = bytearray(SEEDS[name])
    for place, mask in changes:
        data[place % len(data)] ^= mask
    return bytes(data[: len(data) - cut % len(data)] if cut else data)


@pytest.mark.parametrize("name", ["dicom", "deflated", "nifti", "png", "jpeg"])
@BOUNDED
@given(changes=flips, cut=st.sampled_from([0, 0, 0, 3, 200]))
def test_damage_gives_an_answer(name: str, changes: list[tuple[int, int]], cut: int) -> None:
    """In this process: only decoders that are memory-safe."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(damaged(name, changes, cut))
        workdir = Path(folder) / "work"
        workdir.mkdir()
        try:
            assert analyse(IntakeRequest((path,), b"k", workdir)).series
        except IntakeError as refused:
            assert refused.code != IntakeError.code


@pytest.mark.parametrize("name", ["rle", "jpeg-ls", "jpeg-2000"])
@settings(BOUNDED, max_examples=5)
@given(changes=flips)
def test_damage_to_native_decoders_input_stays_in_the_child(
    name: str, changes: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(damaged(name, changes, 0))
        workdir = Path(folder) / "work"
        workdir.mkdir()
        try:
            assert run_intake(IntakeRequest((path,), b"k", workdir)).series
        except IntakeResourceError:
            pass  # a decoder died: that is what the child is for
        except IntakeError as refused:
            assert refused.code != IntakeError.code

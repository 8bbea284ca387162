"""Every file of the PyPI packages pydicom and pydicom-data goes through intake in this process.

``python -m ictus.imaging.sweep --pydicom`` sends each through the sandboxed child and prints the table; here the
same files only take seconds. What native decoders may do to a process is ``test_sandbox``'s business.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from ictus.domain.errors import IntakeError
from ictus.imaging.analysis import analyse
from ictus.imaging.intake import IntakeRequest
from ictus.imaging.sweep import files_of, package_files, sweep

REPOSITORY = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("ICTUS_SHARED_DATA", REPOSITORY.parent / "shared" / "data")) / "samples"

REFUSED = {
    "JPEG-lossy.dcm": "malformed_file",
    "JPEG2000-embedded-sequence-delimiter.dcm": "malformed_file",
    "MR_truncated.dcm": "truncated_file",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "truncated_file",
    "README.txt": "unrecognised_file",
    "rtplan.dcm": "no_pixel_data",
    "rtdose.dcm": "no_pixel_data",
    "test-SR.dcm": "no_pixel_data",
    "liver.dcm": "no_pixel_data",
    "parametric_map_float.dcm": "no_pixel_data",
    "DICOMDIR": "no_pixel_data",
    "zipMR.gz": "unrecognised_file",
}
ACCEPTED = {
    "CT_small.dcm", "MR_small_RLE.dcm", "693_J2KI.dcm", "JPEG-LL.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm",
    "JPEGLSNearLossless_16.dcm", "JPGExtended.dcm", "SC_rgb_rle_32bit.dcm", "examples_palette.dcm", "RG1_UNCR.dcm",
    "cq500_head_ct_slice.dcm", "emri_small_RLE.dcm", "jpg1.dcm", "jp2k1.dcm", "scct.nii", "T2.nii.gz",
}  # fmt: skip


def verdict(path: Path, workdir: Path) -> str:
    workdir.mkdir()
    try:
        analyse(IntakeRequest((path,), b"sweep" * 8, workdir))
    except IntakeError as error:
        return error.code
    return "accepted"


def check(files: list[Path], tmp_path: Path) -> Counter[str]:
    verdicts = [(path.name, verdict(path, tmp_path / str(index))) for index, path in enumerate(files)]
    wrong = [
        (name, found)
        for name, found in verdicts
        if REFUSED.get(name, found) != found or (name in ACCEPTED and found != "accepted")
    ]
    assert wrong == []
    return Counter(found for _, found in verdicts)


def test_every_file_of_the_pydicom_packages_gets_an_answer(tmp_path) -> None:
    counted = check([path for path in package_files() if path.name != "color3d_jpeg_baseline.dcm"], tmp_path)
    assert sum(counted.values()) > 200
    assert counted["accepted"] > 130


@pytest.mark.shared_data
def test_every_sample_gets_an_answer(tmp_path) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not on this machine")
    counted = check(list(files_of([SAMPLES])), tmp_path)
    assert counted["accepted"] > 50


def test_the_command_sweeps_through_the_child(tmp_path) -> None:
    (tmp_path / "note.txt").write_text("no image")
    ct = next(path for path in package_files() if path.name == "CT_small.dcm")

    table = list(sweep([("both", (ct, tmp_path / "note.txt")), ("note", (tmp_path / "note.txt",))]))

    assert [row.verdict for row in table] == ["accepted", "unrecognised_file"]
    assert "left out: unrecognised_file 1" in table[0].detail

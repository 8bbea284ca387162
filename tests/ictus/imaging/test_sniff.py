from pathlib import Path

import pytest

from ictus.domain.errors import TruncatedFileError, UnrecognisedFileError
from ictus.imaging.phantom import head_ct, picture, write_dicom_series, write_nifti
from ictus.imaging.sniff import FileKind, sniff

CT = head_ct(slices=1, size=16)


def test_content_decides_and_names_do_not(tmp_path: Path) -> None:
    dicom = write_dicom_series(CT, tmp_path)[0]
    (tmp_path / "scan.dcm.png").write_bytes(picture(CT, 0, "JPEG"))
    named = {
        dicom.rename(tmp_path / "report.pdf"): FileKind.DICOM,
        write_nifti(CT, tmp_path / "a.nii").rename(tmp_path / "a.jpg"): FileKind.NIFTI,
        write_nifti(CT, tmp_path / "b.nii.gz").rename(tmp_path / "b"): FileKind.NIFTI,
        tmp_path / "scan.dcm.png": FileKind.JPEG,
    }
    assert {path: sniff(path) for path in named} == named


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7 ...",
        b"MZ" + bytes(600),
        b"\x1f\x8b" + bytes(90),
        b"\x5c\x01\0\0" + bytes(344),
        b"{}",
        bytes(1000),
    ],
    ids=["pdf", "program", "gzip", "analyze", "json", "zeros"],
)
def test_other_content_is_not_recognised(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.dcm").write_bytes(content)
    with pytest.raises(UnrecognisedFileError):
        sniff(tmp_path / "scan.dcm")


def test_an_empty_file_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(TruncatedFileError, match="empty"):
        sniff(tmp_path / "a")

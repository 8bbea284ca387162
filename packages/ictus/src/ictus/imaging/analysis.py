"""What the sandboxed child does with an upload: one kind of file makes the study, the rest is left out."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace

from ictus.domain.errors import (
    IntakeError,
    IntakeResourceError,
    MalformedFileError,
    TooLargeError,
    TruncatedFileError,
    UnrecognisedFileError,
)
from ictus.imaging.intake import IntakeOutcome, IntakeRequest, IntakeSeries
from ictus.imaging.sniff import FileKind
from ictus.imaging.uids import replacement_uid
from ictus.imaging.upload import Upload, UploadedFile, gather

# The readers are imported where they are needed: pydicom and nibabel take a third of a second each.

_PICTURES = (FileKind.PNG, FileKind.JPEG)


def analyse(request: IntakeRequest) -> IntakeOutcome:
    """Read an upload: its DICOM images; without any, its NIfTI volumes; without those, its pictures.

    Only one kind makes a study, because folders and discs carry logos, previews and conversions along.

    Raises:
        IntakeError: the upload is refused. An unexpected error of a reader becomes one too, with the
            error as its cause: whatever a reader trips over, the file is at fault.
    """
    with _as_refusals():
        return _analyse(request)


def describe_again(request: IntakeRequest) -> None:
    """Describe files that intake has stored before: ``{n}.json`` in the workdir for the ``n``-th path.

    Raises:
        IntakeError: a file cannot be read.
    """
    from ictus.imaging.describe import describe  # noqa: PLC0415

    with _as_refusals():
        for number, path in enumerate(request.paths):
            describe(path, request.workdir / f"{number}.json", ())


@contextlib.contextmanager
def _as_refusals() -> Iterator[None]:
    """Turn whatever a reader trips over into the refusal of the file."""
    try:
        yield
    except IntakeError:
        raise
    except (MemoryError, ImportError) as error:  # an installed library that cannot be loaded found no room
        raise IntakeResourceError from error
    except EOFError as error:
        raise TruncatedFileError from error
    except RecursionError as error:
        raise MalformedFileError("The file is nested too deeply to be a scan.") from error
    except Exception as error:
        raise MalformedFileError from error


def _analyse(request: IntakeRequest) -> IntakeOutcome:
    upload = gather(request)
    for kinds in ((FileKind.DICOM,), (FileKind.NIFTI,), _PICTURES):
        files = [file for file in upload.files if file.kind in kinds]
        outcome = _read(request, upload, files, kinds) if files else None
        if outcome is not None:
            _note_others(upload, kinds)
            left_out = sorted(upload.left_out, key=lambda note: (note.name_index, note.member or 0))
            return replace(outcome, left_out=tuple(left_out))
    raise upload.refusals[0] if upload.refusals else UnrecognisedFileError()


def _read(
    request: IntakeRequest, upload: Upload, files: list[UploadedFile], kinds: tuple[FileKind, ...]
) -> IntakeOutcome | None:
    if kinds == (FileKind.DICOM,):
        from ictus.imaging.dicom_study import read_dicom_study  # noqa: PLC0415

        return read_dicom_study(request, upload, files)
    if len(files) > request.limits.max_series:
        raise TooLargeError("The upload holds more separate images than this installation allows.")
    series = tuple(_read_one(request, file) for file in files)
    together = "".join(sorted(one.series_uid for one in series))
    return IntakeOutcome(series, replacement_uid(request.uid_key, f"study of {together}"))


def _read_one(request: IntakeRequest, file: UploadedFile) -> IntakeSeries:
    # There is no UID to replace: the content stands for one, so that the same file gives the same series.
    with file.path.open("rb") as source:
        content = hashlib.file_digest(source, "sha256").hexdigest()
    series_uid = replacement_uid(request.uid_key, f"content {content}")
    if file.kind is FileKind.NIFTI:
        from ictus.imaging.nifti import read_nifti  # noqa: PLC0415

        return read_nifti(request, file, series_uid)
    from ictus.imaging.raster import read_picture  # noqa: PLC0415

    return read_picture(request, file, series_uid)


def _note_others(upload: Upload, kinds: tuple[FileKind, ...]) -> None:
    noted = {(note.name_index, note.member) for note in upload.left_out}
    for file in upload.files:
        if file.kind not in kinds and (file.name_index, file.member) not in noted:
            upload.note(file, "other_format", "The study is made of the upload's other images.")

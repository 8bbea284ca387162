"""The files of one upload: zips opened, every file sniffed, what is no image set aside."""

from dataclasses import dataclass, field
from pathlib import Path

from ictus.domain.errors import IntakeError, TruncatedFileError, UnrecognisedFileError
from ictus.imaging.archive import UploadBudget, unpack
from ictus.imaging.intake import IntakeRequest, LeftOut
from ictus.imaging.sniff import FileKind, sniff


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of the upload, or one member of a zip in it."""

    path: Path
    kind: FileKind
    name_index: int
    member: int | None = None


@dataclass(slots=True)
class Upload:
    """Files to read, by kind, and the notes on those that are left out.

    ``refusals`` are the errors behind the notes: the first is raised when nothing usable remains.
    """

    files: list[UploadedFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    refusals: list[IntakeError] = field(default_factory=list)

    def of(self, kind: FileKind) -> list[UploadedFile]:
        """The files of one kind, in the upload's order."""
        return [file for file in self.files if file.kind is kind]

    def leave_out(self, file: UploadedFile, error: IntakeError) -> None:
        """Set a file aside for the reason that ``error`` gives."""
        self.note(file, error.code, error.detail)
        self.refusals.append(error)

    def note(self, file: UploadedFile, code: str, detail: str) -> None:
        """Set a file aside for a reason that is no error."""
        self.left_out.append(LeftOut(file.name_index, code, detail, file.member))


def gather(request: IntakeRequest) -> Upload:
    """Open the zips of an upload and sniff every file.

    Raises:
        IntakeError: the upload is too large or a zip is refused.
    """
    upload = Upload()
    budget = UploadBudget(request.limits.max_files, request.limits.max_total_bytes)
    for name_index, path in enumerate(request.paths):
        budget.spend(1, path.stat().st_size)
        kind = _sniffed(upload, path, name_index, None)
        if kind is FileKind.ZIP:
            folder = request.workdir / "unpacked" / str(name_index)
            for member, unpacked in enumerate(unpack(path, folder, budget)):
                _add(upload, unpacked, name_index, member)
        elif kind is not None:
            upload.files.append(UploadedFile(path, kind, name_index))
    return upload


def _add(upload: Upload, path: Path, name_index: int, member: int) -> None:
    kind = _sniffed(upload, path, name_index, member)
    if kind is not None:
        upload.files.append(UploadedFile(path, kind, name_index, member))


def _sniffed(upload: Upload, path: Path, name_index: int, member: int | None) -> FileKind | None:
    try:
        return sniff(path)
    except (UnrecognisedFileError, TruncatedFileError) as error:
        upload.left_out.append(LeftOut(name_index, error.code, error.detail, member))
        upload.refusals.append(error)
        return None

"""Zip files: unpacked within the upload's limits, under names of our own."""

import contextlib
import errno
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from ictus.domain.errors import ArchiveRefusedError, TooLargeError, TruncatedFileError, UnrecognisedFileError
from ictus.imaging.sniff import FileKind, sniff

_CHUNK = 1024**2
_ENCRYPTED = 0x1
_DAMAGED = "The zip file is damaged. Please make or send it again."
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@dataclass(slots=True)
class UploadBudget:
    """What is left of the limits on an upload's files and bytes, counted down as files are met."""

    files: int
    bytes: int

    def spend(self, files: int, size: int) -> None:
        """Take from the budget.

        Raises:
            TooLargeError: it is spent.
        """
        self.files -= files
        self.bytes -= size
        if self.files < 0:
            raise TooLargeError("The upload holds more files than this installation allows.")
        if self.bytes < 0:
            raise TooLargeError("The upload is larger, unpacked, than this installation allows.")


def unpack(archive: Path, folder: Path, budget: UploadBudget) -> list[Path]:
    """Unpack every file of a zip into ``folder`` as ``0``, ``1``, …: in the archive's order.

    What an entry says of its size is checked before anything is unpacked and not believed afterwards.

    Raises:
        ArchiveRefusedError: the zip is encrypted, damaged, empty or holds another zip.
        TooLargeError: the budget is spent.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if not entries:
                raise ArchiveRefusedError("The zip file is empty.")
            if any(entry.flag_bits & _ENCRYPTED for entry in entries):
                raise ArchiveRefusedError("The zip file has a password. Send it without one.")
            if any(entry.compress_type not in _READABLE for entry in entries):
                raise ArchiveRefusedError("The zip file uses a compression that cannot be read.")
            budget_needed = sum(entry.file_size for entry in entries)
            if len(entries) > budget.files or budget_needed > budget.bytes:
                budget.spend(len(entries), budget_needed)
            folder.mkdir(parents=True)
            return [
                _unpack_one(opened, entry, folder / str(index), budget) for index, entry in enumerate(entries)
            ]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ArchiveRefusedError(_DAMAGED) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a full disk the zip is innocent
            raise
        raise ArchiveRefusedError(_DAMAGED) from error


def _unpack_one(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, budget: UploadBudget) -> Path:
    budget.spend(1, 0)
    with opened.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            budget.spend(0, len(chunk))
            target.write(chunk)
    with contextlib.suppress(UnrecognisedFileError, TruncatedFileError):  # their reader says that better
        if sniff(path) is FileKind.ZIP:
            raise ArchiveRefusedError(
                "The zip file holds another zip. Send the images in one zip or in none."
            )
    return path

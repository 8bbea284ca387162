"""Reading DICOM files from a body of several parts."""

from pathlib import Path

from gateway.dicomweb.errors import MediaTypeRefusedError
from gateway.dicomweb.media import DICOM
from gateway.studies.upload import MultipartReader


class RelatedReader(MultipartReader):
    """A ``multipart/related`` body of DICOM files (PS3.18 8.6.1.2), of a request or of an answer.

    Raises ``MediaTypeRefusedError`` when it is another one.
    """

    def __init__(self, content_type: str, folder: Path, max_bytes: int, max_files: int) -> None:
        if not content_type.lower().startswith("multipart/related"):
            raise MediaTypeRefusedError
        super().__init__(content_type, b"multipart/related", folder, max_bytes, max_files)
        if self.options.get(b"type", DICOM.encode()).lower() != DICOM.encode():
            raise MediaTypeRefusedError

    def open_part(self) -> None:
        """Every part is a file."""
        self.open_file()

"""How DICOMweb refuses."""

from typing import ClassVar

from ictus.domain.errors import IctusError


class QueryMalformedError(IctusError):
    """A search key is no attribute, or its value cannot be one (PS3.18 8.3.4)."""

    code: ClassVar[str] = "query_malformed"
    title: ClassVar[str] = "The search cannot be understood. Check the names and values of its keys."
    status: ClassVar[int] = 400


class NotAcceptableError(IctusError):
    """None of the media types or transfer syntaxes that the client accepts can be given."""

    code: ClassVar[str] = "not_acceptable"
    title: ClassVar[str] = (
        "The images cannot be given in the form that was asked for. Ask for them as they are stored: transfer-syntax=*."
    )
    status: ClassVar[int] = 406


class MediaTypeRefusedError(IctusError):
    """The body is none that can be stored."""

    code: ClassVar[str] = "media_type_refused"
    title: ClassVar[str] = 'Only DICOM files can be stored: send multipart/related; type="application/dicom".'
    status: ClassVar[int] = 415

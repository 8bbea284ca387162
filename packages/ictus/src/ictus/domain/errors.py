"""Errors that a person outside the code is meant to read.

Each class carries a stable ``code`` (what a program matches on), a ``title``, an HTTP ``status`` and a
``detail`` that says what happened and what to do, with no stack, path or patient identity in it.
``ictus.http.problem`` renders them as RFC 9457 problem details; a command-line tool prints the detail.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What JSON can say."""


class IctusError(Exception):
    """Base of every error that reaches a caller.

    Args:
        detail: what happened, in words a nurse can act on. Defaults to the class's ``title``.
        retry_after: seconds after which the same request may succeed (HTTP Retry-After).
        extra: further members of the problem document, JSON values only, never identity.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side."
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        extra: Mapping[str, Json] | None = None,
    ) -> None:
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.extra: Mapping[str, Json] = extra or {}
        super().__init__(self.detail)


class NotFoundError(IctusError):
    """The object does not exist, or belongs to another site: the two are not told apart."""

    code = "not_found"
    title = "Not found."
    status = 404


class ConflictError(IctusError):
    """The object's state does not allow this now."""

    code = "conflict"
    title = "This cannot be done in the present state."
    status = 409


class UnauthenticatedError(IctusError):
    """The caller did not prove who it is."""

    code = "unauthenticated"
    title = "Please sign in."
    status = 401


class ForbiddenError(IctusError):
    """The caller is known but may not do this."""

    code = "forbidden"
    title = "You are not allowed to do this."
    status = 403


class InvalidRequestError(IctusError):
    """The request is understood but says something that cannot be accepted."""

    code = "invalid_request"
    title = "The request cannot be accepted as it is."
    status = 422


class TooManyRequestsError(IctusError):
    """Too many tries in too short a time; ``retry_after`` says when to try again."""

    code = "too_many_requests"
    title = "Too many tries. Please wait and try again."
    status = 429


class UnavailableError(IctusError):
    """A part that this needs is not answering; trying again may help."""

    code = "unavailable"
    title = "A part of the system is not answering. Please try again in a moment."
    status = 503


class IntakeError(IctusError):
    """An uploaded file cannot be analysed. Subclasses say why; nothing of the upload is kept."""

    code = "intake_refused"
    title = "This file cannot be analysed."
    status = 422


class UnrecognisedFileError(IntakeError):
    """The content is none of DICOM, NIfTI, PNG, JPEG or a zip of them."""

    code = "unrecognised_file"
    title = "This is not a DICOM, NIfTI, PNG or JPEG image."


class TruncatedFileError(IntakeError):
    """The file ends before its content does."""

    code = "truncated_file"
    title = "The file is cut short. Please export or send it again."


class NoPixelDataError(IntakeError):
    """A DICOM object that holds no picture to classify (SEG, SR, Parametric Map, presentation state)."""

    code = "no_pixel_data"
    title = (
        "The file holds no scan picture (it is a report, a segmentation or a map). Send the original images."
    )


class UnsupportedSyntaxError(IntakeError):
    """The transfer syntax or encoding cannot be decoded here."""

    code = "unsupported_syntax"
    title = "The image is stored in a compression that cannot be read. Export it uncompressed and try again."


class MalformedFileError(IntakeError):
    """The file claims a format but its content contradicts it."""

    code = "malformed_file"
    title = "The file is damaged and cannot be read. Please export or send it again."


class UnsupportedDimensionsError(IntakeError):
    """Not a 2-D picture or a 3-D volume (for example a 4-D perfusion or functional series)."""

    code = "unsupported_dimensions"
    title = "Only pictures and 3-D volumes can be analysed; this file has another number of dimensions."


class InvalidValuesError(IntakeError):
    """NaN or infinite voxels, or none that vary."""

    code = "invalid_values"
    title = "The scan holds values that are not numbers and cannot be trusted."


class TooLargeError(IntakeError):
    """A limit on bytes, pixels, slices or files is exceeded."""

    code = "too_large"
    title = "The upload is larger than this installation allows."
    status = 413


class ArchiveRefusedError(IntakeError):
    """An encrypted, nested or otherwise unreadable zip."""

    code = "archive_refused"
    title = "The zip file cannot be opened. Send it without a password and without zips inside."


class IntakeResourceError(IntakeError):
    """The file exhausted the sandbox's memory or time."""

    code = "intake_resources_exceeded"
    title = "The file needs more memory or time than is allowed and was refused for safety."


class MixedStudiesError(IntakeError):
    """One upload holds images of several studies or patients."""

    code = "mixed_studies"
    title = "The upload holds images of more than one study or patient. Send one study at a time."


class NoUsableSeriesError(IntakeError):
    """Every file could be read, but none is an image to classify (for example only a localizer)."""

    code = "no_usable_series"
    title = "The upload holds no series that can be analysed."

"""How uploads and study pages refuse."""

from typing import ClassVar

from ictus.domain.errors import ConflictError, IctusError, NotFoundError, UnavailableError


class UploadMalformedError(IctusError):
    """The body is no multipart form, or one with other fields."""

    code: ClassVar[str] = "upload_malformed"
    title: ClassVar[str] = "The upload could not be read. Send the files as a form with fields named 'files'."
    status: ClassVar[int] = 400


class UploadStalledError(IctusError):
    """Hardly anything of the upload arrived for too long."""

    code: ClassVar[str] = "upload_stalled"
    title: ClassVar[str] = (
        "The upload arrived too slowly and was broken off. Please check the connection and send it again."
    )
    status: ClassVar[int] = 408


class NoFilesError(IctusError):
    """An upload without a file, or only with empty ones."""

    code: ClassVar[str] = "no_files"
    title: ClassVar[str] = "The upload holds no file."
    status: ClassVar[int] = 422


class WorkSpaceFullError(UnavailableError):
    """The disk that uploads are spooled to is full."""

    code: ClassVar[str] = "work_space_full"
    title: ClassVar[str] = (
        "There is no room left to receive the upload. Please tell an administrator and try again later."
    )
    status: ClassVar[int] = 507


class StudyHeldError(ConflictError):
    """The study waits for an admin and is not analysed before."""

    code: ClassVar[str] = "study_held"
    title: ClassVar[str] = "This study is held until an administrator has released it."


class StudyNotHeldError(ConflictError):
    """Only held studies can be released or rejected."""

    code: ClassVar[str] = "study_not_held"
    title: ClassVar[str] = "This study is not held (any more)."


class OverlayMissingError(NotFoundError):
    """The slice has no heatmap, because the study has no answer yet or the input was not explained."""

    code: ClassVar[str] = "overlay_missing"
    title: ClassVar[str] = "There is no heatmap for this slice."

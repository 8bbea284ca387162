"""What a reader or the gateway is told when a review does not go on."""

from ictus.domain.errors import ConflictError, IctusError, InvalidRequestError


class OtherJobError(InvalidRequestError):
    """The address names another job than the item."""

    code = "other_job"
    title = "The review item belongs to another job than the address names."


class ReviewItemDiffersError(ConflictError):
    """The job has a review item already, and it says something else."""

    code = "review_item_differs"
    title = "This job already has a review item that says something else."


class StudyErasedError(IctusError):
    """The study was erased: nothing of it is taken any more."""

    code = "study_erased"
    title = "This study was erased. Nothing more can be stored about it."
    status = 410


class ReviewChangedError(ConflictError):
    """Another verdict came in since the reader looked."""

    code = "review_changed"
    title = "Another reader gave a verdict meanwhile. Look at the review again, then give yours."


class ReviewFinalError(ConflictError):
    """The review is decided."""

    code = "review_final"
    title = "This review is already decided and can no longer be changed."


class VerdictContradictsItselfError(InvalidRequestError):
    """The verdict says that it agrees and names another finding, or the other way round."""

    code = "verdict_contradicts_itself"
    title = (
        "The verdict says both that it agrees with the model and that it does not. Choose the finding again."
    )


class SliceUnknownError(InvalidRequestError):
    """The verdict marks a slice that the series does not have."""

    code = "slice_unknown"
    title = "A marked slice does not exist in this series. Mark the slices again."

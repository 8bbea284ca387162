"""How reviews refuse."""

from ictus.domain.errors import ConflictError, InvalidRequestError


class ReviewNotReadyError(ConflictError):
    """The study has no answer yet that could be reviewed."""

    code = "review_not_ready"
    title = "There is nothing to review yet: the study has not been analysed."


class ReviewChangedError(ConflictError):
    """The review is not the one that the reader saw. The problem's member ``review`` holds the present one."""

    code = "review_changed"
    title = "This review has changed since you opened it. Look at it again, then give your verdict."


class VerdictRefusedError(InvalidRequestError):
    """The feedback service does not accept the verdict as it is."""

    code = "verdict_refused"
    title = "The verdict cannot be accepted as it is."

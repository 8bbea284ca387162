"""How trainings and their candidates refuse."""

from typing import ClassVar

from ictus.domain.errors import ConflictError, IctusError, NotFoundError


class TrainingNotFoundError(NotFoundError):
    """No such training."""

    code: ClassVar[str] = "training_not_found"
    title: ClassVar[str] = "There is no such training."


class TrainingOpenError(ConflictError):
    """One training at a time."""

    code: ClassVar[str] = "training_open"
    title: ClassVar[str] = "A training is waiting or running already. Wait for its end, or cancel it first."


class TrainingStateError(ConflictError):
    """The training is in a state that the wish does not fit."""

    code: ClassVar[str] = "training_state"
    title: ClassVar[str] = "The training has moved on in the meantime; reload to see its state."


class ApprovedAlreadyError(ConflictError):
    """Nobody approves twice."""

    code: ClassVar[str] = "approved_already"
    title: ClassVar[str] = "You have approved this model already. Another administrator must approve it too."


class NotEnoughCasesError(ConflictError):
    """Too little to learn from."""

    code: ClassVar[str] = "not_enough_cases"
    title: ClassVar[str] = "Too few new cases have been confirmed to learn from."


class MethodUnavailableError(ConflictError):
    """The trainer lacks what this way of learning needs."""

    code: ClassVar[str] = "method_unavailable"
    title: ClassVar[str] = "The trainer cannot learn in this way."


class NotTeachableError(ConflictError):
    """The champion came without what a later version needs."""

    code: ClassVar[str] = "model_not_teachable"
    title: ClassVar[str] = "The model in use was published without what a later version would learn from."


class OutcomeMismatchError(IctusError):
    """A candidate that is not the one asked for."""

    code: ClassVar[str] = "outcome_mismatch"
    title: ClassVar[str] = "The candidate is not the one that this training was to make."
    status: ClassVar[int] = 422

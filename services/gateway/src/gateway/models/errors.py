"""Refusals of questions about models and of wishes to change the one in use."""

from typing import ClassVar

from ictus.domain.errors import ConflictError, NotFoundError


class NoModelError(NotFoundError):
    """No version has been promoted in the registry."""

    code = "no_model"
    title = "No model is in use yet. An administrator must publish and promote one."


class ModelNotFoundError(NotFoundError):
    """No such version is registered."""

    code: ClassVar[str] = "model_not_found"
    title: ClassVar[str] = "There is no such model version."


class GateRefusedError(ConflictError):
    """The gate did not let the version pass."""

    code: ClassVar[str] = "gate_refused"
    title: ClassVar[str] = "The gate refused this version, so it cannot answer patients' scans."


class NotApprovedError(ConflictError):
    """The version lacks the gate's or the administrators' word."""

    code: ClassVar[str] = "model_not_approved"
    title: ClassVar[str] = "This version has not passed the gate and been approved yet."


class SupersededError(ConflictError):
    """The version was compared with a champion that is no longer in use."""

    code: ClassVar[str] = "model_superseded"
    title: ClassVar[str] = (
        "This version was compared with a model that is no longer in use. Start another training from the present one."
    )


class InUseError(ConflictError):
    """The version is the champion already."""

    code: ClassVar[str] = "model_in_use"
    title: ClassVar[str] = "This version is in use already."


class NeverInUseError(ConflictError):
    """A rollback to something that never was the champion here."""

    code: ClassVar[str] = "model_never_in_use"
    title: ClassVar[str] = "Only a version that was in use before can be rolled back to."


class NoEarlierModelError(ConflictError):
    """Nothing to roll back to."""

    code: ClassVar[str] = "no_earlier_model"
    title: ClassVar[str] = "No earlier model is known, so there is nothing to roll back to."


class ChangedContentError(ConflictError):
    """The registry holds something else under this version than the trainer reported."""

    code: ClassVar[str] = "model_changed"
    title: ClassVar[str] = "The registered model is not the one that the gate judged, so it is not used."

"""What the gateway and the trainer are told when there is no dataset for them."""

from ictus.domain.errors import ConflictError, IctusError


class NoCasesError(ConflictError):
    """Nothing usable in this embedding space."""

    code = "no_cases"
    title = "There is no confirmed case yet that this model could learn from."


class DatasetErasedError(IctusError):
    """The dataset held a study that was erased since."""

    code = "dataset_erased"
    title = (
        "This dataset held a study that was erased since, so it is not given out any more. Make a new one."
    )
    status = 410

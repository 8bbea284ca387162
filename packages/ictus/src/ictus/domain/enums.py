"""The closed vocabularies of the platform; the values are what the API and the contracts carry."""

from enum import StrEnum


class Modality(StrEnum):
    """DICOM Modality (0008,0060) as far as Ictus tells them apart (PS3.3 C.7.3.1.1.1)."""

    CT = "CT"
    MR = "MR"
    OTHER = "OT"


class SourceFormat(StrEnum):
    """What an uploaded file turned out to be, by its content."""

    DICOM = "dicom"
    NIFTI = "nifti"
    PNG = "png"
    JPEG = "jpeg"


class Finding(StrEnum):
    """What the network was asked to tell apart."""

    STROKE = "stroke"
    NORMAL = "normal"


class Disposition(StrEnum):
    """What may be done with a prediction."""

    CONFIDENT = "confident"
    UNCERTAIN = "uncertain"
    UNSUITABLE = "unsuitable"
    NOT_VALIDATED = "not_validated"


class JobState(StrEnum):
    """Where one analysis of one study stands. ``completed``, ``failed`` and ``cancelled`` are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will never change again."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}


class Stage(StrEnum):
    """The steps of a running job, in order, as a progress display names them."""

    LOADING = "loading"
    PREPROCESSING = "preprocessing"
    CLASSIFYING = "classifying"
    EXPLAINING = "explaining"
    STORING = "storing"


class Priority(StrEnum):
    """DICOM Requested Procedure Priority (0040,1003), the two that Ictus queues by."""

    STAT = "STAT"
    ROUTINE = "ROUTINE"


class Role(StrEnum):
    """What a signed-in caller may do; ``api_client`` is a machine, bounded by its key's scopes."""

    CLINICIAN = "clinician"
    RADIOLOGIST = "radiologist"
    ADMIN = "admin"
    API_CLIENT = "api_client"


class ReviewState(StrEnum):
    """Where the review of one result stands.

    ``optional``: a confident result, which may be reviewed. ``open``: a reader is waited for. ``second_reader``:
    another reader is. ``conflict``: two readers disagree and a third decides.
    """

    OPTIONAL = "optional"
    OPEN = "open"
    SECOND_READER = "second_reader"
    CONFLICT = "conflict"
    FINAL = "final"


class TrainingMethod(StrEnum):
    """How a model version learns from cases."""

    LATENT_REPLAY = "latent_replay"
    FULL_FINE_TUNING = "full_fine_tuning"


class TrainingState(StrEnum):
    """Where a training and its candidate stand.

    ``refused``: the gate did not let the candidate pass. ``rejected``: an administrator did not want it.
    ``superseded``: it waits for approval no longer, since the champion that it was compared with has been replaced.
    """

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REFUSED = "refused"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"

    @property
    def is_open(self) -> bool:
        """Whether a trainer still works on it or is to."""
        return self in {TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.CANCELLING}


class RolloutMode(StrEnum):
    """How a challenger runs beside the champion.

    ``shadow``: it answers every study too, unseen. ``canary``: it answers a share of the studies instead.
    """

    NONE = "none"
    SHADOW = "shadow"
    CANARY = "canary"


class HaemorrhageSubtype(StrEnum):
    """Where an intracranial haemorrhage is, as the development data tells them apart."""

    INTRAVENTRICULAR = "intraventricular"
    INTRAPARENCHYMAL = "intraparenchymal"
    SUBARACHNOID = "subarachnoid"
    EPIDURAL = "epidural"
    SUBDURAL = "subdural"


class ReaderConfidence(StrEnum):
    """How sure a reader is of their verdict."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SecondReaderReason(StrEnum):
    """Why one reader's verdict is not enough.

    ``every_result``: the installation has every result read twice. ``flips_confident_result``: it contradicts a result
    that the model was confident of. ``outlier``: the model was all but certain of the contrary, and no confirmed case
    that looks alike supports the reader.
    """

    EVERY_RESULT = "every_result"
    FLIPS_CONFIDENT_RESULT = "flips_confident_result"
    OUTLIER = "outlier"

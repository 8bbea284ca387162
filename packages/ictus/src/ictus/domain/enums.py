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

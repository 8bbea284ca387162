"""Why no DICOM object can be made of a result."""

from ictus.domain.errors import ConflictError, NotFoundError


class NoSourceStudyError(ConflictError):
    """The scan came as NIfTI or as a picture: there is no DICOM study that a result could belong to."""

    code = "no_source_study"
    title = "This scan did not come as DICOM, so there is no patient and no study that a DICOM result could belong to."


class InstanceNotMadeError(NotFoundError):
    """The object does not exist or cannot be made of this result."""

    code = "result_instance_not_found"
    title = "There is no such result object."

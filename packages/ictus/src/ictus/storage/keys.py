"""The one place that makes object keys. A key holds server-made ids and numbers, never a name or a date.

    studies/{study_id}/series/{series_id}/volume.safetensors     canonical volume
    studies/{study_id}/series/{series_id}/source/{n}{suffix}     de-identified source files
    studies/{study_id}/results/{job_id}/{fence}/{series_id}/…    what one attempt of one job wrote
    studies/{study_id}/reports/{job_id}/{name}                   rendered reports

Everything of a study lies below one prefix, so that deleting a study is deleting a prefix. An attempt
writes below its own fence, so that a zombie can never touch what the completed attempt wrote.
"""

from uuid import UUID


def study_prefix(study_id: UUID) -> str:
    """Prefix of everything that belongs to a study; ends with ``/``."""
    return f"studies/{study_id}/"


def series_prefix(study_id: UUID, series_id: UUID) -> str:
    """Prefix of a series' source files and volume; ends with ``/``."""
    return f"{study_prefix(study_id)}series/{series_id}/"


def volume_key(study_id: UUID, series_id: UUID) -> str:
    """The canonical volume (``ictus.imaging.volume``)."""
    return f"{series_prefix(study_id, series_id)}volume.safetensors"


def source_key(study_id: UUID, series_id: UUID, number: int, suffix: str = ".dcm") -> str:
    """The ``number``-th de-identified source file of a series."""
    return f"{series_prefix(study_id, series_id)}source/{number}{suffix}"


def result_prefix(study_id: UUID, job_id: UUID, fence: int) -> str:
    """Prefix of what one attempt writes; ends with ``/``."""
    return f"{study_prefix(study_id)}results/{job_id}/{fence}/"


def report_key(study_id: UUID, job_id: UUID, name: str) -> str:
    """A rendered report of a job, ``name`` such as ``report.pdf``."""
    return f"{study_prefix(study_id)}reports/{job_id}/{name}"


def overlay_key(prefix: str, series_id: UUID, index: int) -> str:
    """Heatmap of one slice, PNG with alpha; ``prefix`` is a result prefix."""
    return f"{prefix}{series_id}/overlay/{index}.png"


def picture_key(prefix: str, series_id: UUID, index: int) -> str:
    """One slice with its heatmap and outline burned in, JPEG."""
    return f"{prefix}{series_id}/picture/{index}.jpg"


def plain_key(prefix: str, series_id: UUID, index: int) -> str:
    """One windowed slice without heatmap, JPEG."""
    return f"{prefix}{series_id}/plain/{index}.jpg"


def embedding_key(prefix: str, series_id: UUID) -> str:
    """The slices' embeddings of one series (safetensors)."""
    return f"{prefix}{series_id}/embedding.safetensors"

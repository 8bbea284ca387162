"""Our results among the stored instances, so that viewers find them: SR, Secondary Capture and Parametric Map.

They are made de-identified after the answer, by the sweep, stored beside the study and indexed like what was received.
A new answer or verdict replaces them.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog
from pydicom.dataset import Dataset
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from gateway.dicom_objects.building import ResultObjects
from gateway.dicom_objects.instances import ObjectKind
from gateway.dicom_objects.origin import read_origin
from gateway.dicomweb.models import ShownResult
from gateway.resources import Resources
from gateway.studies.models import Instance, Study, StudyState
from ictus.domain.errors import IctusError, UnavailableError
from ictus.imaging.describe import describe
from ictus.imaging.stored import read_description
from ictus.storage.keys import study_prefix

_KINDS: Final = (ObjectKind.STRUCTURED_REPORT, ObjectKind.SECONDARY_CAPTURE, ObjectKind.PARAMETRIC_MAP)
_log = structlog.get_logger(__name__)


def show_results(resources: Resources, *, most: int) -> int:
    """Make the objects of up to ``most`` results that have none, or older ones; how many."""
    with resources.sessions() as session:
        waiting = session.scalars(
            select(Study.id)
            .outerjoin(ShownResult, ShownResult.study_id == Study.id)
            .where(
                Study.state == StudyState.COMPLETED,
                select(Instance.study_id).where(Instance.study_id == Study.id).exists(),
                or_(
                    ShownResult.at.is_(None),
                    ShownResult.at < func.greatest(Study.completed_at, Study.reviewed_at),
                ),
            )
            .limit(most)
        ).all()
    for study_id in waiting:
        with resources.sessions.begin() as session:
            study = session.get(Study, study_id, with_for_update={"skip_locked": True, "key_share": True})
            if study is not None:
                _show(resources, session, study)
    return len(waiting)


def _show(resources: Resources, session: Session, study: Study) -> None:
    now = resources.clock()
    try:
        made = list(_made(resources, session, study))
    except UnavailableError:
        raise
    except IctusError as error:  # never again, until there is another answer: the others must not wait for it
        _log.warning("result_not_shown", study_id=str(study.id), code=error.code)
        made = []
    session.execute(delete(Instance).where(Instance.study_id == study.id, Instance.series_id.is_(None)))
    session.add_all(made)
    session.merge(ShownResult(study_id=study.id, at=now))


def _made(resources: Resources, session: Session, study: Study) -> Iterator[Instance]:
    key = resources.settings.uid_key.get_secret_value().encode()
    origin = read_origin(session, study, key)
    if origin is None:
        return
    for built in ResultObjects(origin, resources.store).of_kinds(_KINDS):
        row = _stored(resources, study, built)
        if row is not None:
            yield row


def _stored(resources: Resources, study: Study, built: Dataset) -> Instance | None:
    """Store an object, which is named by its UID, and describe it: it is ours, so no sandbox is needed."""
    with tempfile.TemporaryDirectory(prefix="ictus-result-") as folder:
        path, description = Path(folder) / "object.dcm", Path(folder) / "object.json"
        built.save_as(path, enforce_file_format=True)
        describe(path, description, ())
        stored = read_description(description)
        if stored is None:
            return None
        key = f"{study_prefix(study.id)}shown/{stored.sop_instance_uid}.dcm"
        resources.store.put_file(key, path)
        return Instance(
            study_id=study.id,
            sop_instance_uid=stored.sop_instance_uid,
            series_id=None,
            series_uid=str(built.SeriesInstanceUID),
            sop_class_uid=stored.sop_class_uid,
            transfer_syntax_uid=stored.transfer_syntax_uid,
            instance_number=stored.instance_number,
            rows=stored.rows,
            columns=stored.columns,
            frames=stored.frames,
            object_key=key,
            object_bytes=path.stat().st_size,
            slices=[],
            frame_ranges=None if stored.frame_ranges is None else [list(one) for one in stored.frame_ranges],
            attributes=stored.attributes,
        )

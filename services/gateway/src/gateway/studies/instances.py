"""The index of stored DICOM instances: made at intake, and afterwards for studies that are older than the index."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.resources import Resources
from gateway.studies.models import Instance, Series, Study
from gateway.studies.scanner import scanner_of
from ictus.domain.enums import SourceFormat
from ictus.domain.errors import IntakeError, NotFoundError
from ictus.imaging.intake import IntakeOutcome, describe_stored
from ictus.imaging.stored import StoredInstance, read_description
from ictus.storage import ObjectStore
from ictus.storage.keys import source_key

_AT_ONCE: Final = 200
_log = structlog.get_logger(__name__)


def instances_of(study: Study, outcome: IntakeOutcome) -> list[Instance]:
    """The rows of a new study's instances, each once.

    Raises:
        MalformedFileError: the intake child described a file in a way that cannot be.
    """
    rows: dict[str, Instance] = {}
    for series, taken in zip(study.series, outcome.series, strict=True):
        described = zip(taken.source_paths, taken.description_paths, strict=False)  # other formats have none
        for number, (source, description) in enumerate(described):
            stored = read_description(description)
            if stored is not None and stored.sop_instance_uid not in rows:
                rows[stored.sop_instance_uid] = _row(
                    series, stored, source_key(study.id, series.id, number), source.stat().st_size
                )
    return list(rows.values())


def index_older_studies(resources: Resources, *, most: int) -> int:
    """Index up to ``most`` series that were stored before there was an index; how many."""
    with resources.sessions() as session:
        waiting = session.execute(
            select(Series.study_id, Series.id)
            .where(
                Series.source_format == SourceFormat.DICOM,
                Series.indexed.is_(False),
            )
            .limit(most)
        ).all()
    for study_id, series_id in waiting:
        with resources.sessions.begin() as session:
            series = session.get(Series, series_id, with_for_update={"skip_locked": True})
            if series is None or series.indexed:
                continue
            rows: list[Instance] = []
            try:
                for row in _described_again(resources.store, session, series):
                    session.add(row)
                    rows.append(row)
            except (IntakeError, NotFoundError) as error:  # never again: the others must not wait for it
                _log.warning("series_not_indexed", study_id=str(study_id), code=error.code)
            series.indexed = True
            scanner = scanner_of(rows) if series.position == 0 else None
        if scanner is not None:  # by itself: an erasure locks the study before its series
            with resources.sessions.begin() as session:
                session.execute(update(Study).where(Study.id == study_id).values(scanner=scanner))
    return len(waiting)


def _described_again(store: ObjectStore, session: Session, series: Series) -> Iterator[Instance]:
    keys = [source_key(series.study_id, series.id, number) for number in range(series.source_files)]
    known: set[str] = set(
        session.scalars(select(Instance.sop_instance_uid).where(Instance.study_id == series.study_id))
    )
    one_slice_each = series.source_files == series.slices
    for start in range(0, len(keys), _AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="ictus-index-") as folder:
            paths = []
            for number, key in enumerate(keys[start : start + _AT_ONCE]):
                paths.append(Path(folder) / f"{number}.dcm")
                store.get_to_file(key, paths[-1])
            workdir = Path(folder) / "work"
            workdir.mkdir()
            for number, description in enumerate(describe_stored(tuple(paths), workdir)):
                stored = read_description(description)
                if stored is None or stored.sop_instance_uid in known:
                    continue
                known.add(stored.sop_instance_uid)
                if one_slice_each and stored.frames == 1:
                    stored = stored.model_copy(update={"slices": (start + number,)})
                yield _row(series, stored, keys[start + number], paths[number].stat().st_size)


def _row(series: Series, stored: StoredInstance, key: str, size: int) -> Instance:
    return Instance(
        study_id=series.study_id,
        sop_instance_uid=stored.sop_instance_uid,
        series_id=series.id,
        series_uid=series.series_uid,
        sop_class_uid=stored.sop_class_uid,
        transfer_syntax_uid=stored.transfer_syntax_uid,
        instance_number=stored.instance_number,
        rows=stored.rows,
        columns=stored.columns,
        frames=stored.frames,
        object_key=key,
        object_bytes=size,
        slices=list(stored.slices),
        frame_ranges=None
        if stored.frame_ranges is None
        else [list(ranges) for ranges in stored.frame_ranges],
        attributes=stored.attributes,
    )

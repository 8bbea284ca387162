"""The SQL of DICOMweb: stored instances of one site, without what is held.

One DICOM study may have come in several uploads, each a study of the worklist; here they are one again. The same
instance sent twice is shown once, as it came last.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVarTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Row,
    Select,
    Text,
    and_,
    cast,
    distinct,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Session, aliased

from gateway.dicomweb.errors import QueryMalformedError
from gateway.dicomweb.query import (
    MODALITIES_IN_STUDY,
    MODALITY,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    MatchingKey,
    Search,
)
from gateway.studies.models import Instance, Study, StudyState
from ictus.imaging.stored import DicomJson
from ictus.imaging.uids import replacement_uid

Columns = TypeVarTuple("Columns")

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_NUMBERS: Final = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV"})
_TIMES: Final = frozenset({"DA", "TM", "DT"})
_COLUMNS: Final[dict[str, Any]] = {
    STUDY_INSTANCE_UID: Study.study_uid,
    SERIES_INSTANCE_UID: Instance.series_uid,
    SOP_INSTANCE_UID: Instance.sop_instance_uid,
    SOP_CLASS_UID: Instance.sop_class_uid,
}
_PATIENT_ID: Final = "00100020"

_OF_STUDY: Final = frozenset({STUDY_INSTANCE_UID, _PATIENT_ID})
"""Keys that a study's own row answers. PatientID is the pseudonym, or the study's id where there is none: in the files
everybody has the same one, and a viewer that asks for a patient's other studies by it would get everybody's."""

_RENAMED: Final = frozenset({STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID})


@dataclass(frozen=True, slots=True)
class Place:
    """A study, one of its series, or one of its instances, by UIDs. None leaves a level open."""

    study_uid: str | None = None
    series_uid: str | None = None
    sop_uid: str | None = None


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study of a search: what its newest instance says, what it holds, and the pseudonym of its patient."""

    study_uid: str
    patient: str
    attributes: DicomJson
    modalities: Sequence[str]
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A series of a search."""

    study_uid: str
    series_uid: str
    attributes: DicomJson
    instances: int


class InstanceRepository:
    """Stored instances of one site within one transaction.

    Args:
        session: is only read from.
        site_id: other sites' instances do not exist.
        uid_key: makes the replacements of UIDs, so that a sender finds its study by its own UID too.
    """

    def __init__(self, session: Session, site_id: UUID, uid_key: bytes) -> None:
        self._session = session
        self._site_id = site_id
        self._uid_key = uid_key

    def studies(self, search: Search, place: Place) -> Sequence[FoundStudy]:
        """Studies, the newest first; one more than asked for when there are further ones."""
        uids = self._session.scalars(self._page(search, place)).all()
        counted = {row.study_uid: row for row in self._session.execute(self._counts(Place(), uids))}
        first = {
            study.study_uid: (instance.attributes, str(study.patient_ref or study.id))
            for instance, study in self._session.execute(
                self._newest(select(Instance, Study), Study.study_uid).where(Study.study_uid.in_(uids))
            )
        }
        return [
            FoundStudy(
                uid,
                first[uid][1],
                first[uid][0],
                sorted(filter(None, row.modalities)),
                row.series,
                row.instances,
            )
            for uid in uids
            if (row := counted.get(uid)) is not None
        ]

    def _page(self, search: Search, place: Place) -> Select[str]:
        """Studies by the upload that came last of each, so that the index by time gives a page without the rest."""
        of_study = [key for key in search.keys if key.tag in _OF_STUDY]
        of_instance = [self._condition(key) for key in search.keys if key not in of_study]
        own = select(literal(1)).where(Instance.study_id == Study.id)
        later, upload = aliased(Study), aliased(Study)
        superseded = self._uploads(select(literal(1)).select_from(later), later).where(
            tuple_(later.received_at, later.id) > tuple_(Study.received_at, Study.id),
            exists(select(literal(1)).where(Instance.study_id == later.id)),
        )
        fitting = self._uploads(
            select(literal(1)).select_from(Instance).join(upload, upload.id == Instance.study_id), upload
        ).where(*of_instance)
        return (
            select(Study.study_uid)
            .where(Study.site_id == self._site_id, Study.state != StudyState.HELD)
            .where(*self._at(place), *(self._condition(key) for key in of_study))
            .where(exists(own), ~exists(superseded), *([exists(fitting)] if of_instance else []))
            .order_by(Study.received_at.desc(), Study.id.desc())
            .offset(search.offset)
            .limit(search.limit + 1)
        )

    def _uploads(self, query: Select[int], upload: type[Study]) -> Select[int]:
        """Of the uploads that are the study of the enclosing query."""
        return query.where(
            upload.site_id == self._site_id,
            upload.study_uid == Study.study_uid,
            upload.state != StudyState.HELD,
        )

    def series(self, search: Search, place: Place) -> Sequence[FoundSeries]:
        """Series in the order of their studies and numbers; one more than asked for when there are further ones."""
        columns = (Study.study_uid, Instance.series_uid)
        page = (
            self._matching(search, place, *columns)
            .group_by(*columns)
            .order_by(func.max(Study.received_at).desc(), *columns)
            .offset(search.offset)
            .limit(search.limit + 1)
        )
        found = []
        for study_uid, series_uid in self._session.execute(page).all():
            here = self.instances(Place(study_uid, series_uid))
            found.append(FoundSeries(study_uid, series_uid, here[0][0].attributes, len(here)))
        return found

    def instances(self, place: Place, search: Search | None = None) -> Sequence[Row[Instance, Study]]:
        """Instances at a place, each once, by series and number; with a search, one more than it asks for."""
        keys = select(Instance.study_id, Instance.sop_instance_uid)
        newest = self._newest(keys, Study.study_uid, Instance.series_uid, Instance.sop_instance_uid)
        conditions = [*self._at(place), *(self._condition(key) for key in (search.keys if search else ()))]
        kept = newest.where(*conditions).subquery()
        query = (
            select(Instance, Study)
            .join(Study, Study.id == Instance.study_id)
            .join(
                kept,
                (kept.c.study_id == Instance.study_id)
                & (kept.c.sop_instance_uid == Instance.sop_instance_uid),
            )
            .order_by(
                Study.study_uid, Instance.series_uid, Instance.instance_number, Instance.sop_instance_uid
            )
        )
        if search is not None:
            query = query.offset(search.offset).limit(search.limit + 1)
        return self._session.execute(query).all()

    def spellings(self, uid: str) -> tuple[str, str]:
        """The UID, and the one that stands for it if it is a sender's."""
        return uid, replacement_uid(self._uid_key, uid)

    def _newest(self, query: Select[*Columns], *columns: Any) -> Select[*Columns]:
        """Of each combination of the columns' values, the instance that came last."""
        order = (*columns, Study.received_at.desc(), Instance.study_id, Instance.series_uid)
        return self._visible(query).ext(distinct_on(*columns)).order_by(*order)

    def _visible(self, query: Select[*Columns]) -> Select[*Columns]:
        return query.join(Study, Study.id == Instance.study_id).where(
            Study.site_id == self._site_id, Study.state != StudyState.HELD
        )

    def _matching(self, search: Search, place: Place, *columns: Any) -> Select[*tuple[Any, ...]]:
        query = self._visible(select(*columns).select_from(Instance))
        return query.where(*self._at(place), *(self._condition(key) for key in search.keys))

    def _counts(self, place: Place, study_uids: Collection[str]) -> Select[str, Sequence[Any], int, int]:
        modality = Instance.attributes[MODALITY]["Value"][0].astext
        return (
            self._visible(
                select(
                    Study.study_uid,
                    func.array_agg(distinct(modality)).label("modalities"),
                    func.count(distinct(Instance.series_uid)).label("series"),
                    func.count(distinct(Instance.sop_instance_uid)).label("instances"),
                ).select_from(Instance)
            )
            .where(Study.study_uid.in_(study_uids), *self._at(place))
            .group_by(Study.study_uid)
        )

    def _at(self, place: Place) -> list[ColumnElement[bool]]:
        wanted = (
            (Study.study_uid, place.study_uid),
            (Instance.series_uid, place.series_uid),
            (Instance.sop_instance_uid, place.sop_uid),
        )
        return [column.in_(self.spellings(uid)) for column, uid in wanted if uid is not None]

    def _condition(self, key: MatchingKey) -> ColumnElement[bool]:
        """PS3.4 C.2.2.2: lists of UIDs, wild cards, ranges of dates and times; otherwise the very value."""
        if key.tag in _COLUMNS:
            values = key.values
            if key.tag in _RENAMED:
                values = tuple(spelling for uid in key.values for spelling in self.spellings(uid))
            condition: ColumnElement[bool] = _COLUMNS[key.tag].in_(values)
            return condition
        if key.tag == _PATIENT_ID:
            patients = [UUID(value) for value in key.values if _UUID.fullmatch(value)]
            nameless = and_(Study.patient_ref.is_(None), Study.id.in_(patients))
            return or_(Study.patient_ref.in_(patients), nameless)
        tag = MODALITY if key.tag == MODALITIES_IN_STUDY else key.tag
        one = func.jsonb_array_elements(Instance.attributes[tag]["Value"], type_=JSONB).column_valued("one")
        is_name = key.vr == "PN"
        said = (
            one.op("->>", return_type=Text())("Alphabetic")
            if is_name
            else one.op("#>>", return_type=Text())(cast([], ARRAY(Text)))
        )
        fits = or_(*(_fits(said, key.vr, value) for value in key.values))
        return exists(select(literal(1)).where(fits))


def _fits(said: Any, vr: str, value: str) -> ColumnElement[bool]:
    if vr in _NUMBERS:
        try:
            return cast(said, Double) == float(value)
        except ValueError:
            raise QueryMalformedError("A key of the search must be a number.") from None
    if vr in _TIMES and "-" in value:
        first, last = value.split("-", 1)
        since = said >= first if first else true()
        return and_(since, func.left(said, len(last)) <= last if last else true())
    pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = pattern.replace("*", "%").replace("?", "_")
    fits: ColumnElement[bool] = said.ilike(pattern) if vr == "PN" else said.like(pattern)
    return fits

"""Building the objects of a result: by number when they are sent, one by one when a viewer asks for them."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from gateway.dicom_objects.capture import capture
from gateway.dicom_objects.document import document
from gateway.dicom_objects.errors import InstanceNotMadeError
from gateway.dicom_objects.heatmap import heatmap
from gateway.dicom_objects.instances import ObjectKind, ResultInstance
from gateway.dicom_objects.origin import Origin
from gateway.dicom_objects.sources import Sources, read_sources
from gateway.dicom_objects.structured_report import structured_report
from ictus.storage import ObjectStore

# It logs the UIDs of the images that it is given, which may be the sender's.
logging.getLogger("highdicom").setLevel(logging.WARNING)

_IMAGES: Final = frozenset({ObjectKind.PARAMETRIC_MAP, ObjectKind.SECONDARY_CAPTURE})
_DATES: Final = ("ContentDate", "SeriesDate", "InstanceCreationDate", "DateOfSecondaryCapture")
_TIMES: Final = ("ContentTime", "SeriesTime", "InstanceCreationTime", "TimeOfSecondaryCapture")
_OF_CAPTURES: Final = frozenset({"DateOfSecondaryCapture", "TimeOfSecondaryCapture"})


class ResultObjects:
    """The DICOM objects of one result. The same result gives the same objects, byte for byte.

    Args:
        origin: the result.
        store: has the pictures and the source images' headers.
        pdf: the report, wanted for ``ObjectKind.PDF`` only.
    """

    def __init__(self, origin: Origin, store: ObjectStore, pdf: bytes | None = None) -> None:
        self._origin = origin
        self._store = store
        self._pdf = pdf

    @cached_property
    def _sources(self) -> Sources:
        return read_sources(self._store, self._origin.source, self._origin.subject)

    def build(self, instance: ResultInstance) -> Dataset:
        """One object, with its file meta information.

        Raises:
            InstanceNotMadeError: it cannot be made of this result.
            SourcesUnreadableError, ObjectMissingError, UnavailableError: what it is made from is not to be had.
        """
        built = self._built(instance)
        self._origin.subject.dress(built)
        if instance.kind in _IMAGES:
            built.BodyPartExamined = "HEAD"
        _date(built, instance.kind, self._moment(instance))
        return built

    def of_kinds(self, kinds: Sequence[ObjectKind]) -> Iterator[Dataset]:
        """All objects of these kinds; a map that cannot be laid upon its slices is left out. Raises as ``build`` does."""
        for instance in self._origin.instances():
            if instance.kind in kinds:
                try:
                    yield self.build(instance)
                except InstanceNotMadeError:
                    if instance.kind is not ObjectKind.PARAMETRIC_MAP:
                        raise

    def _built(self, instance: ResultInstance) -> Dataset:
        origin, sources = self._origin, self._sources
        match instance.kind:
            case ObjectKind.STRUCTURED_REPORT:
                return structured_report(origin, sources, instance)
            case ObjectKind.PARAMETRIC_MAP:
                return heatmap(origin, sources, instance, self._store)
            case ObjectKind.SECONDARY_CAPTURE:
                return capture(origin, sources, instance, self._store)
            case ObjectKind.PDF:
                if self._pdf is None:
                    raise InstanceNotMadeError
                return document(origin, sources, instance, self._pdf)

    def _moment(self, instance: ResultInstance) -> datetime:
        origin = self._origin
        happened = origin.written_at if instance.may_change_with_review else origin.completed_at
        return origin.subject.moment(happened).replace(microsecond=0)


def _date(built: Dataset, kind: ObjectKind, moment: datetime) -> None:
    """Say when the result came to be, not when it was written down: built again it must be the same object."""
    values = dict.fromkeys(_DATES, DA(moment.date())) | dict.fromkeys(_TIMES, TM(moment.time()))
    for keyword, value in values.items():
        if keyword not in _OF_CAPTURES or kind is ObjectKind.SECONDARY_CAPTURE:
            setattr(built, keyword, value)
    if kind is ObjectKind.PDF:
        built.AcquisitionDateTime = None
    for observer in built.get("VerifyingObserverSequence", []):
        observer.VerificationDateTime = DT(moment)
    for equipment in built.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = DT(moment)

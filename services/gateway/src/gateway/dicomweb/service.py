"""What DICOMweb answers: results of searches, metadata, instances, frames, pictures."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import Row
from sqlalchemy.orm import Session

from gateway.dicomweb.attributes import (
    INSTANCE_FIELDS,
    SERIES_FIELDS,
    STUDY_FIELDS,
    Address,
    element,
    selected,
)
from gateway.dicomweb.errors import NotAcceptableError
from gateway.dicomweb.media import DICOM, Accepted, Part, frame_type, refuse_instance_unless
from gateway.dicomweb.query import Search
from gateway.dicomweb.rendering import picture, window_of
from gateway.dicomweb.repository import InstanceRepository, Place
from gateway.studies.models import Instance, Series, Study
from gateway.studies.pictures import PictureIndex
from gateway.studies.service import DEFAULT_WINDOWS
from ictus.domain.errors import NotFoundError
from ictus.imaging.stored import DicomJson
from ictus.storage import ObjectStore

_PIXEL_DATA: Final = "7FE00010"
_FLOAT_PIXEL_DATA: Final = "7FE00008"
_BITS_ALLOCATED: Final = "00280100"
_FLOAT_BITS: Final = 32

Found = Row[Instance, Study]


class DicomWeb:
    """DICOMweb of one site. Another site's UIDs raise ``NotFoundError``.

    Args:
        session: is only read from.
        site_id: of the caller.
        uid_key: key of the HMAC that replaces UIDs.
        store: the stored files.
        address: of resources.
    """

    def __init__(
        self, session: Session, site_id: UUID, uid_key: bytes, store: ObjectStore, address: Address
    ) -> None:
        self._session = session
        self._site_id = site_id
        self._instances = InstanceRepository(session, site_id, uid_key)
        self._store = store
        self._address = address

    def studies(self, search: Search) -> list[DicomJson]:
        """Studies; one more than the search's limit when there are further ones."""
        return [
            {
                **selected(found.attributes, STUDY_FIELDS, search.include, everything=False),
                **dict(
                    (
                        element("InstanceAvailability", "ONLINE"),
                        element("PatientID", found.patient),
                        element("ModalitiesInStudy", *found.modalities),
                        element("NumberOfStudyRelatedSeries", found.series),
                        element("NumberOfStudyRelatedInstances", found.instances),
                        element("RetrieveURL", self._address(found.study_uid)),
                    )
                ),
            }
            for found in self._instances.studies(search, Place())
        ]

    def series(self, search: Search, place: Place) -> list[DicomJson]:
        """Series; one more than the search's limit when there are further ones."""
        return [
            {
                **selected(found.attributes, SERIES_FIELDS, search.include, everything=False),
                **dict(
                    (
                        element("NumberOfSeriesRelatedInstances", found.instances),
                        element("RetrieveURL", self._address(found.study_uid, found.series_uid)),
                    )
                ),
            }
            for found in self._instances.series(search, place)
        ]

    def instances(self, search: Search, place: Place) -> list[DicomJson]:
        """Instances; one more than the search's limit when there are further ones."""
        return [
            {
                **selected(instance.attributes, INSTANCE_FIELDS, search.include, everything=True),
                **self._of_instance(instance, study),
            }
            for instance, study in self._instances.instances(place, search)
        ]

    def metadata(self, place: Place) -> list[DicomJson]:
        """All attributes of every instance at a place, with the address of its pixels."""
        described = []
        for instance, study in self._at(place):
            pixels = {}
            if instance.rows:
                bulk = f"{self._address(*_uids(instance, study))}/bulkdata/{_PIXEL_DATA}"
                tag, vr = (_FLOAT_PIXEL_DATA, "OF") if _is_float(instance) else (_PIXEL_DATA, "OW")
                pixels = {tag: {"vr": vr, "BulkDataURI": bulk}}
            described.append({**instance.attributes, **dict((_syntax(instance),)), **pixels})
        return described

    def files(self, place: Place, accepted: Sequence[Accepted]) -> tuple[list[Part], UUID]:
        """The stored files at a place, and the worklist's study of the first. Raises ``NotAcceptableError``."""
        found = self._at(place)
        for instance, _ in found:
            refuse_instance_unless(accepted, instance.transfer_syntax_uid)
        parts = [
            Part(
                f"{DICOM}; transfer-syntax={instance.transfer_syntax_uid}",
                partial(self._store.get_bytes, instance.object_key),
            )
            for instance, _ in found
        ]
        return parts, found[0][1].id

    def frames(self, place: Place, numbers: Sequence[int], accepted: Sequence[Accepted]) -> list[Part]:
        """Frames, counted from 1, as they are stored. Raises ``NotAcceptableError``."""
        instance, _ = self._at(place)[0]
        content_type = frame_type(accepted, instance.transfer_syntax_uid)
        return [Part(content_type, read) for read in self._reads(instance, numbers)]

    def pixel_data(self, place: Place, accepted: Sequence[Accepted]) -> list[Part]:
        """All frames of an instance."""
        instance, _ = self._at(place)[0]
        return self.frames(place, range(1, instance.frames + 1), accepted)

    def rendered(
        self, place: Place, frame: int, window: str | None, viewport: tuple[int, int] | None, media_type: str
    ) -> bytes:
        """A picture of a frame, counted from 1; of the middle of what the place holds when it is no instance.

        Raises:
            QueryMalformedError: the window cannot be understood.
            NotFoundError: there is no such frame, or it is part of no volume.
        """
        found = self._at(place)
        shown = [one for one in found if one[0].series_id is not None] or found
        instance, study = shown[len(shown) // 2]
        if (
            instance.series_id is None
            or not 1 <= frame <= len(instance.slices)
            or instance.slices[frame - 1] < 0
        ):
            raise NotFoundError("There is no picture of this frame.")
        series = self._session.get_one(Series, instance.series_id)
        stored = PictureIndex(self._session, self._site_id).voxels(
            study.id, series.id, instance.slices[frame - 1]
        )
        voxels = np.frombuffer(stored.read(self._store), np.dtype(series.dtype).newbyteorder("<"))
        values = window_of(window, DEFAULT_WINDOWS[series.units])
        return picture(voxels.reshape(series.rows, series.columns), values, viewport, media_type)

    def study_id(self, place: Place) -> UUID:
        """The worklist's study that the place is in; the newest when there are several."""
        return max((study for _, study in self._at(place)), key=lambda study: study.received_at).id

    def _at(self, place: Place) -> Sequence[Found]:
        found = self._instances.instances(place)
        if not found:
            raise NotFoundError("There is no such study, series or instance.")
        return found

    def _reads(self, instance: Instance, numbers: Sequence[int]) -> Iterator[Any]:
        if instance.frame_ranges is None:
            raise NotAcceptableError("The frames of this instance cannot be given one by one.")
        for number in numbers:
            if not 1 <= number <= len(instance.frame_ranges):
                raise NotFoundError("There is no such frame.")
            yield partial(_pieces, self._store, instance.object_key, instance.frame_ranges[number - 1])

    def _of_instance(self, instance: Instance, study: Study) -> DicomJson:
        return dict(
            (
                element("InstanceAvailability", "ONLINE"),
                _syntax(instance),
                element("RetrieveURL", self._address(*_uids(instance, study))),
            )
        )


def _uids(instance: Instance, study: Study) -> tuple[str, str, str]:
    return study.study_uid, instance.series_uid, instance.sop_instance_uid


def _is_float(instance: Instance) -> bool:
    """PS3.3 C.7.6.24: an image of 32 bits has Float Pixel Data."""
    return instance.attributes.get(_BITS_ALLOCATED, {}).get("Value") == [_FLOAT_BITS]


def _syntax(instance: Instance) -> tuple[str, dict[str, Any]]:
    return element("AvailableTransferSyntaxUID", instance.transfer_syntax_uid)


def _pieces(store: ObjectStore, key: str, ranges: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(store.get_range(key, offset, length) for offset, length in ranges if length)

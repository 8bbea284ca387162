"""What a viewer shows: one slice's voxels, one slice's heatmap."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from gateway.results.service import latest_result
from gateway.studies.errors import OverlayMissingError
from gateway.studies.models import Series
from gateway.studies.repository import StudyRepository
from ictus.contracts.prediction import PredictionResult
from ictus.domain.errors import NotFoundError
from ictus.imaging.volume import SliceLayout, VoxelUnits
from ictus.storage import ObjectStore


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture lies in the object store; ``etag`` changes when its bytes do. ``length`` 0 is all of it."""

    key: str
    etag: str
    offset: int = 0
    length: int = 0

    def read(self, store: ObjectStore) -> bytes:
        """The picture's bytes. Raises ``ObjectMissingError``, ``UnavailableError``."""
        return store.get_range(self.key, self.offset, self.length)


class PictureIndex:
    """Finds the pictures of one site's studies. Another site's id raises ``NotFoundError``."""

    def __init__(self, session: Session, site_id: UUID) -> None:
        self._session = session
        self._site_id = site_id

    def voxels(self, study_id: UUID, series_id: UUID, index: int) -> Picture:
        """The slice's voxels, as ``SeriesDetail`` describes them."""
        series = self._series(study_id, series_id, index)
        dtype = np.dtype("u1") if series.units is VoxelUnits.DISPLAY else np.dtype("<i2")
        layout = SliceLayout(series.voxels_offset, dtype, (series.slices, series.rows, series.columns))
        offset, length = layout.slice_range(index)
        return Picture(series.volume_key, f'"{series.volume_sha256[:32]}-{index}"', offset, length)

    def overlay(self, study_id: UUID, series_id: UUID, index: int) -> Picture:
        """The latest answer's heatmap of the slice. Raises ``OverlayMissingError``."""
        self._series(study_id, series_id, index)
        result = latest_result(self._session, study_id)
        if result is None:
            raise OverlayMissingError
        prediction = PredictionResult.model_validate(result.prediction)
        for series in prediction.series:
            for one in series.slices if series.series_id == series_id else ():
                if one.index == index and one.overlay_key is not None:
                    return Picture(one.overlay_key, f'"{result.job_id}-{result.fence}-{index}"')
        raise OverlayMissingError

    def _series(self, study_id: UUID, series_id: UUID, index: int) -> Series:
        series = StudyRepository(self._session).series(self._site_id, study_id, series_id)
        if series is None or not 0 <= index < series.slices:
            raise NotFoundError("There is no such slice.")
        return series

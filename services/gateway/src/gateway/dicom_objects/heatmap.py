"""Grad-CAM as a Parametric Map (PS3.3 A.75) that lies upon the source images."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from highdicom import (
    ContentQualificationValues,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
    PlanePositionSequence,
    VOILUTTransformation,
)
from highdicom.pm import ParametricMap, RealWorldValueMapping
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from gateway.dicom_objects import codes
from gateway.dicom_objects.equipment import MANUFACTURER, MODEL_NAME, SERIAL_DIGITS
from gateway.dicom_objects.errors import InstanceNotMadeError
from gateway.dicom_objects.instances import ResultInstance, shown_series
from gateway.dicom_objects.origin import Origin
from gateway.dicom_objects.sources import Sources
from ictus.imaging.uids import replacement_uid
from ictus.storage import ObjectStore

_LEVELS: Final = 32
"""Steps of heat in an overlay, 0 for none (``inference.overlays``)."""
_THREADS: Final = 8


def heatmap(origin: Origin, sources: Sources, instance: ResultInstance, store: ObjectStore) -> Dataset:
    """Build the map: what the viewer's overlays show, a frame for each slice that has one.

    A stored value is a step of heat, 0..31; mapped to the real world it is 0..1: the activation relative to its
    slice's hottest spot, times the slice's probability.

    Raises:
        InstanceNotMadeError: the slices' places cannot be told, so nothing can be laid upon them.
        ObjectMissingError, UnavailableError: the object store has no overlay, or does not answer.
    """
    first = sources.images[0]
    several = sources.is_multiframe and len(sources.images) > 1
    if not sources.slots or several or "FrameOfReferenceUID" not in first:
        raise InstanceNotMadeError
    keys = {one.index: one.overlay_key for one in shown_series(origin.prediction).slices if one.overlay_key}
    with ThreadPoolExecutor(_THREADS) as pool:
        planes = list(pool.map(lambda key: _levels(store.get_bytes(key)), keys.values()))
    frames = [sources.slots[index].frame for index in keys]
    orientation, spacing = frames[0].orientation, frames[0].pixel_spacing
    positions = [frame.position for frame in frames if frame.position is not None]
    if orientation is None or spacing is None or len(positions) < len(frames):
        raise InstanceNotMadeError
    prediction = origin.prediction
    built = ParametricMap(
        source_images=sources.images,
        pixel_array=np.stack([sources.as_stored(plane) for plane in planes]).astype(np.uint16),
        series_instance_uid=instance.series_instance_uid,
        series_number=instance.series_number,
        sop_instance_uid=instance.sop_instance_uid,
        instance_number=instance.number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=prediction.model_version,
        device_serial_number=prediction.model_sha256[:SERIAL_DIGITS],
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label="Grad-CAM",
                lut_explanation="Relative heat times the slice's probability",
                unit=codes.NO_UNITS.concept,
                value_range=(0, _LEVELS - 1),
                slope=1 / (_LEVELS - 1),
                intercept=0.0,
                quantity_definition=codes.ACTIVATION.concept,
            )
        ],
        voi_lut_transformations=[VOILUTTransformation(window_center=_LEVELS / 2, window_width=_LEVELS)],
        content_description="Grad-CAM, not for diagnosis",
        content_label="GRAD_CAM",
        content_creator_name="Ictus^",
        content_qualification=ContentQualificationValues.PRODUCT,
        pixel_measures=PixelMeasuresSequence(
            pixel_spacing=spacing, slice_thickness=frames[0].thickness or 1.0
        ),
        plane_orientation=PlaneOrientationSequence("PATIENT", orientation),
        plane_positions=[PlanePositionSequence("PATIENT", position) for position in positions],
        series_description=instance.series_description,
    )
    _name_dimensions(built, origin.own_uid(replacement_uid(origin.key, f"dimensions {origin.job_id}")))
    return built


def _name_dimensions(built: Dataset, uid: str) -> None:
    """Give the dimensions a lasting UID: highdicom's is another one each time."""
    for item in (*built.DimensionOrganizationSequence, *built.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid


def _levels(png: bytes) -> NDArray[np.uint8]:
    """The overlay's palette indices, which are its steps of heat."""
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture, dtype=np.uint8)

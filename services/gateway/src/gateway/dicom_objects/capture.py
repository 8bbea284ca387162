"""A key slice with its heatmap burned in, as Secondary Capture (PS3.3 A.8.1), for viewers that show no map."""

import io
from typing import Final

import numpy as np
from highdicom import CoordinateSystemNames
from highdicom.sc import SCImage
from PIL import Image
from pydicom.dataset import Dataset

from gateway.dicom_objects.equipment import MANUFACTURER
from gateway.dicom_objects.errors import InstanceNotMadeError
from gateway.dicom_objects.instances import ResultInstance, shown_series
from gateway.dicom_objects.origin import Origin
from gateway.dicom_objects.sources import Sources
from ictus.storage import ObjectStore

_JPEG_METHOD: Final = "ISO_10918_1"
"""PS3.3 C.7.6.1.1.5.1: the picture was a JPEG before it became this one."""
_IDENTITY_OF_PIXELS: Final = "Key slice {slice} with Grad-CAM. Not for diagnosis."


def capture(origin: Origin, sources: Sources, instance: ResultInstance, store: ObjectStore) -> Dataset:
    """Build one picture.

    Raises:
        InstanceNotMadeError: the slice has no picture.
        ObjectMissingError, UnavailableError: the object store does not have it, or does not answer.
    """
    key = next(
        (
            one.picture_key
            for one in shown_series(origin.prediction).slices
            if one.index == instance.slice_index
        ),
        None,
    )
    if key is None:
        raise InstanceNotMadeError
    encoded = store.get_bytes(key)
    with Image.open(io.BytesIO(encoded)) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    built = SCImage.from_ref_dataset(
        ref_dataset=sources.images[0],
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        series_instance_uid=instance.series_instance_uid,
        series_number=instance.series_number,
        sop_instance_uid=instance.sop_instance_uid,
        instance_number=instance.number,
        manufacturer=MANUFACTURER,
        patient_orientation=("L", "P"),
        series_description=instance.series_description,
    )
    built.ImageType = ["DERIVED", "SECONDARY"]
    built.BurnedInAnnotation = "NO"
    built.ImageComments = _IDENTITY_OF_PIXELS.format(slice=(instance.slice_index or 0) + 1)
    built.LossyImageCompression = "01"
    built.LossyImageCompressionRatio = round(pixels.nbytes / len(encoded), 2)
    built.LossyImageCompressionMethod = _JPEG_METHOD
    if sources.slots and instance.slice_index is not None:
        _refer(built, *sources.image_of(instance.slice_index), is_frame=sources.is_multiframe)
    return built


def _refer(built: Dataset, image: Dataset, frame: int, *, is_frame: bool) -> None:
    """Name the source image (PS3.3 C.7.6.1.1.4)."""
    source = Dataset()
    source.ReferencedSOPClassUID = image.SOPClassUID
    source.ReferencedSOPInstanceUID = image.SOPInstanceUID
    if is_frame:
        source.ReferencedFrameNumber = frame
    built.SourceImageSequence = [source]

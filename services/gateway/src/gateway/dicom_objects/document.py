"""The report as Encapsulated PDF (PS3.3 A.45.1)."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from gateway.dicom_objects import codes
from gateway.dicom_objects.equipment import MANUFACTURER, MODEL_NAME, SERIAL_DIGITS
from gateway.dicom_objects.instances import ResultInstance
from gateway.dicom_objects.origin import Origin
from gateway.dicom_objects.sources import Sources


def document(origin: Origin, sources: Sources, instance: ResultInstance, pdf: bytes) -> Dataset:
    """Wrap the PDF, which names the patient."""
    built = Dataset()
    built.file_meta = FileMetaDataset()
    built.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    built.file_meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
    built.file_meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
    built.SOPClassUID, built.SOPInstanceUID = instance.sop_class_uid, instance.sop_instance_uid
    built.StudyInstanceUID = sources.images[0].StudyInstanceUID
    built.SeriesInstanceUID = instance.series_instance_uid
    built.SeriesNumber, built.InstanceNumber = instance.series_number, instance.number
    built.Modality, built.SeriesDescription = instance.modality, instance.series_description
    built.ConversionType = "WSD"
    built.Manufacturer, built.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    built.SoftwareVersions = origin.prediction.model_version
    built.DeviceSerialNumber = origin.prediction.model_sha256[:SERIAL_DIGITS]
    built.BurnedInAnnotation = "YES"
    built.VerificationFlag = "UNVERIFIED" if origin.reading is None else "VERIFIED"
    built.DocumentTitle = f"Ictus report, {origin.status}"
    built.ConceptNameCodeSequence = [codes.IMAGING_REPORT.concept]
    built.MIMETypeOfEncapsulatedDocument = "application/pdf"
    built.SourceInstanceSequence = [_reference(image) for image in sources.images]
    built.EncapsulatedDocumentLength = len(pdf)
    built.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return built


def _reference(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return item

"""The result as Comprehensive 3D SR by TID 1500, as the IHE AI Results profile (AIR) asks for it."""

from collections.abc import Sequence
from typing import Final

from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard

from gateway.dicom_objects import codes
from gateway.dicom_objects.equipment import MANUFACTURER, MODEL_NAME, SERIAL_DIGITS
from gateway.dicom_objects.instances import (
    ResultInstance,
    device_uid,
    is_explained,
    shown_series,
    tracking_uid,
)
from gateway.dicom_objects.origin import Origin
from gateway.dicom_objects.sources import Sources
from ictus.domain.enums import Disposition, Finding, Modality
from ictus.report import KEY_SLICES_SHOWN, Reading

_WITH_LIBRARY: Final = frozenset({Modality.CT.value, Modality.MR.value})
_UNNAMED: Final = "REMOVED"
"""A verifying observer in a de-identified document (PS3.15 E.1-1: VerifyingObserverName D)."""
_DIGITS: Final = 6


def structured_report(origin: Origin, sources: Sources, instance: ResultInstance) -> Dataset:
    """Build the report: what the model found and, once there is one, what readers came to.

    It is UNVERIFIED and PRELIMINARY until a reader's verdict is final.
    """
    reading, images = origin.reading, sources.images
    groups = [_model_says(origin, sources)]
    if reading is not None:
        groups.append(_readers_say(origin, reading))
    has_library = not sources.is_multiframe and images[0].get("Modality") in _WITH_LIBRARY
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=_person(origin), observer_device_context=_device(origin)
        ),
        procedure_reported=codes.PROCEDURES[origin.modality].concept,
        imaging_measurements=groups,
        title=codes.MEASUREMENT_REPORT.concept,
        referenced_images=images if has_library else None,
    )
    return Comprehensive3DSR(
        evidence=images,
        content=content,
        series_instance_uid=instance.series_instance_uid,
        series_number=instance.series_number,
        sop_instance_uid=instance.sop_instance_uid,
        instance_number=instance.number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=origin.prediction.model_version,
        device_serial_number=origin.prediction.model_sha256[:SERIAL_DIGITS],
        series_description=instance.series_description,
        is_complete=True,
        is_final=reading is not None,
        is_verified=reading is not None,
        verifying_observer_name=_verifier(origin) if reading else None,
        verifying_organization=_organisation(origin) if reading else None,
    )


def _model_says(origin: Origin, sources: Sources) -> MeasurementsAndQualitativeEvaluations:
    prediction = origin.prediction
    finding = prediction.finding if prediction.disposition is Disposition.CONFIDENT else None
    algorithm = _algorithm(origin)
    measured = []
    if is_explained(prediction) and prediction.stroke_probability is not None:
        measured.append(
            Measurement(
                name=codes.PROBABILITY.concept,
                value=round(prediction.stroke_probability, _DIGITS),
                unit=codes.NO_UNITS.concept,
                algorithm_id=algorithm,
            )
        )
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(origin, "model"),
        finding_type=codes.LOOKED_FOR.get(prediction.looked_for, codes.STROKE).concept,
        algorithm_id=algorithm,
        measurements=measured,
        qualitative_evaluations=_evaluations(finding, prediction.looked_for),
        source_images=_key_images(origin, sources),
    )
    return _with_comment(group, f"{prediction.finding_text} {prediction.reason}")


def _readers_say(origin: Origin, reading: Reading) -> MeasurementsAndQualitativeEvaluations:
    subtype = f", {reading.subtype.value}" if reading.subtype else ""
    found = reading.finding.value if reading.finding else "the images allow no finding"
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(origin, "readers"),
        finding_type=codes.STROKE.concept,
        qualitative_evaluations=_evaluations(reading.finding, "stroke"),
    )
    return _with_comment(group, f"Verdict of the readers: {found}{subtype}.")


def _evaluations(finding: Finding | None, looked_for: str) -> list[QualitativeEvaluation]:
    return [
        QualitativeEvaluation(name=one.of.concept, value=one.value.concept)
        for one in codes.statements(finding, looked_for)
    ]


def _with_comment(
    group: MeasurementsAndQualitativeEvaluations, comment: str
) -> MeasurementsAndQualitativeEvaluations:
    group[0].ContentSequence.append(
        TextContentItem(
            name=codes.COMMENT.concept, value=comment, relationship_type=RelationshipTypeValues.CONTAINS
        )
    )
    return group


def _key_images(origin: Origin, sources: Sources) -> Sequence[SourceImageForMeasurementGroup]:
    """The images that drove the score; all of them where the slices' places cannot be told."""
    if not sources.slots:
        return [SourceImageForMeasurementGroup(one.SOPClassUID, one.SOPInstanceUID) for one in sources.images]
    keys = shown_series(origin.prediction).key_slices[:KEY_SLICES_SHOWN] or range(len(sources.slots))
    frames: dict[str, tuple[Dataset, list[int]]] = {}
    for index in keys:
        image, frame = sources.image_of(index)
        frames.setdefault(image.SOPInstanceUID, (image, []))[1].append(frame)
    return [
        SourceImageForMeasurementGroup(
            image.SOPClassUID, image.SOPInstanceUID, sorted(numbers) if sources.is_multiframe else None
        )
        for image, numbers in frames.values()
    ]


def _algorithm(origin: Origin) -> AlgorithmIdentification:
    prediction, thresholds = origin.prediction, origin.prediction.thresholds
    parameters = [f"model_sha256={prediction.model_sha256}", f"validated_for={prediction.validated_for}"]
    if thresholds is not None:
        parameters += [
            f"normal_at_most={thresholds.normal_at_most:g}",
            f"stroke_at_least={thresholds.stroke_at_least:g}",
        ]
    return AlgorithmIdentification(
        name=MODEL_NAME,
        version=prediction.model_version,
        parameters=parameters,
        family=codes.ARTIFICIAL_INTELLIGENCE.concept,
        manufacturer=MANUFACTURER,
    )


def _tracking(origin: Origin, name: str) -> TrackingIdentifier:
    uid = origin.own_uid(tracking_uid(origin.key, origin.job_id, name))
    return TrackingIdentifier(uid=uid, identifier=f"Ictus {name}")


def _device(origin: Origin) -> ObserverContext:
    prediction = origin.prediction
    return ObserverContext(
        observer_type=standard.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=device_uid(origin.key, prediction.model_version, prediction.model_sha256),
            name=f"Ictus {prediction.model_version}",
            manufacturer_name=MANUFACTURER,
            model_name=MODEL_NAME,
            serial_number=prediction.model_sha256[:SERIAL_DIGITS],
        ),
    )


def _person(origin: Origin) -> ObserverContext | None:
    if origin.reading is None or not origin.subject.is_identified or not origin.reading.readers:
        return None
    return ObserverContext(
        observer_type=standard.DCM.Person,
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(name=_verifier(origin)),
    )


def _verifier(origin: Origin) -> str:
    """The reader as a DICOM person name: everything in its family name, since accounts do not part theirs."""
    readers = origin.reading.readers if origin.reading else ()
    if not origin.subject.is_identified or not readers:
        return f"{_UNNAMED}^"
    return f"{readers[-1].translate(str.maketrans('^=', '  '))}^"


def _organisation(origin: Origin) -> str:
    return origin.site_name[:64] if origin.subject.is_identified else _UNNAMED

"""A DICOM upload as one study: its series, its de-identified files, and who the patient is."""

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from ictus.domain.errors import (
    InvalidValuesError,
    NoPixelDataError,
    TooLargeError,
    UnsupportedDimensionsError,
    UnsupportedSyntaxError,
)
from ictus.imaging.assemble import assemble, modality_of
from ictus.imaging.body_parts import body_part
from ictus.imaging.codestream import clean_pixel_data
from ictus.imaging.deidentify import de_identify
from ictus.imaging.describe import describe
from ictus.imaging.dicom import Instance, read_instance
from ictus.imaging.intake import IntakeOutcome, IntakeRequest, IntakeSeries, PatientIdentity
from ictus.imaging.series import Stack, stacks_of
from ictus.imaging.uids import replacement_uid
from ictus.imaging.upload import Upload, UploadedFile
from ictus.imaging.written import write_volume

_IDENTITY = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "issuer_of_patient_id": "IssuerOfPatientID",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "age": "PatientAge",
    "accession_number": "AccessionNumber",
    "study_id": "StudyID",
    "study_instance_uid": "StudyInstanceUID",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "referring_physician": "ReferringPhysicianName",
    "institution": "InstitutionName",
}
_WORDS_OF = (
    "patient_name",
    "patient_id",
    "accession_number",
    "birth_date",
    "referring_physician",
    "institution",
)

_SERIES_LEFT_OUT = (UnsupportedSyntaxError, UnsupportedDimensionsError, InvalidValuesError)
"""What concerns a whole series, so that leaving it out makes no hole in another."""

_SCREEN_SAVES = {"SCREEN SAVE", "SCREEN_SAVE", "SCREENSAVE"}


def read_dicom_study(
    request: IntakeRequest, upload: Upload, files: list[UploadedFile]
) -> IntakeOutcome | None:
    """Read the DICOM files of an upload; None when none of them is an image to analyse.

    A damaged image refuses the upload: leaving it out would make a hole in a head scan that nobody sees.

    Raises:
        IntakeError: the upload is refused.
    """
    study = _Study(request, upload, _instances(request, upload, files))
    series = [one for stack in study.stacks if (one := study.read(stack)) is not None]
    if not series:
        return None
    return IntakeOutcome(
        series=tuple(series),
        study_uid=study.uid,
        identity=study.identity(),
        hold_reasons=tuple(sorted(study.hold_reasons)),
    )


def _instances(request: IntakeRequest, upload: Upload, files: list[UploadedFile]) -> list[Instance]:
    found = []
    for file in files:
        try:
            found.append(read_instance(file, request.limits))
        except NoPixelDataError as error:
            upload.leave_out(file, error)
    return found


class _Study:
    """The study while its series are read."""

    def __init__(self, request: IntakeRequest, upload: Upload, instances: list[Instance]) -> None:
        self.request, self.upload = request, upload
        self.stacks = stacks_of(instances, upload)
        self.instances = [instance for stack in self.stacks for instance in stack.instances]
        self.hold_reasons: set[str] = set()
        self.uids: dict[str, str] = {}
        self.words = [value for field in _WORDS_OF if (value := self._first(_IDENTITY[field]))]
        if len(self.stacks) > request.limits.max_series:
            raise TooLargeError("The study has more series than this installation allows.")
        own = sorted(instance.text("SOPInstanceUID") for instance in self.instances)
        self.uid = self._new_uid(self._first("StudyInstanceUID") or f"study of {' '.join(own)}")
        self.written: dict[Path, Path] = {}
        self.described = 0

    def read(self, stack: Stack) -> IntakeSeries | None:
        """The stack as a series; None when it was left out."""
        try:
            assembled = assemble(stack, self.request.limits, self._keep)
        except _SERIES_LEFT_OUT as error:
            for instance in stack.instances:
                self.upload.leave_out(instance.file, error)
            return None
        first, volume = stack.first, assembled.volume
        for instance in stack.instances:
            self.hold_reasons |= _hold_reasons(instance)
        return write_volume(
            volume,
            self.request.workdir,
            description=_description(stack),
            series_uid=self._new_uid(first.text("SeriesInstanceUID")),
            source_paths=tuple(self.written[instance.file.path] for instance in stack.instances),
            warnings=assembled.warnings,
            description_paths=self._describe(stack),
        )

    def _describe(self, stack: Stack) -> tuple[Path, ...]:
        """Say of each file of the stack what it is made of, and which slice each of its frames became."""
        places = {
            (slot.instance.file.path, slot.frame.number): index for index, slot in enumerate(stack.slots)
        }
        described = []
        for instance in stack.instances:
            path = self.request.workdir / "sources" / f"{self.described}.json"
            self.described += 1
            slices = tuple(places.get((instance.file.path, frame.number), -1) for frame in instance.frames)
            describe(self.written[instance.file.path], path, slices)
            described.append(path)
        return tuple(described)

    def identity(self) -> PatientIdentity:
        """Who the patient is, from the first instance that says it."""
        return PatientIdentity(
            **{field: self._first(keyword) for field, keyword in _IDENTITY.items()},
            original_uids=self.uids,
        )

    def _first(self, keyword: str) -> str | None:
        return next((stated for instance in self.instances if (stated := instance.text(keyword))), None)

    def _new_uid(self, original: str) -> str:
        new = replacement_uid(self.request.uid_key, original)
        self.uids[new] = original
        return new

    def _keep(self, instance: Instance, dataset: Dataset) -> None:
        """Write the instance's de-identified file."""
        if instance.file.path in self.written:
            return
        folder = self.request.workdir / "sources"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(self.written)}.dcm"
        for keyword in ("SOPInstanceUID", "FrameOfReferenceUID"):
            if original := instance.text(keyword):
                self._new_uid(original)
        clean_pixel_data(dataset)
        de_identify(dataset, self.request.uid_key, self.words)
        dataset.save_as(path, enforce_file_format=True)
        self.written[instance.file.path] = path


def _hold_reasons(instance: Instance) -> set[str]:
    """Why an admin must look first: identity may stand in the pixels, where no header rule reaches it."""
    reasons = set()
    if instance.text("BurnedInAnnotation").upper() == "YES":
        reasons.add("burned_in_annotation")
    if "Secondary Capture" in UID(instance.text("SOPClassUID")).name:
        reasons.add("secondary_capture")
    if not _SCREEN_SAVES.isdisjoint(instance.image_type):
        reasons.add("screen_save")
    return reasons


def _description(stack: Stack) -> str:
    """For people; from closed vocabularies and numbers only."""
    first = stack.first
    plane = stack.turn.kind.name.lower() if stack.turn else ""
    thickness = stack.slots[0].frame.thickness
    parts = [
        modality_of(first).value if modality_of(first).value != "OT" else "",
        body_part(first.text("BodyPartExamined")) or "",
        plane,
        f"{thickness:.3g} mm" if thickness else "",
    ]
    return " ".join(part for part in parts if part) or "Series"

"""No canary survives: identity is put wherever DICOM can hold it, and looked for in every byte kept."""

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from PIL import Image
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, keyword_dict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, SecondaryCaptureImageStorage
from tests.canary import PATIENT, WORD, traces_in

from ictus.imaging.deidentify import METHOD
from ictus.imaging.phantom import brain_window, dicom_series, head_ct
from ictus.imaging.uids import replacement_uid

CANARY = WORD.upper()
CT = head_ct(slices=2, size=32)
VALUES: dict[str, object] = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "CS"), CANARY),
    **dict.fromkeys(("OB", "OW", "UN", "OF", "OD", "OL"), CANARY.encode() + b" "),
    "AE": CANARY,
    "PN": PATIENT.name,
    "UR": "http://canarycarla.example",
    "DA": PATIENT.study_date,
    "TM": "235958",
    "DT": f"{PATIENT.study_date}235958",
    "AS": "077Y",
    "UI": "1.2.3.77777777",
}
OTHER_TRACES = (b"235958", b"1.2.3.77777777", b"077y")


def instance() -> Dataset:
    return next(iter(dicom_series(CT, PATIENT)))


def kept_bytes(read, dataset: Dataset, path: Path) -> bytes:
    """Every byte that leaves intake outside the patient's identity."""
    dataset.save_as(path, enforce_file_format=True)
    outcome = read(path)
    public = asdict(outcome) | {"identity": None}
    files = [file for one in outcome.series for file in (one.volume_path, *one.source_paths)]
    return b"\n".join(file.read_bytes() for file in files) + json.dumps(public, default=str).encode()


def assert_no_trace(data: bytes) -> None:
    assert traces_in(data, *OTHER_TRACES) == []


def test_the_phantom_without_deidentification_would_be_caught(tmp_path) -> None:
    instance().save_as(tmp_path / "a", enforce_file_format=True)
    with pytest.raises(AssertionError):
        assert_no_trace((tmp_path / "a").read_bytes())


def test_identity_is_returned_only_as_identity(read, tmp_path) -> None:
    dataset = instance()
    assert_no_trace(kept_bytes(read, dataset, tmp_path / "a"))
    identity = read(tmp_path / "a").identity
    assert (identity.patient_name, identity.patient_id, identity.birth_date) == (
        PATIENT.name,
        PATIENT.patient_id,
        PATIENT.birth_date,
    )
    assert identity.study_date == PATIENT.study_date
    assert dataset.SOPInstanceUID in identity.original_uids.values()


def test_every_attribute_of_the_profile_loses_its_value(read, tmp_path) -> None:
    dataset = instance()
    pixels = dataset.PixelData
    for tag in table.ALL_TAGS:
        if len(tag) != 2 or tag[0] < 0x0008 or tag in {(0x0008, 0x0018), (0x0020, 0x000D), (0x0020, 0x000E)}:
            continue
        try:
            representation = dictionary_VR(tag)
        except KeyError:
            representation = "LO"
        if representation == "SQ":
            item = Dataset()
            item.PatientName, item.StudyDate, item.PatientComments = VALUES["PN"], VALUES["DA"], CANARY
            dataset.add_new(tag, "SQ", Sequence([item]))
        elif representation in VALUES:
            dataset.add_new(tag, representation, VALUES[representation])
    dataset.PixelData = pixels
    assert len(dataset) > 500
    assert_no_trace(kept_bytes(read, dataset, tmp_path / "a"))


def test_attributes_that_the_profile_forgets_lose_free_text_too(read, tmp_path) -> None:
    """One attribute of every VR that table E.1-1 does not name, and those beyond the standard."""
    listed = {tag for tag in table.ALL_TAGS if len(tag) == 2}
    by_representation: dict[str, int] = {}
    for tag in sorted(keyword_dict.values()):
        representation = dictionary_VR(tag)
        if tag >> 16 >= 0x0018 and tag >> 16 < 0x7FE0 and (tag >> 16, tag & 0xFFFF) not in listed:
            by_representation.setdefault(representation, tag)
    dataset = instance()
    for representation, tag in by_representation.items():
        if representation in VALUES:
            dataset.add_new(tag, representation, VALUES[representation])
    dataset.add_new(0x00189998, "LO", CANARY)  # no attribute of the standard
    dataset.BodyPartExamined = CANARY
    dataset.ImageType = ["ORIGINAL", "PRIMARY", CANARY]
    dataset.Manufacturer = "Made for CanaryCarla"
    dataset.ConvolutionKernel = "CanaryCarla"
    dataset.SpecificCharacterSet = CANARY
    assert_no_trace(kept_bytes(read, dataset, tmp_path / "a"))


def test_private_nested_overlay_preamble_and_padding(read, tmp_path) -> None:
    dataset = instance()
    block = dataset.private_block(0x0029, CANARY, create=True)
    block.add_new(0x10, "LO", CANARY)
    block.add_new(0x11, "SQ", Sequence([Dataset()]))
    inner, outer = Dataset(), Dataset()
    inner.PatientName = PATIENT.name
    inner.private_block(0x0011, CANARY, create=True).add_new(1, "UN", CANARY.encode())
    inner.CodeValue, inner.CodingSchemeDesignator, inner.CodeMeaning = "T-A0100", "SRT", "Brain"
    outer.AnatomicRegionModifierSequence = Sequence([inner])
    dataset.AnatomicRegionSequence = Sequence([outer])
    dataset.add_new(0x60003000, "OW", CANARY.encode() * 12)
    dataset.add_new(0x60004000, "LT", CANARY)
    dataset.add_new(0x60100022, "LO", CANARY)
    dataset.add_new(0x50003000, "OW", CANARY.encode() + b" ")
    dataset.add_new(0xFFFCFFFC, "OB", CANARY.encode() + b" ")
    dataset.PixelData += CANARY.encode() + b" "
    dataset.preamble = CANARY.encode().ljust(128, b".")
    dataset.file_meta.SourceApplicationEntityTitle = CANARY
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.77777777"
    dataset.file_meta.PrivateInformation = CANARY.encode() + b" "

    assert_no_trace(kept_bytes(read, dataset, tmp_path / "a"))

    kept = dcmread(read(tmp_path / "a").series[0].source_paths[-1])
    assert kept.preamble == bytes(128)
    assert not any(element.tag.is_private for element in kept.iterall())
    assert kept.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning == "Brain"


def test_an_overlay_in_the_unused_bits_of_the_pixels_is_cleared(read, tmp_path) -> None:
    dataset = instance()
    stored = np.frombuffer(dataset.PixelData, "<u2")
    dataset.PixelData = (stored | 0x8000).astype("<u2").tobytes()
    dataset.add_new(0x60000102, "US", 15)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    kept = dcmread(read(tmp_path / "a").series[0].source_paths[0])
    assert np.array_equal(np.frombuffer(kept.PixelData, "<u2"), stored)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
def test_comments_inside_compressed_pixels_are_blanked(read, tmp_path, syntax) -> None:
    dataset = instance()
    if syntax == JPEGBaseline8Bit:
        exif = Image.Exif()
        exif[0x010E] = CANARY
        buffer = io.BytesIO()
        Image.fromarray(brain_window(CT, 0)).save(buffer, "JPEG", comment=CANARY.encode(), exif=exif)
        stream = buffer.getvalue()
        dataset.SOPClassUID = SecondaryCaptureImageStorage
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        del dataset.RescaleIntercept, dataset.WindowWidth
    else:
        dataset.compress(syntax, generate_instance_uid=False)
        from pydicom.encaps import generate_frames

        plain = next(generate_frames(dataset.PixelData, number_of_frames=1))
        note = b"\xff\x64" + (4 + len(CANARY)).to_bytes(2, "big") + b"\0\1" + CANARY.encode()
        at = plain.index(b"\xff\x90")
        stream = plain[:at] + note + plain[at:]
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    assert CANARY.encode() in dataset.PixelData

    assert_no_trace(kept_bytes(read, dataset, tmp_path / "a"))

    before = dcmread(tmp_path / "a").pixel_array
    assert np.array_equal(dcmread(read(tmp_path / "a").series[0].source_paths[-1]).pixel_array, before)


def test_what_was_done_is_written_into_the_file(read, tmp_path) -> None:
    dataset = instance()
    referenced = Dataset()
    referenced.ReferencedSOPClassUID = dataset.SOPClassUID
    referenced.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ReferencedImageSequence = Sequence([referenced])
    dataset.save_as(tmp_path / "a", enforce_file_format=True)

    kept = dcmread(read(tmp_path / "a").series[0].source_paths[0])

    assert (kept.PatientIdentityRemoved, kept.DeidentificationMethod) == ("YES", METHOD)
    assert kept.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert kept.LongitudinalTemporalInformationModified == "REMOVED"
    assert kept.file_meta.MediaStorageSOPInstanceUID == kept.SOPInstanceUID
    assert kept.ReferencedImageSequence[0].ReferencedSOPInstanceUID == kept.SOPInstanceUID
    assert kept.SOPInstanceUID.startswith("2.25.")
    assert kept.PatientName == "" and kept.Modality == "CT" and kept.KVP == 120


def test_a_replacement_uid_depends_on_the_key_and_is_valid() -> None:
    first, other = replacement_uid(b"a" * 32, "1.2.3"), replacement_uid(b"b" * 32, "1.2.3")
    assert first == replacement_uid(b"a" * 32, "1.2.3") != other
    assert len(first) <= 64
    assert Dataset.from_json(json.dumps({"00080018": {"vr": "UI", "Value": [first]}})).SOPInstanceUID.is_valid


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary_capture"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen_save"),
    ],
)
def test_pictures_that_may_show_identity_are_held(read, tmp_path, change, reason: str) -> None:
    dataset = instance()
    for keyword, value in change.items():
        setattr(dataset, keyword, value)
    dataset.save_as(tmp_path / "a", enforce_file_format=True)
    assert read(tmp_path / "a").hold_reasons == (reason,)


def test_the_action_table_says_what_the_standard_says() -> None:
    """PS3.15 table E.1-1, rows everyone knows: the transcription is another project's."""
    for tags, expected in (
        (
            table.Z_TAGS,
            [(0x0010, 0x0010), (0x0008, 0x0050), (0x0008, 0x0020), (0x0010, 0x0030), (0x0010, 0x0040)],
        ),
        (table.Z_D_TAGS, [(0x0010, 0x0020)]),
        (
            table.X_TAGS,
            [(0x0010, 0x4000), (0x0010, 0x1010), (0x0008, 0x1030), (0x0008, 0x103E), (0x0008, 0x0081)],
        ),
        (
            table.U_TAGS,
            [(0x0008, 0x0018), (0x0020, 0x000D), (0x0020, 0x000E), (0x0020, 0x0052), (0x0008, 0x1155)],
        ),
    ):
        assert set(expected) <= set(tags)
    assert DataElement(0x00100010, "PN", "").keyword == "PatientName"

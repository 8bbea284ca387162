"""De-identification of DICOM: PS3.15 Annex E, Basic Application Level Confidentiality Profile, and stricter.

The action table is the standard's E.1-1, as the ``dicom-anonymizer`` package transcribes it; what is done
with it is ours (docs/decisions/0011). Where the table leaves a choice (``X/Z/D``), the action that keeps every
image object valid is taken. Beyond the profile, attributes that the table does not name are kept only when
they cannot hold free text, names, dates or unknown bytes.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from ictus.imaging.body_parts import body_part
from ictus.imaging.dicom import text
from ictus.imaging.uids import replacement_uid

METHOD: Final = "DICOM PS3.15 E.2 Basic Profile 2026c, by Ictus"

_KEEP, _EMPTY, _DUMMY, _REMOVE, _REPLACE_UID, _CLEAN_ITEMS = range(6)

_ACTIONS: Final[dict[int, int]] = {
    int(Tag(tag[0], tag[1])): action
    for tags, action in (
        (table.X_TAGS, _REMOVE),
        (table.Z_TAGS, _EMPTY),
        (table.X_Z_TAGS, _EMPTY),
        (table.D_TAGS, _DUMMY),
        (table.Z_D_TAGS, _DUMMY),
        (table.X_D_TAGS, _DUMMY),
        (table.X_Z_D_TAGS, _DUMMY),
        (table.U_TAGS, _REPLACE_UID),
        (table.X_Z_U_STAR_TAGS, _CLEAN_ITEMS),
    )
    for tag in tags
    if len(tag) == 2
}
_OVERLAY_GROUPS: Final = range(0x6000, 0x6020, 2)
_CURVE_GROUPS: Final = range(0x5000, 0x5020, 2)

_DUMMIES: Final[dict[str, str | float | bytes]] = {
    **dict.fromkeys(("LO", "SH", "CS", "AE", "ST", "LT", "UT", "UC"), "REMOVED"),
    **dict.fromkeys(("IS", "DS"), "0"),
    **dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"), 0),
    **dict.fromkeys(("OB", "OW", "OF", "OD", "OL", "OV", "UN"), b""),
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "AS": "000Y",
    "PN": "",
    "UR": "",
}
_FREE_TEXT: Final = {"LO", "SH", "ST", "LT", "UT", "UC", "UR", "AE"}
_PERSONAL: Final = {"PN", "DA", "TM", "DT", "AS", "UN"}
_BYTES: Final = {"OB", "OW", "OF", "OD", "OL", "OV"}
_SAFE_TEXT: Final = {
    "CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "ConvolutionKernel",
    "DeidentificationMethod", "DimensionDescriptionLabel", "FrameType", "ImagedNucleus", "LUTExplanation",
    "LossyImageCompressionMethod", "Manufacturer", "ManufacturerModelName", "PulseSequenceName",
    "ReceiveCoilName", "RescaleType", "SequenceName", "SoftwareVersions", "StackID", "TransmitCoilName",
    "WindowCenterWidthExplanation",
}  # fmt: skip
_SAFE_BYTES: Final = {"PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "LUTData"}
_PALETTE: Final = {
    f"{segmented}{colour}PaletteColorLookupTableData"
    for colour in ("Red", "Green", "Blue", "Alpha")
    for segmented in ("", "Segmented")
}
_TERMS: Final[dict[str, Callable[[str], bool]]] = {
    "BodyPartExamined": lambda stated: body_part(stated) is not None,
    "SpecificCharacterSet": lambda stated: stated in python_encoding,
}
_CLASS_UIDS: Final = {"SOPClassUID", "ReferencedSOPClassUID"}
_CODE_STRING: Final = re.compile(r"[A-Z0-9 _]{0,16}")
_NUMBER_STRING: Final = re.compile(r"\s*[-+]?[0-9.]*([eE][-+]?[0-9]+)?\s*")
_REGISTERED_UID: Final = "1.2.840.10008."
_SHORTEST_WORD: Final = 4


def de_identify(dataset: Dataset, key: bytes, identifying: Iterable[str] = ()) -> None:
    """Remove from a data set, in place, everything that identifies the patient.

    File meta information is made anew and the preamble zeroed. Words of ``identifying`` (names and numbers
    of this patient) that some writer has put where they do not belong take their attribute with them.
    """
    words = _words(identifying)
    transfer_syntax = dataset.file_meta.TransferSyntaxUID
    if text(dataset, "PhotometricInterpretation") != "PALETTE COLOR":
        for keyword in _PALETTE.intersection(dataset.dir()):
            delattr(dataset, keyword)
    _clean(dataset, key, words)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Sequence([_basic_profile()])
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = transfer_syntax
    meta.MediaStorageSOPClassUID = UID(text(dataset, "SOPClassUID"))
    meta.MediaStorageSOPInstanceUID = UID(text(dataset, "SOPInstanceUID"))
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128


def _basic_profile() -> Dataset:
    """DCM 113100 (PS3.16 CID 7050)."""
    code = Dataset()
    code.CodeValue = "113100"
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    return code


def _words(identifying: Iterable[str]) -> frozenset[str]:
    """Upper-case words long enough not to be met by chance; runs of digits and letters."""
    found = (word for value in identifying for word in re.split(r"[^0-9A-Za-z]+", value.upper()))
    return frozenset(word for word in found if len(word) >= _SHORTEST_WORD)


def _clean(dataset: Dataset, key: bytes, words: frozenset[str]) -> None:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except (ValueError, TypeError, LookupError, NotImplementedError, AttributeError, OverflowError):
            del dataset[tag]  # unreadable, so nobody can say what is in it
            continue
        action = _action(element)
        if action == _REMOVE or (action == _KEEP and not _is_safe(element, words)):
            del dataset[tag]
        elif action == _EMPTY:
            dataset[tag] = DataElement(tag, element.VR, _empty(element))
        elif action == _DUMMY:
            dataset[tag] = DataElement(tag, element.VR, _dummy(element, key))
        elif action == _REPLACE_UID:
            dataset[tag] = DataElement(tag, "UI", _each(element.value, lambda uid: _new_uid(key, uid)))
        elif element.VR == "SQ":
            for item in element.value:
                _clean(item, key, words)
        elif element.VR == "UI" and element.keyword not in _CLASS_UIDS:
            dataset[tag] = DataElement(tag, "UI", _each(element.value, lambda uid: _new_uid(key, uid)))


def _action(element: DataElement) -> int:
    tag = element.tag
    if tag.is_private or not dictionary_has_tag(tag) or tag.group in _CURVE_GROUPS:
        return _REMOVE
    if tag.group in _OVERLAY_GROUPS:
        return _REMOVE  # OverlayData and OverlayComments go; what describes them has no meaning without
    return _ACTIONS.get(int(tag), _KEEP)


def _is_safe(element: DataElement, words: frozenset[str]) -> bool:
    """Whether an attribute that the profile does not name may stay."""
    keyword, representation = element.keyword, element.VR
    if keyword in _SAFE_BYTES or keyword in _PALETTE or keyword == "PhotometricInterpretation":
        return True  # the picture has been decoded by them, so they are what they say
    may_stay = keyword in _SAFE_TEXT or representation not in _FREE_TEXT
    if not may_stay or representation in _BYTES or representation in _PERSONAL:
        return False
    parts = _parts(element.value)
    if keyword in _TERMS:
        return all(_TERMS[keyword](part) for part in parts)
    if representation in {"DS", "IS"}:
        return all(_NUMBER_STRING.fullmatch(part) for part in parts)
    is_code = representation != "CS" or all(_CODE_STRING.fullmatch(part) for part in parts)
    is_text = representation == "CS" or representation in _FREE_TEXT
    return is_code and not (is_text and _says(words, parts))


def _says(words: frozenset[str], parts: list[str]) -> bool:
    return any(not words.isdisjoint(re.split(r"[^0-9A-Z]+", part.upper())) for part in parts)


def _parts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(part) for part in (value if isinstance(value, MultiValue | list | tuple) else [value])]


def _empty(element: DataElement) -> object:
    return Sequence() if element.VR == "SQ" else None


def _dummy(element: DataElement, key: bytes) -> object:
    if element.VR == "SQ":
        return Sequence()
    if element.VR == "UI":
        return _each(element.value, lambda uid: _new_uid(key, uid))
    return _DUMMIES.get(element.VR)


def _each(value: object, change: Callable[[str], str]) -> object:
    changed = [change(part) for part in _parts(value) if part]
    return changed[0] if len(changed) == 1 else changed or None


def _new_uid(key: bytes, uid: str) -> str:
    """Registered UIDs (well-known frames of reference, classes) name no instance and stay."""
    return uid if uid.startswith(_REGISTERED_UID) else replacement_uid(key, uid)

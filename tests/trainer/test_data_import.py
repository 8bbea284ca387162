import json
from pathlib import Path
from uuid import uuid4

import numpy as np
import pydicom
import pytest
from tests.trainer.drawn_patients import write_dataset
from typer.testing import CliRunner

from ictus.domain.enums import Finding, Modality
from ictus.imaging.phantom import Bleed, Person, head_ct, picture, write_dicom_series, write_nifti
from ictus.imaging.volume import VoxelUnits
from ictus.model.manifest import file_sha256
from trainer.cli import app
from trainer.data import DatasetError, load_dataset, read_picture
from trainer.data.cases import CASES_FILE, TrainingCase, read_cases
from trainer.data.importing import Pseudonyms

CANARY = Person(name="Canary^Yellow", patient_id="CANARY-4711", birth_date="19330303", sex="F")


def run(*arguments: object) -> tuple[int, str]:
    told = ["import", *map(str, arguments), "--version", "1", "--source", "a test", "--licence", "Apache-2.0"]
    result = CliRunner().invoke(app, told)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM series in a folder, labelled by slice, and a NIfTI volume labelled as a whole."""
    folder = tmp_path_factory.mktemp("scans")
    write_dicom_series(head_ct(4, 96, Bleed(), seed=1), folder / "one", CANARY)
    write_nifti(head_ct(3, 96, None, seed=2), folder / "two.nii.gz")
    lines = ["file,patient,slice_no,slice_ich", "one,,1,1", "one,,3,0", "two.nii.gz,b,,0"]
    (folder / "slice_labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def version(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The imported scans with the key beside them, and what the command said."""
    folder = tmp_path_factory.mktemp("imported")
    code, told = run(scans, folder / "v1", "--pseudonym-key", folder / "key")
    assert code == 0
    return folder, told


def test_scans_become_slices_without_headers(version: tuple[Path, str]) -> None:
    folder, told = version
    assert "1 headers named their patient" in told
    dataset = load_dataset(folder / "v1")
    own = Pseudonyms((folder / "key").read_bytes())
    by_patient = {
        patient: [(s.number, s.is_stroke) for s in dataset.slices if s.patient == patient]
        for patient in set(dataset.patients)
    }
    assert by_patient == {
        own.of("CANARY-4711"): [(1, True), (3, False)],
        own.of("b"): [(0, False), (1, False), (2, False)],
    }
    assert {s.sex for s in dataset.slices if s.patient == own.of("CANARY-4711")} == {"F"}
    bleeding = read_picture(next(s.path for s in dataset.slices if s.is_stroke))
    assert bleeding.units is VoxelUnits.HOUNSFIELD
    assert bleeding.spacing_mm is not None
    np.testing.assert_array_equal(bleeding.voxels, head_ct(4, 96, Bleed(), seed=1).voxels[1:2])


def test_nothing_written_names_the_patient(version: tuple[Path, str]) -> None:
    folder, told = version
    written = [told.encode()]
    for path in (folder / "v1").rglob("*"):
        written.append(str(path.relative_to(folder)).encode())
        if path.is_file():
            written.append(path.read_bytes())
    for secret in (b"canary", b"19330303"):
        assert not any(secret in text.lower() for text in written)


def test_same_key_gives_the_same_pseudonyms_and_another_key_others(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=2, slices=1)
    for name, key in (("v1", "key"), ("v2", "key"), ("v3", "other")):
        assert run(source, tmp_path / name, "--pseudonym-key", tmp_path / key)[0] == 0
    first, second, third = (load_dataset(tmp_path / name) for name in ("v1", "v2", "v3"))
    assert first.sha256 == second.sha256
    assert set(first.patients).isdisjoint(third.patients)
    assert first.patient_namespace == second.patient_namespace != third.patient_namespace
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_headers_are_no_pseudonyms_without_a_key(scans: Path, tmp_path: Path) -> None:
    code, told = run(scans, tmp_path / "v1")
    assert code == 1
    assert "--pseudonym-key" in told
    assert not (tmp_path / "v1").exists()


@pytest.mark.parametrize("patient", ["Meier, Anna", "Meier^Anna", "Anna Meier", "19330303", "4711004711"])
def test_table_that_names_people_is_refused(patient: str, tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=2, slices=1)
    (source / "slice_labels.csv").write_text(
        f'file,patient,slice_no,slice_ich\n00 (0).png,"{patient}",0,0\n01 (0).png,b,0,1\n'
    )
    code, told = run(source, tmp_path / "v1")
    assert code == 1
    assert "Line 2" in told
    assert patient not in told


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=4, slices=2)
    code, told = run(source, tmp_path / "v1", "--pseudonym-key", tmp_path / "key", "--dry-run")
    assert code == 0
    assert "8 slices of 4 patients; 2 slices of 2 patients with stroke" in told
    assert list(tmp_path.iterdir()) == [source]


def test_unreadable_scan_is_left_out_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    (source / "two.png").write_bytes(picture(head_ct(1, 96, None, seed=2), 0))
    (source / "slice_labels.csv").write_text(
        "file,patient,slice_no,slice_ich\nbroken.dcm,a,,1\ntwo.png,b,,0\n"
    )
    code, told = run(source, tmp_path / "v1")
    assert code == 0
    assert "left out: 1 (refused by intake" in told
    assert set(load_dataset(tmp_path / "v1").patients) == {"b"}


def test_series_that_may_show_a_name_in_its_pixels_is_left_out(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=2, slices=1)
    write_dicom_series(head_ct(3, 96, Bleed(), seed=1), source / "one", CANARY)
    for path in (source / "one").iterdir():
        instance = pydicom.dcmread(path)
        instance.BurnedInAnnotation = "YES"
        instance.save_as(path)
    with (source / "slice_labels.csv").open("a") as table:
        table.write("one,c,,1\n")
    code, told = run(source, tmp_path / "v1")
    assert code == 0
    assert "left out: 1 (may show an identity in its pixels: burned_in_annotation)" in told
    assert set(load_dataset(tmp_path / "v1").patients) == {"00", "01"}


def test_patient_with_both_labels_is_refused_where_labels_are_of_patients(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=4, slices=2)
    code, told = run(source, tmp_path / "v1", "--label-level", "patient")
    assert code == 1
    assert "both labels" in told


def case_folder(folder: Path, **changes: object) -> TrainingCase:
    """One exported case of four slices, the second of which shows a bleed."""
    folder.mkdir()
    head_ct(4, 96, Bleed(), seed=1).write(folder / "volume.safetensors")
    case = TrainingCase(
        case_id=uuid4(),
        patient="pabc",
        modality=Modality.CT,
        finding=Finding.STROKE,
        stroke_slices=(1,),
        subtypes=("intraparenchymal",),
        volume="volume.safetensors",
        volume_sha256=file_sha256(folder / "volume.safetensors"),
    ).model_copy(update=changes)
    (folder / CASES_FILE).write_text(case.model_dump_json() + "\n")
    return case


def test_confirmed_cases_are_imported_slice_by_slice(tmp_path: Path) -> None:
    case = case_folder(tmp_path / "cases")
    assert read_cases(tmp_path / "cases") == [case]
    assert run(tmp_path / "cases", tmp_path / "v1")[0] == 0
    dataset = load_dataset(tmp_path / "v1")
    assert dataset.labels.tolist() == [False, True, False, False]
    assert [s.subtypes for s in dataset.slices] == [(), ("intraparenchymal",), (), ()]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"volume_sha256": "0" * 64}, "was changed"),
        ({"volume": "../volume.safetensors"}, "is missing"),
        ({"stroke_slices": (9,)}, "does not have"),
        ({"patient": "Meier^Anna"}, "may identify"),
    ],
)
def test_case_that_does_not_hold_together_is_refused(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    case_folder(tmp_path / "cases", **changes)
    code, told = run(tmp_path / "cases", tmp_path / "v1")
    assert code == 1
    assert reason in told


def test_line_that_is_no_case_is_named(tmp_path: Path) -> None:
    case = case_folder(tmp_path / "cases")
    line = json.loads(case.model_dump_json()) | {"name": "Canary"}
    (tmp_path / "cases" / CASES_FILE).write_text(json.dumps(line))
    with pytest.raises(DatasetError, match=r"Line 1 .* name") as refused:
        read_cases(tmp_path / "cases")
    assert "Canary" not in str(refused.value)

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from tests.trainer.drawn_patients import write_dataset

from ictus.domain.enums import Modality
from trainer.data import Dataset, DatasetError, load_dataset
from trainer.data.importing import Description, Pseudonyms, gather_folder, manifest_of, publish
from trainer.data.load import LABELS_FILE, load_folder
from trainer.data.manifest import DATASET_FILE, LabelLevel, ManifestError
from trainer.data.splits import TRAIN_TEST, TRAIN_VALIDATION_TEST, patient_parts
from trainer.data.table import Columns, years

DESCRIPTION = Description(
    "drawn", "1", "haemorrhage-ct", Modality.CT, LabelLevel.SLICE, "drawn for a test", "Apache-2.0"
)


def imported(source: Path, output: Path, description: Description = DESCRIPTION, *, copy: bool = True) -> str:
    staging = output.parent / f"staging of {output.name}"
    staging.mkdir(parents=True, exist_ok=True)
    gathered = gather_folder(
        source, source / LABELS_FILE, Columns(), description, Pseudonyms(None), staging, copy=copy
    )
    return publish(manifest_of(description, description.name, gathered), gathered.files, output)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("drawn"), patients=30, slices=2)


@pytest.fixture(scope="module")
def dataset(source: Path) -> Dataset:
    return load_dataset(source)


def test_imported_version_has_the_examples_of_its_source(
    source: Path, dataset: Dataset, tmp_path: Path
) -> None:
    sha256 = imported(source, tmp_path / "v1")
    loaded = load_dataset(tmp_path / "v1")
    assert loaded.sha256 == sha256
    assert [(s.sha256, s.patient, s.number, s.is_stroke) for s in loaded.slices] == [
        (s.sha256, s.patient, s.number, s.is_stroke) for s in dataset.slices
    ]
    assert loaded.name == "drawn 1"


def test_identity_is_the_digest_of_the_file_and_the_same_import_has_the_same(
    source: Path, tmp_path: Path
) -> None:
    first = imported(source, tmp_path / "v1")
    assert hashlib.sha256((tmp_path / "v1" / DATASET_FILE).read_bytes()).hexdigest() == first
    assert imported(source, tmp_path / "again", copy=False) == first
    assert (tmp_path / "again" / "files").is_symlink()


def test_version_is_never_changed(source: Path, tmp_path: Path) -> None:
    first = imported(source, tmp_path / "v1")
    assert imported(source, tmp_path / "v1") == first
    other = Description(**{**DESCRIPTION.__dict__, "licence": "CC0-1.0"})
    with pytest.raises(ManifestError, match="never changed"):
        imported(source, tmp_path / "v1", other)
    assert load_dataset(tmp_path / "v1").sha256 == first


def test_edited_manifest_is_refused(source: Path, tmp_path: Path) -> None:
    imported(source, tmp_path / "v1")
    manifest = tmp_path / "v1" / DATASET_FILE
    content = json.loads(manifest.read_bytes())
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(content))
    with pytest.raises(ManifestError, match="was edited"):
        load_dataset(tmp_path / "v1")
    content["examples"][0]["file"] = "../elsewhere.png"
    manifest.write_text(json.dumps(content))
    with pytest.raises(ManifestError, match="below files"):
        load_dataset(tmp_path / "v1")


def test_changed_and_missing_pictures_are_refused(source: Path, tmp_path: Path) -> None:
    imported(source, tmp_path / "v1")
    picture = tmp_path / "v1" / "files" / "03 (1).png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(DatasetError, match=r"1 files .* changed .*03 \(1\)\.png"):
        load_dataset(tmp_path / "v1")
    picture.unlink()
    with pytest.raises(DatasetError, match="missing"):
        load_dataset(tmp_path / "v1")


@pytest.mark.parametrize("shares", [TRAIN_TEST, TRAIN_VALIDATION_TEST])
def test_parts_keep_patients_together_and_stroke_shares_alike(
    dataset: Dataset, shares: dict[str, float]
) -> None:
    parts = patient_parts(dataset, shares, seed=3)
    assert set(parts) == set(shares)
    for patient in set(dataset.patients):
        assert len(set(parts[dataset.patients == patient])) == 1
    for name, share in shares.items():
        held = parts == name
        assert len(set(dataset.patients[held])) == pytest.approx(30 * share, abs=1.1)
        assert len(set(dataset.patients[held & dataset.labels])) == pytest.approx(15 * share, abs=0.6)


def test_parts_follow_the_seed_and_not_the_order(dataset: Dataset) -> None:
    parts = patient_parts(dataset, TRAIN_TEST, seed=3)
    assert (patient_parts(dataset, TRAIN_TEST, seed=4) != parts).any()
    reversed_ = Dataset("reversed", dataset.slices[::-1], "")
    np.testing.assert_array_equal(patient_parts(reversed_, TRAIN_TEST, seed=3)[::-1], parts)


def test_too_few_patients_for_a_split_are_refused(dataset: Dataset) -> None:
    few = Dataset("few", dataset.slices[:4], "")
    with pytest.raises(DatasetError, match="too few patients"):
        patient_parts(few, TRAIN_VALIDATION_TEST, seed=0)


def test_labels_of_other_words_and_columns_are_read(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("picture,who,finding\n00 (0).png,a,bleed\n01 (0).png,b,clear\n01 (1).png,b,\n")
    columns = Columns(file="picture", patient="who", number=None, label="finding", stroke_values=("bleed",))
    read = load_folder(source, table, columns)
    assert [(s.patient, s.is_stroke) for s in read.slices] == [("a", True), ("b", False)]


def test_unreadable_line_is_named_and_its_value_is_not(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,patient,slice_no,slice_ich\n00 (0).png,a,1,Canary\n")
    with pytest.raises(DatasetError, match="Line 2") as refused:
        load_folder(source, table, Columns())
    assert "Canary" not in str(refused.value)
    with pytest.raises(DatasetError, match="no column grade"):
        load_folder(source, table, Columns(label="grade"))


@pytest.mark.parametrize(
    ("age", "expected"), [("63", 63), ("063Y", 63), ("018M", 1), ("095Y", 90), ("103", 90), (None, None)]
)
def test_ages_become_years_and_the_oldest_one_group(age: str | None, expected: int | None) -> None:
    assert years(age) == expected

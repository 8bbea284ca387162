"""``ictus-train evaluate`` with the bundled model on drawn heads."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.manifest import ModelDirectory, load_model_directory
from trainer.cli import app
from trainer.data import Dataset, load_dataset
from trainer.data.table import Columns, read_rows
from trainer.evaluation import EvaluationError, judge_directory
from trainer.evaluation.report import EvaluationReport
from trainer.evaluation.robustness import (
    PERTURBATIONS,
    Perturbation,
    coarsen,
    compress,
    noise,
    robustness,
    rotate,
    shift_window,
    some_patients,
)
from trainer.evaluation.subgroups import groups_of, subgroup_rows

STARTER = Path(__file__).parents[2] / "models" / "starter"
PATIENTS, SLICES = 8, 2
KINDS = ("Intraventricular", "Intraparenchymal", "Subarachnoid", "Epidural", "Subdural")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn patients of two slices; every second bleeds, half of those subdurally."""
    folder = tmp_path_factory.mktemp("drawn")
    labels, diagnoses = [], []
    for patient in range(PATIENTS):
        bleeds = patient % 2
        volume = head_ct(SLICES, 128, Bleed() if bleeds else None, seed=patient)
        for number in range(SLICES):
            name = f"{patient} ({number}).png"
            cv2.imwrite(str(folder / name), brain_window(volume, number))
            labels.append([name, patient, number, bleeds])
            kinds = [
                int(bool(bleeds) and kind == ("Subdural" if patient < 4 else "Epidural")) for kind in KINDS
            ]
            diagnoses.append([patient, number, *kinds])
    with (folder / "slice_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "patient", "slice_no", "slice_ich"], *labels])
    with (folder / "hemorrhage_diagnosis.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["PatientNumber", "SliceNumber", *KINDS], *diagnoses])
    return folder


@pytest.fixture(scope="module")
def of_people(folder: Path) -> Dataset:
    """The same, and of each patient the age and the sex."""
    dataset = load_dataset(folder)
    slices = [
        replace(s, age=20 + 10 * int(s.patient), sex="F" if int(s.patient) < 5 else "M")
        for s in dataset.slices
    ]
    return replace(dataset, slices=tuple(slices))


@pytest.fixture(scope="module")
def starter() -> ModelDirectory:
    return load_model_directory(STARTER)


def test_whole_report_is_written(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    run = CliRunner().invoke(app, ["evaluate", str(STARTER), str(folder), "--output", str(output)])
    assert run.exit_code == 0, run.output
    printed = json.loads(run.stdout)
    report = EvaluationReport.model_validate_json((output / "evaluation.json").read_bytes())
    judged = [m for level in report.levels for m in level.metrics]
    assert [m.model_dump() for m in (*judged, *report.in_series)] == printed
    assert "roc_auc_in_series" in {m.name for m in report.in_series}
    slices, studies = report.levels
    assert (slices.examples, studies.examples) == (PATIENTS * SLICES, PATIENTS)
    assert {m.name for m in slices.metrics} >= {"roc_auc", "pr_auc", "f1", "brier", "ece", "specificity"}
    assert {row.group for row in report.subgroups} == {"Subdural", "Epidural"}
    for name in ("confusion", "roc", "precision-recall", "reliability", "trade-off", "subgroups"):
        assert (output / "figures" / f"{name}.svg").read_text().startswith("<?xml")
        assert cv2.imread(str(output / "figures" / f"{name}.png")).std() > 5


def test_dry_run_says_what_would_be_done_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "report"
    run = CliRunner().invoke(
        app, ["evaluate", str(STARTER), str(folder), "--output", str(output), "--dry-run"]
    )
    assert run.exit_code == 0
    assert "16 slices of 8 patients, 8 with stroke" in run.stderr
    assert not output.exists()


def test_test_set_of_other_data_is_refused(folder: Path) -> None:
    run = CliRunner().invoke(app, ["evaluate", str(STARTER), str(folder), "--test-set", "--dry-run"])
    assert run.exit_code == 1
    assert "was not trained on this version" in run.stderr


def test_groups_are_those_that_the_data_set_tells(of_people: Dataset, starter: ModelDirectory) -> None:
    dataset = of_people
    groups = groups_of(dataset)
    sizes = {(g.attribute, g.name): int(g.member.sum()) for g in groups}
    assert sizes == {
        ("haemorrhage", "Epidural"): 4,
        ("haemorrhage", "Subdural"): 4,
        ("sex", "F"): 10,
        ("sex", "M"): 6,
        ("age", "0 to 39"): 4,
        ("age", "40 to 59"): 4,
        ("age", "60 to 79"): 4,
        ("age", "80 and older"): 4,
    }
    judged = dict(zip(("slice", "study"), judge_directory(starter, dataset), strict=True))
    rows = {(row.group, row.level): row for row in subgroup_rows(groups, dataset, judged, seed=0)}
    assert (rows["Subdural", "slice"].strokes, rows["Subdural", "slice"].normals) == (4, 8)
    assert (rows["Subdural", "study"].strokes, rows["Subdural", "study"].patients) == (2, 2)
    assert (rows["F", "study"].strokes, rows["F", "study"].normals) == (2, 3)


def test_kinds_of_the_table_come_before_those_beside_it(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    table = tmp_path / "slice_labels.csv"
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{head},thin", *(f"{line},1" for line in lines)]))
    rows = read_rows(table, Columns(subtypes=("thin",)))
    assert {row.subtypes for row in rows} == {("thin",)}


def test_group_without_one_of_the_classes_is_left_out(of_people: Dataset, starter: ModelDirectory) -> None:
    dataset = some_patients(of_people, 4, seed=0)
    groups = groups_of(dataset)
    judged = dict(zip(("slice", "study"), judge_directory(starter, dataset), strict=True))
    rows = subgroup_rows(groups, dataset, judged, seed=0)
    one_class = [g for g in groups if g.attribute == "age" and len(set(dataset.labels[g.member])) == 1]
    assert one_class
    assert not {row.group for row in rows} & {g.name for g in one_class}


def test_pictures_as_they_are_come_first_and_changes_are_told(folder: Path, starter: ModelDirectory) -> None:
    dataset = some_patients(load_dataset(folder), 4, seed=1)
    drawn: list[float] = []

    def record(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        drawn.append(float(random.random()))
        return picture

    def blank(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
        return np.zeros_like(picture)

    changes = tuple(Perturbation(change.__name__, "", change) for change in (record, record, blank))
    unchanged, recorded, _, blanked = robustness(starter, dataset, 0, changes)
    assert recorded.metrics == unchanged.metrics
    assert [d.value for d in recorded.auc_change] == [0, 0]
    assert next(m for m in blanked.metrics if (m.level, m.name) == ("slice", "roc_auc")).value == 0.5
    first, again = np.array(drawn).reshape(2, len(dataset.slices))
    assert (first == again).all()
    assert len(set(first)) == len(dataset.slices)


def test_some_patients_are_of_both_kinds(folder: Path) -> None:
    chosen = some_patients(load_dataset(folder), 4, seed=2)
    by_patient = {s.patient: s.is_stroke for s in chosen.slices}
    assert sorted(by_patient.values()) == [False, False, True, True]
    with pytest.raises(EvaluationError, match="four patients"):
        some_patients(chosen, 3, seed=0)


@pytest.fixture
def picture() -> np.ndarray:
    return brain_window(head_ct(3, 128, None, seed=1), 1)


def test_every_perturbation_keeps_shape_and_changes_the_picture(picture: np.ndarray) -> None:
    assert {p.family for p in PERTURBATIONS} == {
        "noise", "window shift", "rotation", "resolution", "JPEG quality",
    }  # fmt: skip
    for perturbation in PERTURBATIONS:
        changed = perturbation.change(picture, np.random.default_rng(0))
        assert (changed.shape, changed.dtype) == (picture.shape, np.uint8)
        assert (changed != picture).any(), perturbation


def test_perturbations_do_what_they_say(picture: np.ndarray) -> None:
    random = np.random.default_rng(0)
    inside = (picture > 60) & (picture < 190)
    difference = noise(picture, random, 10).astype(float) - picture
    assert difference[inside].std() == pytest.approx(10, rel=0.1)
    assert (difference[picture == 0] == 0).all()
    assert (shift_window(picture, random, 20)[inside] == picture[inside] + 20).all()
    back = rotate(rotate(picture, random, 90), random, -90).astype(int)
    assert np.abs(back - picture).mean() < 1
    assert (
        np.abs(np.diff(coarsen(picture, random, 4).astype(int))).max()
        < np.abs(np.diff(picture.astype(int))).max()
    )
    worse, better = (np.abs(compress(picture, random, q).astype(int) - picture).mean() for q in (10, 90))
    assert worse > better

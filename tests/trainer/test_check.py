import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.trainer.drawn_patients import write_dataset
from typer.testing import CliRunner

from trainer.cli import app
from trainer.data import Dataset, load_dataset, patient_folds, read_picture
from trainer.data.anonymity import identity_traces, suspicious
from trainer.data.checks import CheckReport, DataRefusedError, require_trainable
from trainer.data.manifest import KnownShortcut
from trainer.data.shortcuts import measure_shortcuts, verdict_on
from trainer.data.traits import BASELINES, BORDERS, BRAIN_BLANKED, FILE_TRAITS, GREY_LEVELS, brain_blanked

FOLDS = 2


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(write_dataset(tmp_path_factory.mktemp("honest")))


@pytest.fixture(scope="module")
def cheating_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("cheating"), shortcut=True)


@pytest.fixture(scope="module")
def cheating(cheating_folder: Path) -> Dataset:
    return load_dataset(cheating_folder)


def folds_of(dataset: Dataset) -> np.ndarray:
    return patient_folds(dataset, FOLDS, seed=1)


@pytest.fixture(scope="module")
def refused(cheating: Dataset) -> CheckReport:
    """What the checks say of a data set whose classes were exported differently."""
    with pytest.raises(DataRefusedError, match="Shortcut, grey levels") as error:
        require_trainable(cheating, folds_of(cheating))
    return error.value.report


def test_honest_data_may_be_trained_on_and_is_not_measured_twice(honest: Dataset, tmp_path: Path) -> None:
    report = require_trainable(honest, folds_of(honest), cache=tmp_path)
    assert report.stops == ()
    assert (report.patients, report.stroke_patients) == (24, 12)
    assert {b.name: b.judged for b in report.baselines}[GREY_LEVELS] == "without lesion"
    (kept,) = tmp_path.iterdir()
    kept.write_text(report.model_copy(update={"examples": 1}).model_dump_json())
    assert require_trainable(honest, folds_of(honest), cache=tmp_path).examples == 1


def test_brighter_export_of_one_class_stops_the_run(refused: CheckReport) -> None:
    by_name = {b.name: b for b in refused.baselines}
    assert by_name[GREY_LEVELS].figure.auc > 0.9
    assert by_name[GREY_LEVELS].figure.pooled_auc == pytest.approx(1, abs=0.05)
    assert by_name[BORDERS].verdict == by_name[BRAIN_BLANKED].verdict == "shortcut"
    assert refused.leaks == refused.identity == ()


def test_shortcut_is_gone_when_the_network_is_given_something_else(cheating: Dataset) -> None:
    def equalised(example: object) -> np.ndarray:
        assert hasattr(example, "path")
        picture = read_picture(example.path).voxels[0]
        inside = picture[picture > picture.min()]
        ranks = np.searchsorted(np.sort(inside), picture) / max(1, inside.size)
        return (ranks * 255).astype(np.uint8)

    broken = {b.name: b for b in measure_shortcuts(cheating, folds_of(cheating), 1, equalised)}
    assert FILE_TRAITS not in broken
    assert broken[GREY_LEVELS].verdict != "shortcut"
    assert broken[BORDERS].verdict != "shortcut"


def test_carried_finding_covers_a_shortcut_until_it_grows(refused: CheckReport) -> None:
    figure = {b.name: b for b in refused.baselines}[GREY_LEVELS].figure
    known = KnownShortcut(
        baseline=GREY_LEVELS, auc=figure.auc, high=figure.high, reason="the export of a test"
    )
    assert verdict_on(GREY_LEVELS, figure, [known]) == "shortcut, carried"
    assert verdict_on(BORDERS, figure, [known]) == "shortcut"
    weaker = known.model_copy(update={"auc": 0.7, "high": 0.75})
    assert verdict_on(GREY_LEVELS, figure, [weaker]) == "shortcut"


def test_blanked_brain_leaves_nothing_of_the_head() -> None:
    picture = np.zeros((96, 96), np.uint8)
    cv2.circle(picture, (48, 48), 30, 200, cv2.FILLED)
    assert brain_blanked(picture).max() == 0
    cv2.rectangle(picture, (2, 2), (8, 8), 200, cv2.FILLED)
    assert brain_blanked(picture).max() > 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("19500615 (1).png", "a date"),
        ("15.06.1950.png", "a date"),
        ("Meier^Anna.png", "a name"),
        ("Meier, Anna.png", "a name"),
        ("4711004711.jpg", "a long number"),
        ("1.2.840.113619.2.5.1762.jpg", "a DICOM UID"),
        ("anna@example.org.jpg", "an e-mail address"),
    ],
)
def test_name_that_says_who_it_is_is_found(name: str, kind: str) -> None:
    assert kind in suspicious(name)


@pytest.mark.parametrize(
    "name", ["49 (12).jpg", "stroke_0001_A.jpg", "axial brain.png", "ID_0a1b2c3d4e.png", "2024_12.png"]
)
def test_harmless_name_is_not_suspected(name: str) -> None:
    assert suspicious(name) == []


def test_texts_in_pictures_are_found_by_kind_and_not_by_value(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "texts", patients=4, slices=1)
    picture = Image.open(source / "01 (0).png")
    text = PngInfo()
    text.add_text("Patient", "Canary Yellow")
    picture.save(source / "01 (0).png", pnginfo=text)
    technical = PngInfo()
    technical.add_text("Software", "a scanner")
    Image.open(source / "02 (0).png").save(source / "02 (0).png", pnginfo=technical)
    exif = Image.Exif()
    exif[0x013B] = "Canary Yellow"
    exif[0x0131] = "a scanner"
    picture.save(source / "03 (0).png", "JPEG", exif=exif, comment="Canary Yellow")
    traces = identity_traces(load_dataset(source))
    assert [(trace.kind, trace.count, trace.first) for trace in traces] == [
        ("EXIF Artist", 1, 3),
        ("a comment in a JPEG file", 1, 3),
        ("a text in a PNG file", 1, 1),
    ]


def test_command_stops_with_its_reasons(cheating_folder: Path) -> None:
    runner = CliRunner()
    dry = runner.invoke(app, ["check", str(cheating_folder), "--dry-run"])
    assert dry.exit_code == 0
    assert "shortcuts in 5 folds" in dry.stderr
    shown = runner.invoke(app, ["check", str(cheating_folder), "--folds", "2", "--split", "train-test"])
    assert shown.exit_code == 1
    assert "A run on this data stops" in shown.stdout
    assert "Shortcut, grey levels: AUC" in shown.stdout


def test_import_carries_a_measured_shortcut_and_check_then_passes(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", patients=20, slices=1, shortcut=True)
    runner = CliRunner()
    told = ["--version", "1", "--source", "a test", "--licence", "Apache-2.0"]
    for baseline in BASELINES:
        told += ["--known-shortcut", f"{baseline}=one class was exported brighter"]
    made = runner.invoke(app, ["import", str(source), str(tmp_path / "v1"), *told])
    assert made.exit_code == 0, made.output
    checked = runner.invoke(app, ["check", str(tmp_path / "v1"), "--json"])
    assert checked.exit_code == 0, checked.output
    verdicts = {b["name"]: b["verdict"] for b in json.loads(checked.stdout)["baselines"]}
    assert verdicts[GREY_LEVELS] == "shortcut, carried"

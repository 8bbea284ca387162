"""``ictus analyze`` as a person runs it: a process of its own, no server, no network."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.inference.conftest import STARTER

from ictus.imaging import phantom
from ictus.imaging.volume import Volume
from ictus.model.manifest import load_model_directory

FIELDS = [
    "input",
    "finding",
    "subtypes",
    "stroke_probability",
    "confidence",
    "disposition",
    "reason",
    "slices",
    "model_version",
    "validated_for",
]


def ictus(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("ictus")), "analyze", *map(str, arguments)],
        env={
            "PATH": os.environ["PATH"],
            "ICTUS_ENGINE_THREADS": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, head: Volume) -> Path:
    """The same head in every form, and what is no head."""
    folder = tmp_path_factory.mktemp("inputs")
    series = folder / "series"
    series.mkdir()
    files = phantom.write_dicom_series(head, series)
    phantom.write_nifti(head, folder / "volume.nii.gz")
    (folder / "slice.png").write_bytes(phantom.picture(head, 4))
    (folder / "photograph.jpg").write_bytes(phantom.photograph())
    (folder / "truncated.dcm").write_bytes(files[0].read_bytes()[:3000])
    with zipfile.ZipFile(folder / "series.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return folder


def test_every_form_of_a_scan_gets_the_same_fields_and_answer(inputs: Path, model_folder: Path) -> None:
    paths = [inputs / name for name in ("series", "volume.nii.gz", "series.zip", "slice.png")]
    run = ictus(*paths, "--json", "--modality", "CT", "--model", model_folder)
    assert run.returncode == 0, run.stderr
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [list(answer) for answer in answers] == [FIELDS] * 4
    assert [answer["input"] for answer in answers] == [str(path) for path in paths]
    folder, nifti, archive, picture = answers
    assert folder["slices"] == archive["slices"]
    assert [item["index"] for item in folder["slices"]] == list(range(9))
    assert [item["index"] for item in picture["slices"]] == [0]
    for of_dicom, of_nifti in zip(folder["slices"], nifti["slices"], strict=True):
        assert of_nifti["stroke_probability"] == pytest.approx(of_dicom["stroke_probability"], abs=1e-3)
    manifest = load_model_directory(STARTER).manifest
    for answer in answers:
        assert answer["finding"] in {"stroke", "normal"}
        assert 0 <= answer["stroke_probability"] <= 1
        assert 0.5 <= answer["confidence"] <= 1
        assert answer["disposition"] in {"confident", "uncertain"}
        assert answer["model_version"] == manifest.version
        assert answer["validated_for"] == manifest.validation.statement


def test_one_bad_input_fails_the_run_and_the_others_are_still_analysed(inputs: Path) -> None:
    run = ictus(
        inputs / "truncated.dcm", inputs / "nothing", inputs / "slice.png", "--json", "--modality", "ct"
    )
    assert run.returncode == 1
    (answer,) = map(json.loads, run.stdout.splitlines())
    assert answer["input"].endswith("slice.png")
    assert "truncated.dcm: The file is cut short" in run.stderr
    assert "nothing: There is no such file" in run.stderr
    assert "Traceback" not in run.stderr


def test_what_is_no_scan_is_answered_as_unsuitable(inputs: Path) -> None:
    run = ictus(inputs / "photograph.jpg", "--json", "--modality", "CT")
    answer = json.loads(run.stdout)
    assert run.returncode == 0
    assert answer["disposition"] == "unsuitable"
    assert (answer["finding"], answer["stroke_probability"], answer["confidence"]) == (None, None, None)
    assert answer["slices"] == [{"index": 0, "stroke_probability": None}]


def test_declared_mr_is_not_validated(inputs: Path) -> None:
    run = ictus(inputs / "slice.png", "--json", "--modality", "MR")
    answer = json.loads(run.stdout)
    assert run.returncode == 0
    assert (answer["disposition"], answer["finding"]) == ("not_validated", None)


def test_report_has_the_answer_and_no_identity(inputs: Path, model_folder: Path, tmp_path: Path) -> None:
    run = ictus(inputs / "series", "--report", tmp_path / "out.pdf", "--model", model_folder)
    assert run.returncode == 0, run.stderr
    text = "\n".join(page.extract_text() for page in PdfReader(tmp_path / "out.pdf").pages)
    assert load_model_directory(STARTER).manifest.version in text
    person = phantom.Person()
    for identity in (person.name, person.patient_id, person.birth_date, person.institution):
        assert identity not in text
    assert "Disposition" in run.stdout


def test_refused_model_is_one_line_and_analyses_nothing(inputs: Path, tmp_path: Path) -> None:
    run = ictus(inputs / "slice.png", "--model", tmp_path)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "manifest is missing" in run.stderr
    assert "Traceback" not in run.stderr


def test_unknown_modality_is_refused(inputs: Path) -> None:
    run = ictus(inputs / "slice.png", "--modality", "US")
    assert run.returncode == 2
    assert "CT or MR" in run.stderr


def test_no_torch_is_loaded_by_the_worker_or_the_command_line() -> None:
    program = (
        "import sys, inference.worker, inference.cli, ictus.registry;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'trainer', 'gateway')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

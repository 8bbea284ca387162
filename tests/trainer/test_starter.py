"""The model in the repository: complete, small enough, described truly, and still saying what it said."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from ictus.domain.enums import Disposition, Finding, Modality, SourceFormat
from ictus.imaging.analysis import analyse
from ictus.imaging.intake import IntakeRequest
from ictus.imaging.phantom import Bleed, head_ct
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.disposition import SeriesDecision, decide_series
from ictus.model.manifest import (
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    OUTPUT_LOGITS,
    REPLAY_FILE,
    TEST_SET_FILE,
    ModelDirectory,
    load_model_directory,
)
from ictus.model.preprocess import prepare
from ictus.model.suitability import SuitabilityFault, load_statistics
from trainer.card import read_run, render_card
from trainer.features import open_session
from trainer.golden import GOLDEN_FILE, Golden, predict_golden
from trainer.weights import load_network

HEAD_CT = {"brain_mr_other_050.jpg"}
"""Lies among the pictures of brain MR, but shows a skull's white ring, a brain window and chalk: a head CT."""

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


@pytest.fixture(scope="module")
def starter() -> ModelDirectory:
    return load_model_directory(STARTER)


def test_starter_fits_the_repository(starter: ModelDirectory) -> None:
    sizes = {file.name: file.stat().st_size for file in STARTER.iterdir()}
    exemplars = sizes.pop(REPLAY_FILE) + sizes.pop(TEST_SET_FILE)
    assert sum(sizes.values()) < 60_000_000
    assert exemplars < 16_000_000


def test_starter_still_says_what_it_said(starter: ModelDirectory) -> None:
    golden = Golden.model_validate_json((STARTER / GOLDEN_FILE).read_bytes())
    now = predict_golden(STARTER, starter.manifest.preprocess)
    for then, head in zip(golden.heads, now.heads, strict=True):
        np.testing.assert_allclose(head.logits, then.logits, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(head.embedding_norm, then.embedding_norm, rtol=1e-3)
        np.testing.assert_allclose(head.heatmap_peak, then.heatmap_peak, rtol=1e-2, atol=1e-5)


def test_starters_weights_build_its_network(starter: ModelDirectory) -> None:
    network = load_network(STARTER, starter.manifest)
    assert sum(network.widths) == starter.manifest.embedding_size
    assert not any(key.startswith(("resnet.fc", "mobilenet.classifier")) for key in network.state_dict())


def test_card_is_the_manifests(starter: ModelDirectory) -> None:
    run = read_run(STARTER, starter.manifest)
    assert (STARTER / "model-card.md").read_text(encoding="utf-8") == render_card(starter.manifest, run)


def test_card_says_what_must_be_said(starter: ModelDirectory) -> None:
    card = " ".join(render_card(starter.manifest).split())
    for phrase in (
        "intracranial haemorrhage on non-contrast head CT only",
        "ischaemic stroke is not assessed by this model",
        "CC BY 4.0",
        "Hssayeni",
        "patients 49-53",
        "that leak",
        "A reader decides",
    ):
        assert phrase in card


def decide_picture(starter: ModelDirectory, grey: np.ndarray) -> SeriesDecision:
    volume = Volume(grey.astype(np.uint8)[np.newaxis], Modality.CT, SourceFormat.JPEG, VoxelUnits.DISPLAY)
    return decide(starter, volume)


def decide(starter: ModelDirectory, volume: Volume) -> SeriesDecision:
    prepared = prepare(volume, starter.manifest.preprocess)
    session = open_session(starter.graph, threads=1)
    logits, embedding = session.run([OUTPUT_LOGITS, OUTPUT_EMBEDDING], {INPUT_PIXELS: prepared.pixels})
    limits = starter.manifest.suitability.embedding
    assert limits is not None
    return decide_series(
        starter.manifest,
        statistics=load_statistics(starter.path, limits),
        volume=volume,
        prepared=prepared,
        logits=logits,
        embedding=embedding,
    )


def test_drawn_head_is_assessed(starter: ModelDirectory) -> None:
    decision = decide(starter, head_ct(8, 256))
    assert decision.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}


def test_large_drawn_bleed_is_suspected_and_its_absence_is_not(starter: ModelDirectory) -> None:
    clean, bleeding = decide(starter, head_ct(24, 256)), decide(starter, head_ct(24, 256, Bleed()))
    assert clean.finding is not Finding.STROKE
    assert bleeding.finding is Finding.STROKE
    assert set(bleeding.key_slices) <= set(range(9, 19))  # where the clot is
    usable = [probability is not None for probability in bleeding.slice_probabilities]
    assert sum(usable) > 12


@pytest.mark.shared_data
@pytest.mark.parametrize("kind", ["chest_xray", "lung_ct", "brain_mr_other"])
def test_other_pictures_called_ct_get_no_finding(
    starter: ModelDirectory, shared_data: Path, kind: str
) -> None:
    pictures = [p for p in sorted((shared_data / "not-brain").glob(f"{kind}*.jpg")) if p.name not in HEAD_CT][
        ::6
    ]
    grey = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in pictures]
    decisions = [decide_picture(starter, np.asarray(picture)) for picture in grey]
    unsuitable = [d.disposition is Disposition.UNSUITABLE for d in decisions]
    assert all(unsuitable)


@pytest.mark.shared_data
def test_head_ct_slices_are_suitable(starter: ModelDirectory, shared_data: Path) -> None:
    pictures = sorted((shared_data / "ct-ich").glob("*/*.jpg"))[::125]
    grey = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in pictures]
    decisions = [decide_picture(starter, np.asarray(picture)) for picture in grey]
    assert sum(d.disposition is not Disposition.UNSUITABLE for d in decisions) >= len(decisions) - 1


def decide_file(starter: ModelDirectory, path: Path, workdir: Path) -> SeriesDecision:
    (series,) = analyse(IntakeRequest((path,), b"starter", workdir)).series
    return decide(starter, Volume.from_bytes(series.volume_path.read_bytes()))


def test_a_head_ct_of_another_hospital_is_answered(starter: ModelDirectory, tmp_path: Path) -> None:
    head = Path(pydicom.__file__).parent / "data" / "test_files" / "J2K_pixelrep_mismatch.dcm"
    decision = decide_file(starter, head, tmp_path)
    assert decision.finding is not None
    assert decision.novelty is not None
    assert decision.novelty < 1


def test_a_head_ct_of_another_hospital_upside_down_is_refused(
    starter: ModelDirectory, tmp_path: Path
) -> None:
    head = Path(pydicom.__file__).parent / "data" / "test_files" / "J2K_pixelrep_mismatch.dcm"
    (series,) = analyse(IntakeRequest((head,), b"starter", tmp_path)).series
    upright = Volume.from_bytes(series.volume_path.read_bytes())
    turned = replace(upright, voxels=upright.voxels[:, ::-1].copy())
    assert decide(starter, turned).reason_code == SuitabilityFault.UPSIDE_DOWN


@pytest.mark.parametrize("bleed", [None, Bleed()])
def test_drawn_heads_upside_down_are_refused(starter: ModelDirectory, bleed: Bleed | None) -> None:
    upright = head_ct(8, 256, bleed)
    turned = replace(upright, voxels=upright.voxels[:, ::-1].copy())
    assert decide(starter, turned).reason_code == SuitabilityFault.UPSIDE_DOWN


@pytest.mark.shared_data
def test_a_head_ct_that_lies_among_brain_mr_is_answered(starter: ModelDirectory, shared_data: Path) -> None:
    picture = cv2.imread(str(shared_data / "not-brain" / "brain_mr_other_050.jpg"), cv2.IMREAD_GRAYSCALE)
    assert decide_picture(starter, np.asarray(picture)).finding is not None


@pytest.mark.shared_data
def test_a_slice_whose_brain_was_lost_to_compression_is_refused(
    starter: ModelDirectory, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "samples" / "dicom_hard" / "cq500_head_ct_slice.dcm"
    assert float(pydicom.dcmread(path).LossyImageCompressionRatio) > 300
    assert decide_file(starter, path, tmp_path).reason_code == SuitabilityFault.UNLIKE_TRAINING

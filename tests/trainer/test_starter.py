"""The model in the repository: complete, small enough, described truly, and still saying what it said."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ictus.domain.enums import Disposition, Finding, Modality, SourceFormat
from ictus.imaging.phantom import Bleed, head_ct
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.disposition import SeriesDecision, decide_series
from ictus.model.manifest import (
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    OUTPUT_LOGITS,
    ModelDirectory,
    load_model_directory,
)
from ictus.model.preprocess import prepare
from ictus.model.suitability import load_statistics
from trainer.card import render_card
from trainer.features import open_session
from trainer.golden import GOLDEN_FILE, Golden, predict_golden
from trainer.weights import load_network

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


@pytest.fixture(scope="module")
def starter() -> ModelDirectory:
    return load_model_directory(STARTER)


def test_starter_fits_the_repository(starter: ModelDirectory) -> None:
    assert sum(file.stat().st_size for file in STARTER.iterdir()) < 60_000_000


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
    assert (STARTER / "model-card.md").read_text(encoding="utf-8") == render_card(starter.manifest)


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
    pictures = sorted((shared_data / "not-brain").glob(f"{kind}*.jpg"))[::6]
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

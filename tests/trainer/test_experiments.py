"""The nested experiments of ``bench.experiments``: what they must not see, and what their measures say."""

import numpy as np
import pytest
from bench.experiments import backbones
from bench.experiments.backbones import predicted_share, similarity
from bench.experiments.features import NEIGHBOURS, OWN, RELATIVE, products, series_of, shown
from bench.experiments.heads import Said, as_they_are, logistic, support_vectors

from trainer.calibrate import Judged

PATIENTS, SLICES, FEATURES = 16, 6, 12
NAMES = np.repeat([f"{number:02}" for number in range(PATIENTS)], SLICES)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    random = np.random.default_rng(0)
    of_patient = np.repeat(random.normal(size=(PATIENTS, FEATURES)), SLICES, axis=0)
    return (of_patient + random.normal(size=(len(NAMES), FEATURES))).astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    number = np.arange(len(NAMES))
    return (number // SLICES % 2 == 0) & np.isin(number % SLICES, (2, 3))


@pytest.mark.parametrize("head", [logistic, support_vectors])
def test_labels_of_an_outer_fold_change_nothing(
    head: object, features: np.ndarray, labels: np.ndarray
) -> None:
    learned = ~np.isin(NAMES, ["00", "01", "02", "03"])

    def said(truth: np.ndarray) -> Said:
        problem = as_they_are(truth, NAMES, learned, seed=1)
        return head(problem, products(features[learned], features))  # type: ignore[operator]

    first, second = said(labels), said(np.where(learned, labels, ~labels))
    np.testing.assert_array_equal(first.inner, second.inner)
    np.testing.assert_array_equal(first.outer, second.outer)


def test_what_a_series_has_in_common_is_taken_out(features: np.ndarray) -> None:
    rows = np.arange(len(NAMES))
    moved = features + np.repeat(np.arange(PATIENTS, dtype=np.float32), SLICES)[:, None]
    before, after = (shown(f, rows, series_of(f, NAMES), RELATIVE) for f in (features, moved))
    np.testing.assert_allclose(before, after, atol=1e-5)
    assert np.abs(shown(features, rows, series_of(features, NAMES), OWN) - features).max() == 0


def test_a_slice_without_a_neighbour_stands_in_for_it(features: np.ndarray) -> None:
    series = series_of(features, NAMES)
    np.testing.assert_allclose(
        shown(features, np.array([0]), series, NEIGHBOURS)[0], features[:2].mean(axis=0)
    )
    alone = series_of(features[:1], NAMES[:1])
    np.testing.assert_array_equal(alone.neighbours, features[:1])


def test_likeness_knows_a_turned_copy_from_noise(features: np.ndarray) -> None:
    random = np.random.default_rng(1)
    turned = features @ np.linalg.qr(random.normal(size=(FEATURES, FEATURES)))[0].astype(np.float32)
    noise = random.normal(size=features.shape).astype(np.float32)
    folds = np.repeat(np.arange(PATIENTS) % 4, SLICES)
    assert similarity(features, turned) == pytest.approx(1, abs=1e-4)
    assert similarity(features, noise) < 0.4
    assert predicted_share(features, turned, folds) > 0.95
    assert predicted_share(features, noise, folds) < 0.1


def test_backbones_that_see_the_same_err_alike(features: np.ndarray, labels: np.ndarray) -> None:
    copies = dict.fromkeys((backbones.RESNET, backbones.MOBILENET, backbones.FINER), features)
    learned = ~np.isin(NAMES, ["00", "01", "02", "03"])
    said = backbones.heads(as_they_are(labels, NAMES, learned, seed=1), copies)
    assert {backbones.BOTH, backbones.EVEN, backbones.BOTH_FINER, *copies} == said.keys()
    np.testing.assert_allclose(said[backbones.BOTH].outer, said[backbones.EVEN].outer, rtol=1e-4)
    whole = np.ones(len(NAMES))
    judged = {
        name: Judged(1 / (1 + np.exp(-one.outer)), labels, NAMES, 0 * whole, whole)
        for name, one in said.items()
    }
    lines = backbones.likeness(copies, judged, NAMES, np.repeat(np.arange(PATIENTS) % 4, SLICES))
    assert len(lines) == 4
    assert "CKA 1.00, within patients 1.00" in lines[0]
    assert "correlate by 1.00" in lines[1]
    assert "both get 100% wrong" in lines[1]

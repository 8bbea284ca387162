"""Two readers who reverse alike, on the real embeddings of the bundled model, where look-alikes often differ anyway."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ictus.model.permitted_changes import permitted_changes
from trainer.continual.cases import ConfirmedSlices
from trainer.continual.screening import pairs_of
from trainer.exemplars import Embedded, read_embedded

STARTER = Path(__file__).parents[2] / "models" / "starter"
THIRD = 3


@pytest.fixture(scope="module")
def replay() -> Embedded:
    return read_embedded(STARTER / "replay.safetensors")


def read_by_three(replay: Embedded, share: float, seed: int, *, reversed_by_two: bool) -> ConfirmedSlices:
    """Real slices as new cases: a third reader has a share of the patients, two have the others half and half."""
    random = np.random.default_rng(seed)
    patients = np.unique(replay.patients)
    who = np.where(random.random(len(patients)) < share, THIRD, 1 + random.integers(0, 2, len(patients)))
    readers = who[np.searchsorted(patients, replay.patients)]
    wrong = (readers != THIRD) & reversed_by_two
    labels = np.where(wrong, 1 - replay.labels, replay.labels)
    yes = np.ones(len(labels), dtype=np.bool_)
    return ConfirmedSlices(
        replay.embedding, labels, replay.patients * 2 + labels, replay.patients, readers, yes, yes
    )


def test_two_who_reverse_are_told_from_two_who_do_not(replay: Embedded) -> None:
    bound = permitted_changes().poisoning.reader_contradiction
    refused = {False: 0, True: 0}
    for seed in range(5):
        for share in (0.1, 0.2, 0.34):
            for wrong in refused:
                pairs = pairs_of(read_by_three(replay, share, seed, reversed_by_two=wrong))
                assert pairs is not None
                refused[wrong] += pairs.contradiction.is_above(bound)
    assert refused[False] == 0
    assert refused[True] >= 14, "of 15"


def test_look_alikes_that_say_nothing_are_held_against_nobody(replay: Embedded) -> None:
    """Where the network does not see what readers see, neighbours have either finding: a few cases are no evidence."""
    random = np.random.default_rng(3)
    for seed in range(20):
        slices = read_by_three(replay, 0.34, seed, reversed_by_two=False)
        few = slices.take(np.isin(slices.patients, random.permutation(np.unique(slices.patients))[:16]))
        labels = random.integers(0, 2, len(few))
        blind = replace(few, labels=labels, cases=few.patients * 2 + labels)
        pairs = pairs_of(blind)
        assert pairs is None or not pairs.contradiction.is_above(0.55), seed

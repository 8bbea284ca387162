"""A head learns a second scanner from its cases, keeps what it knew, and passes or fails the gate."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.ictus.conftest import manifest
from tests.trainer.teachable import (
    SHIFT,
    Teachable,
    confirmed,
    drawn,
    exported,
    flipped,
    make_teachable,
    quick,
)

from ictus.contracts.trainings import GateReport
from ictus.model.calibration import Calibration, slice_probabilities
from ictus.model.manifest import Architecture, ModelManifest
from trainer.continual.candidate import CannotLearnError, load_version, require_teachable, tied_calibration
from trainer.continual.cases import CasesRefusedError, ConfirmedSlices
from trainer.continual.gate import judge_candidate
from trainer.continual.learning import hold_out, learn
from trainer.continual.retraining import (
    Order,
    Prepared,
    Retrained,
    TooFewCasesError,
    evidence_of,
    prepare,
    retrain,
)
from trainer.continual.screened_checks import data_checks
from trainer.continual.screening import screen
from trainer.network import FusionHead
from trainer.training.head import predict

__all__ = ["manifest"]

ORDER = Order("1.1.0", 3, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def teachable(tmp_path_factory: pytest.TempPathFactory, architecture: Architecture) -> Teachable:
    made: ModelManifest = manifest.__wrapped__()  # the fixture's function: it takes nothing
    return make_teachable(tmp_path_factory.mktemp("teachable") / "model", made, architecture)


@pytest.fixture(scope="module")
def prepared(teachable: Teachable) -> Prepared:
    return prepare(teachable.model, teachable.cases(), quick(), ORDER.seed)


@pytest.fixture(scope="module")
def retrained(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    folder = tmp_path_factory.mktemp("training")
    return retrain(prepared, "d" * 64, ORDER, quick(), folder, lambda *_: None)


def accuracy(head: FusionHead, teachable: Teachable, shift: float) -> float:
    slices = drawn(30, 6, teachable.features, 77, shift)
    return float((predict(head, slices.embedding).argmax(axis=1) == slices.labels).mean())


def failed(gate: GateReport) -> set[str]:
    return {check.name for check in gate.checks if not check.passed}


def refused(prepared: Prepared) -> dict[str, str]:
    """What the gate says against the data alone, whatever was learned from them: sentences by name."""
    evidence = evidence_of(prepared)
    checks = data_checks(evidence.screened, evidence.cases, quick())
    return {check.name: check.sentence for check in checks if not check.passed}


def test_candidate_learns_the_second_scanner_and_keeps_the_first(
    teachable: Teachable, retrained: Retrained
) -> None:
    before, after = load_version(teachable.model).head, load_version(retrained.model).head
    assert accuracy(before, teachable, SHIFT) < 0.9
    assert accuracy(after, teachable, SHIFT) > 0.95
    assert accuracy(after, teachable, 0.0) >= accuracy(before, teachable, 0.0) - 0.01


def test_good_candidate_passes_with_a_sentence_for_each_question(retrained: Retrained) -> None:
    assert retrained.gate.passed, [c.sentence for c in retrained.gate.checks if not c.passed]
    assert all(len(check.sentence) > 20 for check in retrained.gate.checks)
    assert {c.subgroup for c in retrained.gate.checks} == {None, "modality:CT"}
    assert {
        "test_auc",
        "champion_test_auc",
        "test_ece",
        "champion_test_sensitivity",
    } <= retrained.metrics.keys()


def test_candidate_is_the_champion_but_for_its_head(teachable: Teachable, retrained: Retrained) -> None:
    base, made = teachable.model.manifest, retrained.model.manifest
    assert made.version == "1.1.0"
    assert made.embedding_space == base.embedding_space
    assert made.decision == base.decision
    for name in ("replay.safetensors", "test-set.safetensors"):
        assert made.files[name] == base.files[name]
    assert made.files["weights.pt"] != base.files["weights.pt"]
    assert "frozen test set" in made.training.evaluation


def test_same_order_gives_the_same_candidate(
    prepared: Prepared, retrained: Retrained, tmp_path: Path
) -> None:
    again = retrain(prepared, "d" * 64, ORDER, quick(), tmp_path, lambda *_: None)
    assert again.model.sha256 == retrained.model.sha256
    assert again.gate == retrained.gate


def test_learning_stopped_after_any_epoch_goes_on_to_the_same_head(
    teachable: Teachable, prepared: Prepared, tmp_path: Path
) -> None:
    class StoppedError(Exception):
        pass

    champion = load_version(teachable.model).head
    whole = learn(champion, prepared.material, quick().learning, 3)

    def stop(epoch: int, epochs: int, score: float) -> None:
        raise StoppedError

    file = tmp_path / "head.checkpoint"
    for _ in whole.scores:
        with pytest.raises(StoppedError):
            learn(champion, prepared.material, quick().learning, 3, file, stop)
    resumed = learn(champion, prepared.material, quick().learning, 3, file)
    assert resumed.scores == whole.scores
    for name, value in whole.head.state_dict().items():
        assert torch.equal(value, resumed.head.state_dict()[name])


def test_nobody_is_learned_from_and_held_out(prepared: Prepared) -> None:
    m = prepared.material
    assert len(m.held_new.labels) and len(m.held_memory.labels)
    assert not set(m.new.patients) & set(m.held_new.patients)
    assert not set(m.memory.patients) & (set(m.held_memory.patients) | set(m.held_new.patients))
    assert not set(prepared.replay.patients) & set(m.new.patients)


def test_share_of_zero_holds_nobody_out(teachable: Teachable) -> None:
    assert not hold_out(drawn(8, 2, teachable.features, 1), 0.0, 1).any()


def test_new_logits_are_tied_to_what_the_champion_meant() -> None:
    random = np.random.default_rng(0)
    before = random.normal(size=(200, 2)).astype(np.float32)
    meant = Calibration(temperature=1.7, bias=(0.0, -0.4))
    after = before * 2.5 + np.array([0.0, 0.8], dtype=np.float32)
    tied = tied_calibration(before, after, meant)
    np.testing.assert_allclose(
        slice_probabilities(after, tied), slice_probabilities(before, meant), atol=1e-3
    )


def test_data_set_is_read_as_it_is_exported(teachable: Teachable) -> None:
    slices = teachable.cases()
    again = ConfirmedSlices.from_safetensors(exported(slices), teachable.features)
    np.testing.assert_array_equal(again.cases, slices.cases)
    np.testing.assert_allclose(again.embedding, slices.embedding, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("damage", ["cut", "other network", "impossible label", "not finite"])
def test_damaged_data_set_is_refused(teachable: Teachable, damage: str) -> None:
    slices = teachable.cases()
    data, features = exported(slices), teachable.features
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "other network":
        features += 1
    elif damage == "impossible label":
        data = exported(replace(slices, labels=slices.labels + 1))
    else:
        data = exported(replace(slices, embedding=slices.embedding * np.float32(np.nan)))
    with pytest.raises(CasesRefusedError):
        ConfirmedSlices.from_safetensors(data, features)


def test_model_without_replay_cannot_be_taught(teachable: Teachable) -> None:
    bare = teachable.model.manifest.model_copy(update={"embedding_space": None})
    with pytest.raises(CannotLearnError):
        require_teachable(replace(teachable.model, manifest=bare))


def test_nothing_new_is_nothing_to_learn(teachable: Teachable) -> None:
    known = confirmed(drawn(24, 4, teachable.features, 5, SHIFT), new=False)
    with pytest.raises(TooFewCasesError, match="new cases"):
        prepare(teachable.model, known, quick(), 3)


# --- what must not pass ----------------------------------------------------------------------------------------------


def _degraded(head: FusionHead, kind: int) -> None:
    """Twenty ways to make a head worse."""
    random = torch.Generator().manual_seed(kind)
    with torch.no_grad():
        match kind % 5:
            case 0:  # the last layer forgets a part of what it was told
                lost = torch.rand(head.classify.weight.shape[1], generator=random) < 0.7 + 0.05 * (kind // 5)
                head.classify.weight[:, lost] = 0
            case 1:  # weights are disturbed
                spread = head.dense.weight.std() * (20 + 10 * (kind // 5))
                head.dense.weight += spread * torch.randn(head.dense.weight.shape, generator=random)
            case 2:  # it leans towards normal
                head.classify.bias += torch.tensor([12.0 + kind, 0.0])
            case 3:  # it leans towards stroke, and is surer than it may be
                head.classify.weight *= 6.0 + kind
                head.classify.bias += torch.tensor([0.0, 2.0 + kind])
            case _:  # findings are exchanged
                share = 0.6 + 0.1 * (kind // 5)
                swapped = head.classify.weight.flip(0)
                head.classify.weight.copy_((1 - share) * head.classify.weight + share * swapped)


@pytest.mark.parametrize("kind", range(20))
def test_degraded_candidate_is_refused(teachable: Teachable, prepared: Prepared, kind: int) -> None:
    champion, worse = load_version(teachable.model), load_version(teachable.model)
    _degraded(worse.head, kind)
    lost = [
        accuracy(champion.head, teachable, at) - accuracy(worse.head, teachable, at) for at in (0.0, SHIFT)
    ]
    assert max(lost) > 0.02  # it is worse on patients whom nobody has shown to the gate
    evidence = evidence_of(prepared)
    gate = judge_candidate(
        champion, worse, evidence, quick(), ["head"], frozenset({"head", "calibration"}), 3
    )
    assert not gate.passed
    on_patients = {"slice_ece", "held_new_cases"} | {n for n in failed(gate) if n.endswith("_difference")}
    assert failed(gate) & on_patients


def test_candidate_that_touched_the_suitability_is_refused(teachable: Teachable, prepared: Prepared) -> None:
    version = load_version(teachable.model)
    evidence = evidence_of(prepared)
    gate = judge_candidate(
        version, version, evidence, quick(), ["head", "suitability"], frozenset({"head", "calibration"}), 3
    )
    assert failed(gate) == {"permitted_parts"}


def test_correction_that_is_unlearned_is_refused(teachable: Teachable, retrained: Retrained) -> None:
    """The second version knows the second scanner; the first one, proposed after it, would lose that again."""
    earlier = confirmed(drawn(24, 4, teachable.features, 5, SHIFT), new=False)
    new = confirmed(drawn(24, 4, teachable.features, 6, SHIFT, first=500), first_case=100)
    both = ConfirmedSlices(
        *(np.concatenate([a, b]) for a, b in zip(_fields(earlier), _fields(new), strict=True))
    )
    prepared = prepare(teachable.model, both, quick(), 3)
    evidence = evidence_of(prepared)
    gate = judge_candidate(
        load_version(retrained.model),
        load_version(teachable.model),
        evidence,
        quick(),
        ["head"],
        frozenset({"head", "calibration"}),
        3,
    )
    assert "corrected_cases" in failed(gate)


def _fields(slices: ConfirmedSlices) -> list[np.ndarray]:
    return [getattr(slices, name) for name in slices.__dataclass_fields__]


@pytest.mark.parametrize("seed", range(3))
def test_flipped_labels_do_not_pass(teachable: Teachable, tmp_path: Path, seed: int) -> None:
    """A share of 30 %, in cases of both scanners."""
    half = [
        drawn(16, 4, teachable.features, 5 + seed, shift, first) for shift, first in ((SHIFT, 0), (0.0, 500))
    ]
    slices = ConfirmedSlices(
        *(np.concatenate([a, b]) for a, b in zip(*(_fields(confirmed(part)) for part in half), strict=True))
    )
    prepared = prepare(teachable.model, flipped(slices, 0.3, seed), quick(), 3)
    gate = retrain(prepared, "d" * 64, ORDER, quick(), tmp_path, lambda *_: None).gate
    assert not gate.passed
    assert "doubtful_cases" in failed(gate)


def test_flood_of_one_reader_is_cut_to_a_share(teachable: Teachable) -> None:
    slices = teachable.cases(patients=40)
    flood = replace(slices, readers=np.where(slices.patients < 30, 1, 2))
    prepared = prepare(teachable.model, flood, quick(), 3)
    found = prepared.screened
    assert found.over_share > 0
    assert found.largest_share <= quick().poisoning.reader_share
    again = prepare(teachable.model, flood, quick(), 3)
    np.testing.assert_array_equal(again.screened.slices.cases, found.slices.cases)


def test_reader_who_floods_alone_does_not_pass(teachable: Teachable) -> None:
    """Every label of a scanner that the model does not know reversed, by one reader, beside a few honest cases."""
    slices = teachable.cases(patients=40)
    wrong = slices.patients < 36
    poisoned = replace(
        slices,
        labels=np.where(wrong, 1 - slices.labels, slices.labels),
        readers=np.where(wrong, 1, 2 + slices.patients % 2),
    )
    assert "reader_contradiction" in refused(prepare(teachable.model, poisoned, quick(), 3))


def test_honest_readers_of_an_unknown_scanner_do_not_contradict_each_other(prepared: Prepared) -> None:
    assert prepared.screened.contradiction.share < 0.1


def colluding(teachable: Teachable, honest: int, patients: int = 40) -> ConfirmedSlices:
    """Two readers reverse every label of a scanner that the model does not know; a third reads some of the last."""
    slices = teachable.cases(patients=patients)
    by_third = slices.patients >= patients - honest
    return replace(
        slices,
        labels=np.where(by_third, slices.labels, 1 - slices.labels),
        readers=np.where(by_third, 3, 1 + slices.patients // 2 % 2),
    )


@pytest.mark.parametrize("seed", range(3))
def test_two_readers_who_reverse_alike_do_not_pass_without_others(teachable: Teachable, seed: int) -> None:
    prepared = prepare(teachable.model, colluding(teachable, honest=0), quick(), seed)
    assert prepared.screened.contradiction.share < 0.1, "they bear each other out"
    assert "two who err alike" in refused(prepared)["pair_witnesses"]


@pytest.mark.parametrize("honest", [2, 3, 4, 8])
def test_two_readers_who_reverse_alike_are_contradicted_by_few_others(
    teachable: Teachable, honest: int
) -> None:
    against = refused(prepare(teachable.model, colluding(teachable, honest), quick(), 3))
    assert against.keys() & {"pair_contradiction", "pair_witnesses"}
    if honest >= 4:
        assert "pair_contradiction" in against


def test_pair_that_confirms_what_others_do_passes(teachable: Teachable, tmp_path: Path) -> None:
    slices = teachable.cases(patients=40)
    honest = replace(slices, readers=np.where(slices.patients >= 32, 3, 1 + slices.patients // 2 % 2))
    prepared = prepare(teachable.model, honest, quick(), 3)
    pairs = prepared.screened.pairs
    assert pairs is not None
    assert pairs.witnesses >= 4
    assert pairs.contradiction.share < 0.1
    assert retrain(prepared, "d" * 64, ORDER, quick(), tmp_path, lambda *_: None).gate.passed


def test_installation_where_only_two_people_read_can_say_so(teachable: Teachable, tmp_path: Path) -> None:
    slices = teachable.cases(patients=40)
    two = replace(slices, readers=1 + slices.patients // 2 % 2)
    shipped = quick()
    alone = shipped.model_copy(
        update={"poisoning": shipped.poisoning.model_copy(update={"pair_witnesses": 0})}
    )
    prepared = prepare(teachable.model, two, alone, 3)
    assert retrain(prepared, "d" * 64, ORDER, alone, tmp_path, lambda *_: None).gate.passed
    assert refused(prepared).keys() == {"pair_witnesses"}


def test_many_readers_make_no_pair(prepared: Prepared) -> None:
    slices = replace(prepared.screened.slices, readers=prepared.screened.slices.patients % 8)
    screened = screen(
        slices,
        prepared.replay,
        load_version(prepared.base).head,
        prepared.base.manifest.calibration,
        quick().poisoning,
        3,
    )
    assert screened.pairs is None


def test_single_reader_is_not_enough(teachable: Teachable) -> None:
    alone = replace(teachable.cases(), readers=np.zeros(96, dtype=np.int64))
    assert {"readers", "reader_share"} <= refused(prepare(teachable.model, alone, quick(), 3)).keys()

"""The 8-bit graph is a real one, says what the single-precision graph says, and is kept back when it does not."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.trainer.conftest import SIZE
from tests.trainer.small_model import manifest, model

from ictus.model.manifest import (
    CARD_FILE,
    GRAPH_FILE,
    INT8_GRAPH_FILE,
    Compared,
    ModelDirectory,
    ModelRefusedError,
    Quantisation,
    load_model_directory,
)
from ictus.model.preprocess import PreprocessParams
from trainer.build import describe
from trainer.data import Dataset
from trainer.features import open_session
from trainer.quantise import (
    QuantisationError,
    Verdict,
    add_int8,
    calibration_pictures,
    compare,
    faults,
    quantise,
    serve_int8,
)

__all__ = ["manifest", "model"]

SAME = Compared(fp32=0.9, int8=0.9)
FIGURES = Quantisation(
    calibration_slices=8,
    dataset="phantoms",
    dataset_sha256="0" * 64,
    slices=48,
    roc_auc=SAME,
    sensitivity=SAME,
    sensitivity_ruling_out=SAME,
    refused=Compared(fp32=0.0, int8=0.0),
    heatmap_similarity=0.99,
)


@pytest.fixture(scope="session")
def quantised(exported: Path, phantoms: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("quantised") / INT8_GRAPH_FILE
    pictures = calibration_pictures(phantoms, 8)
    quantise(PreprocessParams(size=SIZE), exported / GRAPH_FILE, pictures, target)
    return target


@pytest.fixture
def int8(model: ModelDirectory, quantised: Path) -> Path:
    """The 8-bit graph in the model's directory."""
    return Path(shutil.copy(quantised, model.path))


def test_the_resnets_convolutions_are_in_8_bits_and_nothing_else_is(int8: Path) -> None:
    graph = onnx.load(int8).graph
    producers = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    quantised = [node for node in convolutions if node.input[1] in producers]
    kept = [node for node in convolutions if node.input[1] not in producers]
    assert (len(quantised), len(kept)) == (20, 52)  # of a ResNet-18 and of a small MobileNetV3
    assert all("network.mobilenet." in node.input[1] for node in kept)
    for node in quantised:
        assert {producers[name].op_type for name in node.input[:2]} == {"DequantizeLinear"}
    types = {t.name: t.data_type for t in graph.initializer}
    sources = {types[producers[node.input[1]].input[0]] for node in quantised}
    assert sources == {onnx.TensorProto.INT8}
    products = [node for node in graph.node if node.op_type in {"Gemm", "MatMul"}]
    assert products
    assert not any(
        producers[name].op_type == "DequantizeLinear"
        for node in products
        for name in node.input
        if name in producers
    )


def test_8_bit_graph_stands_alone_and_takes_any_number_of_slices(
    int8: Path, model: ModelDirectory, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(int8.read_bytes())
    pixels = np.random.default_rng(0).normal(size=(3, 3, SIZE, SIZE)).astype(np.float32)
    before = open_session(model.path / GRAPH_FILE, 1)
    after = open_session(alone, 1)
    assert [o.name for o in after.get_outputs()] == [o.name for o in before.get_outputs()]
    for one, other in zip(
        before.run(None, {"pixels": pixels}), after.run(None, {"pixels": pixels}), strict=True
    ):
        assert one.shape == other.shape


def test_comparison_runs_both_graphs(int8: Path, model: ModelDirectory, phantoms: Dataset) -> None:
    verdict = compare(model, model.path / GRAPH_FILE, int8, phantoms, calibrated_on=8)
    figures = verdict.figures
    assert (figures.slices, figures.dataset_sha256) == (len(phantoms.slices), phantoms.sha256)
    assert 0.8 < figures.heatmap_similarity < 0.99999  # the graphs differ, but not by much
    assert abs(figures.roc_auc.int8 - figures.roc_auc.fp32) < 0.1
    same = compare(model, model.path / GRAPH_FILE, model.path / GRAPH_FILE, phantoms, calibrated_on=8)
    assert same.faults == ()
    assert same.figures.heatmap_similarity == pytest.approx(1)


@pytest.mark.parametrize("name", ["roc_auc", "sensitivity", "sensitivity_ruling_out", "refused"])
@pytest.mark.parametrize(("change", "allowed"), [(-0.0049, True), (-0.0051, False), (0.0051, False)])
def test_figure_may_move_by_half_a_percent_point(name: str, change: float, allowed: bool) -> None:
    moved = FIGURES.model_copy(update={name: Compared(fp32=0.5, int8=0.5 + change)})
    assert (faults(moved) == ()) is allowed
    if not allowed:
        assert name in faults(moved)[0]


def test_figure_that_is_no_number_is_a_fault() -> None:
    nowhere = FIGURES.model_copy(update={"roc_auc": Compared(fp32=0.9, int8=float("nan"))})
    assert faults(nowhere)


def test_other_heatmaps_are_a_fault() -> None:
    assert faults(FIGURES.model_copy(update={"heatmap_similarity": 0.89}))


def test_8_bit_graph_that_lost_too_much_is_not_served(
    int8: Path, model: ModelDirectory, phantoms: Dataset
) -> None:
    """A graph of other weights than the model's."""
    damaged = onnx.load(int8)
    for tensor in damaged.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8 and not tensor.name.endswith("zero_point"):
            content = np.frombuffer(tensor.raw_data, dtype=np.int8)
            tensor.raw_data = np.roll(content, 1).tobytes()
    onnx.save(damaged, int8)
    verdict = compare(model, model.path / GRAPH_FILE, int8, phantoms, calibrated_on=8)
    assert verdict.faults
    with pytest.raises(QuantisationError, match="not served"):
        serve_int8(model.manifest, verdict)


def test_manifest_says_which_graph_is_served(int8: Path, model: ModelDirectory) -> None:
    assert model.graph.name == GRAPH_FILE
    describe(model.path, serve_int8(model.manifest, Verdict(FIGURES, faults(FIGURES))))
    served = load_model_directory(model.path)
    assert served.graph == int8
    assert GRAPH_FILE in served.manifest.files
    card = (model.path / CARD_FILE).read_text()
    assert "| ROC-AUC | 0.9000 | 0.9000 |" in card
    assert f"`{INT8_GRAPH_FILE}` answers" in card
    int8.write_bytes(int8.read_bytes() + b" ")
    with pytest.raises(ModelRefusedError, match="was changed"):
        load_model_directory(model.path)


def test_directory_gets_the_8_bit_graph_only_when_it_says_the_same(
    model: ModelDirectory, phantoms: Dataset
) -> None:
    """Random weights decide which; either way the directory is whole and says what happened."""
    now, found = add_int8(model, phantoms, phantoms)
    assert now == load_model_directory(model.path)
    assert (model.path / INT8_GRAPH_FILE).exists() is (not found)
    assert now.graph.name == (GRAPH_FILE if found else INT8_GRAPH_FILE)
    assert not list(model.path.glob(".*"))


def test_8_bit_graph_without_its_figures_is_refused(int8: Path, model: ModelDirectory) -> None:
    alone = model.manifest.model_copy(update={"served_graph": INT8_GRAPH_FILE})
    describe(model.path, alone)
    with pytest.raises(ModelRefusedError):
        load_model_directory(model.path)


def test_nothing_to_calibrate_on_is_said(model: ModelDirectory, tmp_path: Path) -> None:
    with pytest.raises(QuantisationError, match="no picture"):
        quantise(model.manifest.preprocess, model.path / GRAPH_FILE, [], tmp_path / "int8.onnx")

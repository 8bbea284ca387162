import numpy as np
import pytest
import torch
from torch import nn

from ictus.model.manifest import Architecture
from trainer.network import ExplainedNetwork, FusionHead, HybridNetwork, PretrainedWeightsError, SamePadConv2d

GOLDEN_LOGITS = [[-0.36439, 0.13798, 0.30275], [-0.40958, 0.18083, 0.29002]]
GOLDEN_NORMS = [17.592, 22.3014]


def settle_batch_norms(network: HybridNetwork, size: int) -> None:
    """Give random weights batch norms that fit them, so that features neither vanish nor explode."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(8, 3, size, size))
    network.eval()


def reference_maps(
    network: HybridNetwork, pixels: torch.Tensor, target: nn.Module, class_index: int
) -> np.ndarray:
    """The grad-cam package's maps of a class's logit: scaled to 0..1, at the input's size."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model=network, target_layers=[target]) as cam:
        return np.asarray(
            cam(input_tensor=pixels, targets=[ClassifierOutputTarget(class_index)] * len(pixels))
        )


def scaled_like_reference(heatmaps: torch.Tensor, size: int) -> np.ndarray:
    """What the package does to a map before it gives it away, the second rescaling included."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    once = scale_cam_image(heatmaps.numpy(), (size, size))
    return np.asarray(scale_cam_image(np.maximum(once, 0)))


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"activation": "gelu"},
        {"activation": "silu", "fusion": "average", "fusion_width": 24},
        {"mobilenet": "mobilenet_v2", "fusion": "average"},
        {"mobilenet": "mobilenet_v3_large", "mobilenet_same_padding": False},
        {"resnet": "resnet50", "resnet_stride_in_1x1": True},
        {"pooling": "mean_max"},
        {"pooling": "mean_max", "pooled_stages": 2},
        {"pooled_stages": 3, "fusion": "average", "fusion_width": 24},
    ],
    ids=str,
)
def test_heatmaps_are_those_of_the_grad_cam_package(
    architecture: Architecture, variant: dict[str, object]
) -> None:
    torch.manual_seed(1)
    network = HybridNetwork(architecture.model_copy(update=variant), 2)
    pixels = torch.randn(3, 3, 96, 96)
    settle_batch_norms(network, 96)
    peaks = []
    for class_index in (0, 1):
        with torch.no_grad():
            explained = ExplainedNetwork(network, class_index)(pixels)
        for heatmap, target in (
            (explained.heatmap_resnet, network.resnet.layer4[-1]),
            (explained.heatmap_mobilenet, network.mobilenet[-1]),
        ):
            peaks.append(float(heatmap.max()))
            reference = reference_maps(network, pixels, target, class_index)
            np.testing.assert_allclose(scaled_like_reference(heatmap, 96), reference, atol=1e-3)
    assert max(peaks[::2]) > 0  # of the ResNet
    assert max(peaks[1::2]) > 0  # of the MobileNet


def test_fused_heatmap_is_what_both_backbones_add_at_each_place(network: HybridNetwork) -> None:
    pixels = torch.randn(2, 3, 64, 64)
    maps = [m.detach().requires_grad_() for m in network.maps(pixels)[0]]
    embedding = torch.cat([m.mean(dim=(2, 3)) for m in maps], dim=1)
    network.head(embedding)[:, 1].sum().backward()
    parts = [(m * m.grad.mean(dim=(2, 3), keepdim=True)).sum(dim=1) for m in maps if m.grad is not None]
    with torch.no_grad():
        fused = ExplainedNetwork(network, 1)(pixels).heatmap
    torch.testing.assert_close(fused, torch.relu(parts[0] + parts[1]).detach(), rtol=1e-3, atol=1e-7)


def test_golden_outputs(architecture: Architecture) -> None:
    torch.manual_seed(2)
    network = HybridNetwork(architecture, 3).eval()
    pixels = torch.linspace(-2, 2, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    with torch.no_grad():
        logits, embedding = network(pixels), network.embed(pixels)
    np.testing.assert_allclose(logits.numpy(), GOLDEN_LOGITS, rtol=1e-3, atol=1e-4)
    assert embedding.shape == (2, 512 + 576)
    np.testing.assert_allclose(embedding.norm(dim=1).numpy(), GOLDEN_NORMS, rtol=1e-3)


def test_pooled_are_mean_and_highest_value_of_each_stage_the_last_first(architecture: Architecture) -> None:
    variant = {"pooling": "mean_max", "pooled_stages": 2}
    network = HybridNetwork(architecture.model_copy(update=variant), 2).eval()
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        embedding, (last, before) = network.embed(pixels), network.maps(pixels)
        of_resnet = embedding[:, : network.widths[0]]
    assert last.resnet.shape[2:] == (2, 2)
    assert before.resnet.shape[2:] == (4, 4)
    expected = [part for m in (last.resnet, before.resnet) for part in (m.mean((2, 3)), m.amax((2, 3)))]
    torch.testing.assert_close(of_resnet, torch.cat(expected, dim=1))
    assert network.widths == (2 * (512 + 256), 2 * (576 + before.mobilenet.shape[1]))


@pytest.mark.parametrize(
    ("resnet", "mobilenet", "widths"),
    [
        ("resnet34", "mobilenet_v2", (512, 1280)),
        ("resnet101", "mobilenet_v3_large", (2048, 960)),
    ],
)
def test_backbones_are_chosen_by_configuration(resnet: str, mobilenet: str, widths: tuple[int, int]) -> None:
    network = HybridNetwork(Architecture.model_validate({"resnet": resnet, "mobilenet": mobilenet}), 2)
    assert network.widths == widths


def test_same_padding_puts_the_odd_pixel_at_the_end() -> None:
    convolution = SamePadConv2d(1, 1, (3, 3), stride=(2, 2), bias=False)
    nn.init.ones_(convolution.weight)
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    # TensorFlow: output (1, 1) sees rows and columns 2, 3 and one of padding after them.
    assert convolution(picture)[0, 0].tolist() == [[45, 39], [66, 50]]


def test_head_trains_with_dropout_and_batch_norm(architecture: Architecture) -> None:
    torch.manual_seed(0)
    head = FusionHead(architecture, (4, 4), 2)
    embedding = torch.randn(16, 8)
    assert not torch.equal(head(embedding), head(embedding))
    head.eval()
    assert torch.equal(head(embedding), head(embedding))


def test_weights_that_do_not_fit_are_refused(architecture: Architecture, tmp_path) -> None:
    network = HybridNetwork(architecture, 2)
    with pytest.raises(PretrainedWeightsError, match="found 0"):
        network.load_pretrained(tmp_path)
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "resnet18.pth")
    torch.save({}, tmp_path / "mobilenet_v3_small.pth")
    with pytest.raises(PretrainedWeightsError, match="does not fit resnet18"):
        network.load_pretrained(tmp_path)


def test_pretrained_weights_are_loaded_without_their_classifier(architecture: Architecture, tmp_path) -> None:
    from trainer.torchvision_import import torchvision

    for name in (architecture.resnet, architecture.mobilenet):
        state = torchvision.models.get_model(name, weights=None).state_dict()
        torch.save(
            {k: v.half() if v.is_floating_point() else v for k, v in state.items()},
            tmp_path / f"{name}.fp16.pth",
        )
    network = HybridNetwork(architecture, 2)
    assert network.load_pretrained(tmp_path) == "resnet18.fp16.pth, mobilenet_v3_small.fp16.pth"
    torch.testing.assert_close(
        network.resnet.conv1.weight.half(), torch.load(tmp_path / "resnet18.fp16.pth")["conv1.weight"]
    )
    assert not any("fc." in key or "classifier" in key for key in network.state_dict())

"""The frozen part as a graph of ONNX Runtime: on a CPU it takes about half of torch's time."""

import tempfile
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from trainer.features import open_session
from trainer.training.stages import FrozenPrefix

_PIXELS: Final = "pixels"


class FrozenGraph:
    """What a prefix gives, computed by ONNX Runtime on the CPU.

    Args:
        prefix: the frozen part, on the CPU; it has at least one stage.
        size: side of the input in pixels.
    """

    def __init__(self, prefix: FrozenPrefix, size: int) -> None:
        sample = torch.zeros(2, 3, size, size)
        with torch.inference_mode():
            self._names = list(prefix(sample))
        with tempfile.TemporaryDirectory() as folder:
            graph = Path(folder) / "frozen.onnx"
            torch.onnx.export(
                prefix,
                (sample,),
                graph,
                input_names=[_PIXELS],
                output_names=self._names,
                dynamic_shapes={"pixels": {0: torch.export.Dim("slices")}},
                external_data=False,
                dynamo=True,
                verbose=False,
            )
            self._session = open_session(graph, torch.get_num_threads())

    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        """See ``FrozenPrefix.forward``."""
        given = self._session.run(self._names, {_PIXELS: pixels.numpy()})
        return {name: torch.from_numpy(values) for name, values in zip(self._names, given, strict=True)}

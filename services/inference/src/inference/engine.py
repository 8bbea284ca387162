"""The exported network in ONNX Runtime: one pass gives logits, embedding and Grad-CAM maps."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ictus.model.manifest import (
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP,
    OUTPUT_HEATMAP_MOBILENET,
    OUTPUT_HEATMAP_RESNET,
    OUTPUT_LOGITS,
    ModelRefusedError,
)

Float32 = NDArray[np.float32]

OUTPUTS: Final = (
    OUTPUT_LOGITS,
    OUTPUT_EMBEDDING,
    OUTPUT_HEATMAP_RESNET,
    OUTPUT_HEATMAP_MOBILENET,
    OUTPUT_HEATMAP,
)
"""Names of the graph's outputs, in the order of ``EngineOutput``."""

_CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


class Provider(StrEnum):
    """Where the network runs."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the network runs on this machine.

    Attributes:
        provider: ``cuda`` needs the GPU build of ONNX Runtime; there is no silent fall-back to the CPU.
        threads: cores of one pass; 0 takes all that this process may use.
        batch: slices of one pass. On a CPU large batches gain nothing and only cost memory.
    """

    provider: Provider = Provider.CPU
    threads: int = 0
    batch: int = 4


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """One pass over n slices.

    Attributes:
        logits: (n, classes) float32, not calibrated.
        embedding: (n, features) float32, the fused feature vector.
        heatmap_resnet: (n, h, w) float32 >= 0, exact Grad-CAM of the explained class, not normalised.
        heatmap_mobilenet: (n, h, w) float32 >= 0, likewise.
        heatmap: (n, h, w) float32 >= 0, both fused.
    """

    logits: Float32
    embedding: Float32
    heatmap_resnet: Float32
    heatmap_mobilenet: Float32
    heatmap: Float32


class Engine:
    """A loaded network. ``run`` may be called from several threads.

    Raises:
        ModelRefusedError: the graph cannot be loaded, lacks an output, or the provider is not there.
    """

    def __init__(self, graph: Path, options: EngineOptions) -> None:
        self.batch = options.batch
        wanted = "CUDAExecutionProvider" if options.provider is Provider.CUDA else "CPUExecutionProvider"
        if wanted not in onnxruntime.get_available_providers():
            raise ModelRefusedError(f"This installation cannot run models on {options.provider}.")
        if options.provider is Provider.CUDA:
            onnxruntime.preload_dlls()  # CUDA and cuDNN as their wheels bring them
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), sess_options=_session_options(options), providers=[wanted]
            )
        except Exception as error:  # the runtime's error classes share no public base
            raise ModelRefusedError("The model's graph cannot be loaded.") from error
        missing = set(OUTPUTS) - {output.name for output in self._session.get_outputs()}
        if missing:
            raise ModelRefusedError(f"The model's graph does not give {', '.join(sorted(missing))}.")

    def run(self, pixels: Float32) -> EngineOutput:
        """One pass over (n, 3, size, size) float32 network input."""
        return EngineOutput(*self._session.run(OUTPUTS, {INPUT_PIXELS: pixels}))


def usable_cores() -> int:
    """Cores that this process may use: its affinity, bounded by the container's CPU quota (cgroup v2)."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = _CPU_QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))


def _session_options(options: EngineOptions) -> onnxruntime.SessionOptions:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads or usable_cores()
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    # Spinning threads take the cores from preprocessing and picture encoding, which run beside a pass.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return settings

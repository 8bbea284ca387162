"""The network's way through a series: a few slices at a time, the next ones prepared meanwhile."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np

from ictus.imaging.volume import Volume
from ictus.model.preprocess import PreparedSlices, PreprocessParams, prepare
from inference.engine import Engine, EngineOutput


@dataclass(frozen=True, slots=True)
class Step:
    """Some slices of a series: what went into the network and what came out."""

    prepared: PreparedSlices
    output: EngineOutput

    def without_pixels(self) -> "Step":
        """The same without the network input, which nobody needs any more and which is large."""
        return replace(self, prepared=replace(self.prepared, pixels=self.prepared.pixels[:0].copy()))


def read(volume: Volume, params: PreprocessParams, engine: Engine) -> Iterator[Step]:
    """Run the network over every slice, in slice order, ``engine.batch`` slices at a time."""
    slices = len(volume.voxels)
    chunks = [range(start, min(start + engine.batch, slices)) for start in range(0, slices, engine.batch)]
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
        coming = ahead.submit(prepare, volume, params, chunks[0])
        for following in [*chunks[1:], None]:
            prepared = coming.result()
            if following is not None:
                coming = ahead.submit(prepare, volume, params, following)
            yield Step(prepared, engine.run(prepared.pixels))


def joined(steps: Sequence[Step]) -> tuple[PreparedSlices, EngineOutput]:
    """Consecutive steps as one."""
    prepared, output = [step.prepared for step in steps], [step.output for step in steps]
    return (
        PreparedSlices(
            **{f.name: np.concatenate([getattr(p, f.name) for p in prepared]) for f in fields(PreparedSlices)}
        ),
        EngineOutput(
            **{f.name: np.concatenate([getattr(o, f.name) for o in output]) for f in fields(EngineOutput)}
        ),
    )

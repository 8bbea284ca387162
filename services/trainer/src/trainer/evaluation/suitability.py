"""What a finished model makes of pictures it must not answer, and of head CT that it must.

Every picture goes the whole way of an upload: written as a file, read by the intake, recognised, prepared, run and
decided. A picture that the intake refuses counts as unsuitable.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ictus.domain.enums import Disposition, Modality
from ictus.domain.errors import IntakeError
from ictus.imaging.analysis import analyse
from ictus.imaging.intake import IntakeRequest
from ictus.imaging.volume import Volume
from ictus.model.base import Params
from ictus.model.disposition import decide_series
from ictus.model.manifest import INPUT_PIXELS, OUTPUT_EMBEDDING, OUTPUT_LOGITS, ModelDirectory
from ictus.model.preprocess import BRAIN_WINDOW, prepare, to_display
from ictus.model.suitability import EmbeddingStatistics, load_statistics
from trainer.data import Dataset, read_picture
from trainer.evaluation.unsuitable import TURNED_KINDS, Picture, turned
from trainer.features import open_session
from trainer.training.augment import Augmentation, draw_change, generator, show_otherwise

UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]

_SUFFIXES: Final = {".png", ".jpg", ".jpeg"}
_AIR: Final = 3
_HEAD_LEVEL: Final = 24
_SMALL_SIDE: Final = 256
_FRAME: Final = 18


class KindRow(Params):
    """What became of one kind of pictures."""

    kind: str
    pictures: int
    unsuitable: int
    not_validated: int
    uncertain: int
    confident: int
    examples: tuple[str, ...] = ()
    """Names of the first pictures that were not disposed of as they should be."""


class SuitabilityReport(Params):
    """Both sides of the check."""

    to_refuse: tuple[KindRow, ...]
    turned: tuple[KindRow, ...]
    mr: tuple[KindRow, ...]
    head_ct: tuple[KindRow, ...]

    @property
    def refused_share(self) -> float:
        """Share of the pictures to refuse that were unsuitable."""
        return sum(row.unsuitable for row in self.to_refuse) / max(
            1, sum(row.pictures for row in self.to_refuse)
        )

    @property
    def answered(self) -> int:
        """Pictures that are no head CT and got a finding, confident or not."""
        return sum(row.confident + row.uncertain for row in (*self.to_refuse, *self.mr))

    @property
    def heads_refused_share(self) -> float:
        """Share of the head CT slices, as they are and as others export them, that were unsuitable."""
        return sum(row.unsuitable for row in self.head_ct) / max(1, sum(row.pictures for row in self.head_ct))


@dataclass(frozen=True)
class _Asked:
    """A model that is asked about one picture after another."""

    model: ModelDirectory
    session: onnxruntime.InferenceSession
    statistics: EmbeddingStatistics | None

    def disposition(self, pixels: UInt8) -> Disposition:
        """What the platform would do with a picture without a header."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / "picture.png"
            Image.fromarray(pixels).save(path, "PNG", compress_level=1)
            try:
                outcome = analyse(IntakeRequest((path,), b"suitability", folder))
            except IntakeError:
                return Disposition.UNSUITABLE
            volume = Volume.from_bytes(outcome.series[0].volume_path.read_bytes())
        if volume.modality is Modality.OTHER:
            return Disposition.UNSUITABLE  # as ``decide_series`` says, whatever the network would
        prepared = prepare(volume, self.model.manifest.preprocess)
        logits, embedding = self.session.run(
            [OUTPUT_LOGITS, OUTPUT_EMBEDDING], {INPUT_PIXELS: prepared.pixels}
        )
        return decide_series(
            self.model.manifest,
            statistics=self.statistics,
            volume=volume,
            prepared=prepared,
            logits=logits,
            embedding=embedding,
        ).disposition


def measure_suitability(
    model: ModelDirectory,
    dataset: Dataset | None,
    rows: Int64,
    strangers: Iterable[Picture],
    seed: int,
) -> SuitabilityReport:
    """Ask a model about everything.

    Args:
        model: a verified model directory.
        dataset: head CT slices as pictures.
        rows: which of them; best of patients that the model has not learned from.
        strangers: pictures that are no head CT; brain MR has "mr" in its kind. Those for development are left out.
            The slices of the data set join them upside down and in colours.
        seed: of how slices are shown otherwise.
    """
    limits = model.manifest.suitability.embedding
    statistics = load_statistics(model.path, limits) if limits is not None else None
    asked = _Asked(model, open_session(model.graph, threads=0), statistics)
    strangers = [one for one in strangers if not one.is_for_development]
    heads: list[Picture] = []
    if dataset is not None:
        for row in rows:
            example = dataset.slices[row]
            volume = read_picture(example.path)
            window = model.manifest.preprocess.picture_window
            upright = to_display(volume.voxels[0], volume.units, window, window)
            heads += _heads(upright, example.path.stem, example.sha256, seed)
            strangers += turned(upright, example.path.stem)
    mr = [picture for picture in strangers if _is_mr(picture.kind)]
    upside_down = [picture for picture in strangers if picture.kind in TURNED_KINDS]
    refuse = [
        picture for picture in strangers if not _is_mr(picture.kind) and picture.kind not in TURNED_KINDS
    ]
    return SuitabilityReport(
        to_refuse=_rows(asked, refuse, "to refuse", _is_unsuitable),
        turned=_rows(asked, upside_down, "upside down", _is_unsuitable),
        mr=_rows(asked, mr, "brain MR", lambda found: found is Disposition.NOT_VALIDATED),
        head_ct=_rows(
            asked, heads, "head CT", lambda found: found in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
        ),
    )


def _rows(
    asked: _Asked, pictures: list[Picture], what: str, is_right: Callable[[Disposition], bool]
) -> tuple[KindRow, ...]:
    counts: dict[str, Counter[Disposition]] = {}
    wrong: dict[str, list[str]] = {}
    for picture in tqdm(pictures, desc=what, unit="picture"):
        found = asked.disposition(picture.pixels)
        counts.setdefault(picture.kind, Counter())[found] += 1
        if not is_right(found):
            wrong.setdefault(picture.kind, []).append(f"{picture.name}: {found.value}")
    return tuple(
        KindRow(
            kind=kind,
            pictures=count.total(),
            unsuitable=count[Disposition.UNSUITABLE],
            not_validated=count[Disposition.NOT_VALIDATED],
            uncertain=count[Disposition.UNCERTAIN],
            confident=count[Disposition.CONFIDENT],
            examples=tuple(wrong.get(kind, ())[:8]),
        )
        for kind, count in counts.items()
    )


def pictures_of_scans(folder: Path, most: int = 20) -> Iterator[Picture]:
    """Slices of the scans in a folder (DICOM, NIfTI, pictures) as pictures, at most so many of each, evenly spread.

    What the intake refuses is left out. The kind is the folder's name.
    """
    with tempfile.TemporaryDirectory() as name:
        files = tuple(path for path in sorted(folder.rglob("*")) if path.is_file())
        for number, series in enumerate(_series_of(files, Path(name))):
            volume = Volume.from_bytes(series.read_bytes())
            for index in np.linspace(0, len(volume.voxels) - 1, min(len(volume.voxels), most)).astype(int):
                shown = to_display(volume.voxels[index], volume.units, BRAIN_WINDOW, BRAIN_WINDOW)
                yield Picture(folder.name, f"{folder.name} {number} {index}", shown)


def _series_of(files: tuple[Path, ...], folder: Path) -> Iterator[Path]:
    try:
        outcome = analyse(IntakeRequest(files, b"suitability", folder))
    except IntakeError:
        return
    yield from (series.volume_path for series in outcome.series)


def _is_unsuitable(found: Disposition) -> bool:
    return found is Disposition.UNSUITABLE


def _is_mr(kind: str) -> bool:
    return "mr" in kind.lower().replace("-", "_").split("_")


def pictures_in(folder: Path) -> Iterator[Picture]:
    """The PNG and JPEG pictures of a folder, named ``<kind>_<number>``."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _SUFFIXES:
            continue
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if image.mode == "L" else "RGB"), dtype=np.uint8)
        yield Picture(path.stem.rsplit("_", 1)[0], path.name, pixels)


def _heads(upright: UInt8, name: str, digest: str, seed: int) -> Iterable[Picture]:
    """A slice as it is, and as other sites may export it."""
    change = draw_change(Augmentation(), generator(seed, digest, "measured"))
    yield Picture("as it is", name, upright)
    yield Picture("window, blur, noise, resolution, JPEG", name, show_otherwise(upright, change))
    yield Picture("window 80 wide", name, _windowed(upright, 1.5))
    yield Picture("window 160 wide", name, _windowed(upright, 0.75))
    yield Picture("framed in dark grey", name, _framed(upright))
    small = cv2.resize(upright, (_SMALL_SIDE, _SMALL_SIDE), interpolation=cv2.INTER_AREA)
    yield Picture(f"{_SMALL_SIDE} pixels wide", name, np.asarray(small, dtype=np.uint8))
    yield Picture("cropped to the head", name, _cropped(upright))


def _windowed(picture: UInt8, contrast: float) -> UInt8:
    """At the same level, another width; bone and air stay cut off."""
    shown = np.clip((np.arange(256) - 127.5) * contrast + 127.5, 0, 255).astype(np.uint8)
    shown[:_AIR] = 0
    shown[250:] = 255
    return np.asarray(shown[picture], dtype=np.uint8)


def _framed(picture: UInt8) -> UInt8:
    """In a frame such as a viewer has around the picture."""
    margin = max(1, min(picture.shape) // 12)
    edges = (margin,) * 4
    return np.asarray(cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT, value=_FRAME), dtype=np.uint8)


def _cropped(picture: UInt8) -> UInt8:
    bright = cv2.morphologyEx(
        (picture > _HEAD_LEVEL).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
    )
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if not len(rows) or not len(columns):
        return picture
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()

"""Pictures that no model of head CT may answer: drawn ones, those that installed packages carry, and turned heads.

They measure the suitability check (``ictus-train suitability``). Half of what packages carry, by the file it is made
from, is for development: the check is fitted on it, and the kind says so. The same seed draws the same pictures.
Pictures are uint8, (rows, columns) or (rows, columns, 3) RGB.
"""

import hashlib
import importlib.util
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.imaging.phantom import Bleed, brain_window, head_ct

UInt8 = NDArray[np.uint8]

_CARRIERS: Final = {
    "skimage": ("data",),
    "sklearn": ("datasets", "images"),
    "matplotlib": ("mpl-data", "sample_data"),
    "scipy": ("ndimage", "tests", "data"),
    "networkx": ("drawing", "tests", "baseline"),
    "sympy": ("plotting", "tests"),
    "mlflow": ("server", "js"),
}
"""Packages of this environment whose folders hold pictures; one that is not installed adds none."""

_CARRIED_SUFFIXES: Final = {".png", ".jpg", ".jpeg"}
_SMALLEST_SIDE: Final = 64
TURNED_KINDS: Final = ("turned phantom", "turned head")
_DEVELOPMENT: Final = "carried, for development"
"""Kind of the carried pictures that the check may be fitted on."""
_OTHER_BODY_PARTS: Final = ("CT_small.dcm", "bad_sequence.dcm", "explicit_VR-UN.dcm", "eCT_Supplemental.dcm")
"""CT of pydicom's test files that shows no head in its brain window: spine, neck, abdomen, a colour map."""
_BRAIN_HU: Final = (-20.0, 100.0)
_DICOM_CARRIERS: Final = {"pydicom": ("data", "test_files"), "data_store": ("data",)}
_GREYEST: Final = 10.0
"""Mean spread of the colour channels in grey levels up to which a picture is grey anyway."""


@dataclass(frozen=True)
class Picture:
    """One picture, where it comes from and what it is."""

    kind: str
    name: str
    pixels: UInt8

    @property
    def is_for_development(self) -> bool:
        """Whether the check may be fitted on it."""
        return self.kind == _DEVELOPMENT


def drawn_pictures(seed: int, copies: int = 9) -> Iterator[Picture]:
    """Noise, gradients, shapes, text, charts and blank pages, so many of each; and drawn heads the wrong way up."""
    random = np.random.default_rng(seed)
    for name, draw in _DRAWINGS.items():
        for copy in range(copies):
            size = (int(random.integers(160, 640)), int(random.integers(160, 640)))
            yield Picture(name.split(" ")[-1], f"{name} {copy}", draw(random, size))
    heads = head_ct(24, 256, None)
    bleeding = head_ct(24, 256, Bleed(), seed=1)
    for index in range(6, 20, 2):
        for head in (heads, bleeding):
            upright = brain_window(head, index, width=(80.0, 100.0, 120.0)[index % 3])
            yield Picture("turned phantom", f"phantom {index} upside down", upright[::-1].copy())
            yield Picture("turned phantom", f"phantom {index} turned by 180", upright[::-1, ::-1].copy())
            for palette in (cv2.COLORMAP_JET, cv2.COLORMAP_HOT):
                yield Picture("coloured head", f"phantom {index} {palette}", _rgb(upright, palette))


def carried_pictures() -> Iterator[Picture]:
    """Pictures that the packages of this environment carry: as they are, without their colours, and as negatives."""
    for path in _carried_files(_CARRIERS, _CARRIED_SUFFIXES):
        read = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if read is not None and min(read.shape[:2]) >= _SMALLEST_SIDE:
            yield from _as_seen(path.name, np.asarray(read, dtype=np.uint8))
    yield from _dicom_pictures()


def turned(upright: UInt8, name: str) -> Iterator[Picture]:
    """One head CT slice upside down, turned by 180 degrees, and in false colours."""
    yield Picture("turned head", f"{name} upside down", upright[::-1].copy())
    yield Picture("turned head", f"{name} turned by 180", upright[::-1, ::-1].copy())
    yield Picture("coloured head", f"{name} in colours", _rgb(upright, cv2.COLORMAP_JET))


def _as_seen(name: str, rgb: UInt8) -> Iterator[Picture]:
    in_grey, in_colour = ("carried, grey", "carried, colour") if _is_kept_aside(name) else (_DEVELOPMENT,) * 2
    longest = max(rgb.shape[:2])
    if longest > 1024:  # a chart or photograph of many megapixels only takes longer
        rgb = np.asarray(
            cv2.resize(rgb, None, fx=1024 / longest, fy=1024 / longest, interpolation=cv2.INTER_AREA)
        )
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if float(np.ptp(rgb, axis=2).mean()) > _GREYEST:
        yield Picture(in_colour, name, rgb)
    yield Picture(in_grey, f"{name} grey", grey)
    yield Picture(in_grey, f"{name} negative", 255 - grey)
    rows, columns = grey.shape
    middle = grey[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    if min(middle.shape) >= _SMALLEST_SIDE:
        yield Picture(in_grey, f"{name} middle", middle.copy())
    # As a scan stands: on black.
    yield Picture(in_grey, f"{name} vignette", _on_black(grey))


def _on_black(grey: UInt8) -> UInt8:
    rows, columns = grey.shape
    mask = np.zeros_like(grey)
    cv2.ellipse(mask, (columns // 2, rows // 2), (int(columns * 0.4), int(rows * 0.45)), 0, 0, 360, 255, -1)
    return np.asarray(cv2.bitwise_and(grey, mask), dtype=np.uint8)


def _is_kept_aside(source: str) -> bool:
    """By lot, that of the name: all pictures that are made from one file lie on the same side."""
    return hashlib.sha256(_first_word(source).encode()).digest()[0] % 2 == 0


def _first_word(source: str) -> str:
    return re.split(r"[ ._-]", source)[0]


def _dicom_pictures() -> Iterator[Picture]:
    """Pydicom's test files that show something, as pictures without a header; no CT but that of other body parts."""
    import pydicom  # noqa: PLC0415 (a third of a second)
    from pydicom.pixels.processing import apply_modality_lut  # noqa: PLC0415

    seen: set[str] = set()
    # The package's own look-up would fetch what is not there from the internet.
    for path in _carried_files(_DICOM_CARRIERS, {".dcm"}):
        if _first_word(path.name) in seen:
            continue  # the same picture in another encoding
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(path)
                is_ct = dataset.get("Modality") == "CT"
                if is_ct != (path.name in _OTHER_BODY_PARTS):
                    continue
                if min(dataset.Rows, dataset.Columns) < _SMALLEST_SIDE:
                    continue
                plane = apply_modality_lut(dataset.pixel_array, dataset)
        except Exception:  # noqa: S112  the files are made to be broken in many ways
            continue
        plane = plane[0] if plane.ndim == 3 and plane.shape[-1] != 3 else plane
        if plane.ndim != 2 or plane.min() == plane.max():
            continue
        low, high = _BRAIN_HU if is_ct else np.percentile(plane, (0.5, 99.5))
        scaled = np.clip((plane.astype(np.float32) - low) * (255 / max(high - low, 1)), 0, 255)
        seen.add(_first_word(path.name))
        kind = "carried, DICOM" if _is_kept_aside(path.name) else _DEVELOPMENT
        yield Picture(kind, path.name, scaled.astype(np.uint8))


def _carried_files(carriers: Mapping[str, tuple[str, ...]], suffixes: set[str]) -> Iterator[Path]:
    """The files of installed packages, a package's in the order of their names."""
    for package, within in carriers.items():
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec is not None else ():
            files = sorted(Path(root).joinpath(*within).rglob("*"))
            yield from (path for path in files if path.suffix.lower() in suffixes)


def _rgb(grey: UInt8, palette: int) -> UInt8:
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(grey, palette), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _byte(values: NDArray[np.floating]) -> UInt8:
    spread = float(np.ptp(values)) or 1.0
    scaled: UInt8 = ((values - values.min()) * (255 / spread)).astype(np.uint8)
    return scaled


def _white_noise(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    return random.integers(0, 256, size, dtype=np.uint8)


def _normal_noise(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    values = random.normal(random.uniform(20, 200), random.uniform(5, 80), size)
    return np.clip(values, 0, 255).astype(np.uint8)


def _specks(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    shown = np.full(size, random.integers(0, 256), dtype=np.uint8)
    at = random.random(size)
    shown[at < 0.05] = 0
    shown[at > 0.95] = 255
    return shown


def _soft_noise(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    grain = random.standard_normal(size).astype(np.float32)
    return _byte(np.asarray(cv2.GaussianBlur(grain, (0, 0), random.uniform(1.5, 30))))


def _cloudy_noise(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    rows, columns = np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None]
    radius = np.hypot(rows, columns)
    radius[0, 0] = 1
    spectrum = np.fft.fft2(random.standard_normal(size)) / radius ** random.uniform(0.8, 2)
    return _byte(np.fft.ifft2(spectrum).real)


def _noise_on_black(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    return _on_black(_soft_noise(random, size) if random.random() < 0.5 else _white_noise(random, size))


def _gradient(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    angle = random.uniform(0, 2 * np.pi)
    if random.random() < 0.5:
        return _byte(rows * np.sin(angle) + columns * np.cos(angle))
    return _byte(-np.hypot(rows - random.uniform(0, size[0]), columns - random.uniform(0, size[1])))


def _stripes(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    period, angle = random.uniform(6, 80), random.uniform(0, np.pi)
    wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / period)
    other = np.sin((rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period)
    return _byte(np.sign(wave * other) if random.random() < 0.5 else wave)


def _shapes(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    shown = np.full(size, 0 if random.random() < 0.7 else int(random.integers(256)), dtype=np.uint8)
    for _ in range(int(random.integers(1, 9))):
        centre = (int(random.integers(size[1])), int(random.integers(size[0])))
        level, reach = int(random.integers(256)), int(random.integers(8, min(size) // 3))
        if random.random() < 0.5:
            cv2.circle(shown, centre, reach, level, int(random.choice([-1, 3, 9])))
        else:
            far = (centre[0] + reach, centre[1] + int(random.integers(5, 120)))
            cv2.rectangle(shown, centre, far, level, int(random.choice([-1, 2])))
    return shown


def _text(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    dark = bool(random.random() < 0.5)
    shown = np.full(size, 0 if dark else 255, dtype=np.uint8)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz     0123456789"))
    scale = float(random.uniform(0.4, 1.2))
    for row in range(20, size[0], int(28 * scale) + 6):
        line = "".join(random.choice(letters, 60))
        cv2.putText(
            shown, line, (8, row), cv2.FONT_HERSHEY_SIMPLEX, scale, 255 if dark else 0, 1, cv2.LINE_AA
        )
    return shown


def _blank(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    shown = random.normal(random.uniform(0, 255), random.uniform(0, 2), size)
    return np.clip(shown, 0, 255).astype(np.uint8)


def _ring(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    """A white ring on black with nothing of a brain in it."""
    shown = np.zeros(size, dtype=np.uint8)
    middle = (size[1] // 2, size[0] // 2)
    axes = (int(size[1] * random.uniform(0.2, 0.45)), int(size[0] * random.uniform(0.2, 0.45)))
    cv2.ellipse(shown, middle, axes, 0, 0, 360, int(random.integers(0, 200)), -1)
    cv2.ellipse(shown, middle, axes, 0, 0, 360, 255, int(random.integers(4, 25)))
    return shown


def _chart(random: np.random.Generator, size: tuple[int, int]) -> UInt8:
    """A chart as a screenshot shows it."""
    from matplotlib import style  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with style.context("dark_background" if random.random() < 0.5 else "default"):
        figure = Figure(figsize=(size[1] / 100, size[0] / 100), dpi=100)
        axes = figure.subplots()
        kind = int(random.integers(4))
        if kind == 0:
            axes.plot(random.standard_normal(80).cumsum())
        elif kind == 1:
            axes.bar(range(9), random.random(9))
        elif kind == 2:
            axes.scatter(random.random(60), random.random(60), s=random.random(60) * 300)
        else:
            axes.imshow(random.random((9, 9)), cmap="gray")
        axes.set_title("Chart")
        FigureCanvasAgg(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    read = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR_RGB)
    rgb = np.asarray(read, dtype=np.uint8)
    return rgb if random.random() < 0.5 else np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


_DRAWINGS: Final[dict[str, Callable[[np.random.Generator, tuple[int, int]], UInt8]]] = {
    "white noise": _white_noise,
    "normal noise": _normal_noise,
    "speckled noise": _specks,
    "soft noise": _soft_noise,
    "cloudy noise": _cloudy_noise,
    "bounded noise": _noise_on_black,
    "gradient": _gradient,
    "stripes": _stripes,
    "shapes": _shapes,
    "text": _text,
    "blank": _blank,
    "ring": _ring,
    "chart": _chart,
}

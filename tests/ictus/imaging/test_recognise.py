from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
import sklearn
from numpy.typing import NDArray

from ictus.domain.enums import Modality
from ictus.imaging.phantom import brain_window, head_ct, head_mr
from ictus.imaging.raster import to_grey
from ictus.imaging.recognise import modality_of_picture, outline_of

UInt8 = NDArray[np.uint8]

CT = head_ct(24, 256)


def grey_picture(path: Path) -> UInt8:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


def carried(package: object, *within: str) -> Path:
    return Path(str(package.__file__)).parent.joinpath(*within)  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80.0, 120.0, 200.0])
@pytest.mark.parametrize("index", [2, 8, 12, 18, 23])
def test_a_head_ct_is_recognised_in_any_brain_window(index: int, width: float) -> None:
    assert modality_of_picture(brain_window(CT, index, width=width), 0.0) is Modality.CT


@pytest.mark.parametrize("brightest", [170, 210, 245])
def test_bone_need_not_be_white(brightest: int) -> None:
    shown = brain_window(CT, 12).astype(np.float32) * (brightest / 255)
    assert modality_of_picture(shown.astype(np.uint8), 0.0) is Modality.CT


def test_a_head_cropped_to_its_edges_is_recognised() -> None:
    picture = brain_window(CT, 12)
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    tight = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert modality_of_picture(tight.copy(), 0.0) is Modality.CT


@pytest.mark.parametrize("index", [6, 12, 18])
def test_a_head_mr_is_recognised(index: int) -> None:
    assert modality_of_picture(brain_window(head_mr(24, 256), index), 0.0) is Modality.MR


def body() -> UInt8:
    """A trunk lying in the air: wider than any head."""
    picture = np.zeros((256, 256), np.uint8)
    cv2.ellipse(picture, (128, 128), (115, 75), 0, 0, 360, 110, -1)
    cv2.ellipse(picture, (80, 128), (35, 50), 0, 0, 360, 30, -1)
    return picture


def chest() -> UInt8:
    """A film that the body fills from edge to edge."""
    picture = np.full((256, 256), 150, np.uint8)
    for middle in (75, 181):
        cv2.ellipse(picture, (middle, 120), (40, 90), 0, 0, 360, 45, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), dtype=np.uint8)


def page() -> UInt8:
    picture = np.full((256, 256), 235, np.uint8)
    for row in range(20, 250, 20):
        cv2.putText(picture, "report of a scan", (5, row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1)
    return picture


@pytest.mark.parametrize("draw", [body, chest, page])
def test_what_has_no_heads_outline_is_no_head(draw: Callable[[], UInt8]) -> None:
    assert modality_of_picture(draw(), 0.0) is Modality.OTHER


@pytest.mark.parametrize("name", ["brick.png", "grass.png", "gravel.png", "moon.png", "coins.png"])
def test_a_picture_cut_out_as_an_oval_is_no_head_mr(name: str) -> None:
    grey = cv2.resize(grey_picture(carried(skimage, "data", name)), (256, 256), interpolation=cv2.INTER_AREA)
    oval = np.zeros((256, 256), np.uint8)
    cv2.ellipse(oval, (128, 128), (95, 115), 0, 0, 360, 255, -1)
    cut_out = np.asarray(cv2.bitwise_and(np.asarray(grey), oval), dtype=np.uint8)
    assert modality_of_picture(cut_out, 0.0) is not Modality.MR


def test_specks_and_darkness_are_nothing() -> None:
    specks = np.zeros((200, 200), np.uint8)
    specks[::20, ::20] = 255
    assert outline_of(np.zeros((50, 50), np.uint8)) is None
    assert outline_of(specks) is None
    assert modality_of_picture(specks, 0.0) is Modality.OTHER


@pytest.mark.parametrize(
    "path",
    [
        carried(sklearn, "datasets", "images", "china.jpg"),
        carried(sklearn, "datasets", "images", "flower.jpg"),
        *(carried(skimage, "data", name) for name in ("camera.png", "page.png", "chelsea.png", "moon.png")),
    ],
    ids=lambda path: path.stem,
)
def test_photographs_without_their_colours_are_no_head(path: Path) -> None:
    assert modality_of_picture(grey_picture(path), 0.0) is Modality.OTHER


def test_a_coloured_head_is_no_scan() -> None:
    colours = cv2.applyColorMap(brain_window(CT, 12), cv2.COLORMAP_JET)
    assert modality_of_picture(*to_grey(np.asarray(colours, dtype=np.uint8))) is Modality.OTHER


@pytest.mark.shared_data
def test_chest_films_and_lungs_are_never_taken_for_mr(shared_data: Path) -> None:
    films = [p for kind in ("chest_xray", "lung_ct") for p in (shared_data / "not-brain").glob(f"{kind}*")]
    found = [modality_of_picture(grey_picture(path), 0.0) for path in films]
    assert len(found) == 120
    assert Modality.MR not in found


@pytest.mark.shared_data
def test_real_heads_are_recognised(shared_data: Path) -> None:
    ct = [
        modality_of_picture(grey_picture(p), 0.0) for p in sorted((shared_data / "ct-ich").glob("*/*"))[::25]
    ]
    mr = [modality_of_picture(grey_picture(p), 0.0) for p in (shared_data / "not-brain").glob("brain_mr*")]
    assert set(ct) == {Modality.CT}
    assert mr.count(Modality.MR) >= 0.9 * len(mr)

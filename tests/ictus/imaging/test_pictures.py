import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import (
    InvalidValuesError,
    TooLargeError,
    TruncatedFileError,
    UnrecognisedFileError,
    UnsupportedDimensionsError,
    UnsupportedSyntaxError,
)
from ictus.imaging.phantom import brain_window, head_ct, head_mr, photograph, picture
from ictus.imaging.volume import VoxelUnits

CT = head_ct(slices=5, size=128)
GREY = brain_window(CT, 2)


def save(image: Image.Image, path, file_format: str = "PNG", **options: object):
    image.save(path, file_format, **options)
    return path


def test_a_grey_png_arrives_as_it_is(read, volume_of, tmp_path) -> None:
    (series,) = read(save(Image.fromarray(GREY), tmp_path / "named.txt"), modality=Modality.CT).series
    volume = volume_of(series)
    assert np.array_equal(volume.voxels[0], GREY)
    assert (series.modality, series.modality_stated, series.units) == (Modality.CT, True, VoxelUnits.DISPLAY)
    assert (series.source_format, series.spacing_mm) == (SourceFormat.PNG, None)


def test_sixteen_bits_keep_their_used_range(read, volume_of, tmp_path) -> None:
    for shift in (8, 4):
        path = save(Image.fromarray(GREY.astype(np.uint16) << shift), tmp_path / f"{shift}.png")
        assert np.array_equal(volume_of(read(path).series[0]).voxels[0], GREY)


def test_colour_palette_and_transparency_become_grey(read, volume_of, tmp_path) -> None:
    rgb = Image.fromarray(np.repeat(GREY[..., np.newaxis], 3, axis=2))
    alpha = rgb.convert("RGBA")
    alpha.putalpha(
        Image.fromarray(np.where(np.arange(128) < 64, 0, 255).astype(np.uint8)[None].repeat(128, 0))
    )
    for name, image in (("rgb", rgb), ("palette", rgb.convert("P", palette=Image.Palette.ADAPTIVE))):
        decoded = volume_of(read(save(image, tmp_path / name)).series[0])
        assert np.abs(decoded.voxels[0].astype(int) - GREY).max() <= 2
        assert decoded.colourfulness < 0.01
    shown = volume_of(read(save(alpha, tmp_path / "alpha")).series[0]).voxels[0]
    assert (shown[:, :64] == 0).all()
    assert np.array_equal(shown[:, 64:], GREY[:, 64:])


def test_exif_orientation_is_honoured_and_then_gone(read, volume_of, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    exif[0x010E] = "Canary^Carla"
    path = save(Image.fromarray(GREY), tmp_path / "a", "JPEG", exif=exif, quality=98, comment=b"Canary^Carla")

    (series,) = read(path).series

    decoded = volume_of(series).voxels[0].astype(int)
    assert np.abs(decoded - np.rot90(GREY, -1)).mean() < 2
    assert b"Canary" not in series.source_paths[0].read_bytes()


def test_png_texts_are_dropped(read, tmp_path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Patient", "Canary^Carla")
    texts.add_itxt("Comment", "Canary^Carla", zip=False)
    path = save(Image.fromarray(GREY), tmp_path / "a", pnginfo=texts)
    path.write_bytes(path.read_bytes() + b"Canary^Carla")
    assert b"Canary" in path.read_bytes()
    (series,) = read(path).series
    assert b"Canary" not in series.source_paths[0].read_bytes()
    assert b"Canary" not in series.volume_path.read_bytes()


def test_an_unstated_modality_is_guessed_and_marked_so(read, tmp_path) -> None:
    guesses = []
    for name, data in (("ct", picture(CT, 2)), ("mr", picture(head_mr(5, 256), 2)), ("photo", photograph())):
        (tmp_path / name).write_bytes(data)
        (series,) = read(tmp_path / name).series
        guesses.append((series.modality, series.modality_stated))
    assert guesses == [(Modality.CT, False), (Modality.MR, False), (Modality.OTHER, False)]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_cut_picture_is_truncated(read, tmp_path, file_format) -> None:
    (tmp_path / "a").write_bytes(picture(CT, 2, file_format)[:-700])
    with pytest.raises(TruncatedFileError):
        read(tmp_path / "a")


def test_a_bomb_is_refused_before_it_is_decoded(read, tmp_path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000)))
    (tmp_path / "a").write_bytes(bomb + chunk(b"IEND", b""))
    with pytest.raises(TooLargeError):
        read(tmp_path / "a")


def test_what_is_no_picture_to_classify_is_refused(read, tmp_path) -> None:
    cmyk = save(Image.fromarray(GREY).convert("CMYK"), tmp_path / "cmyk", "JPEG")
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    animation = save(frames[0], tmp_path / "moving", save_all=True, append_images=frames[1:])
    blank = save(Image.new("L", (32, 32)), tmp_path / "blank")
    gif = io.BytesIO()
    frames[0].save(gif, "GIF")
    (tmp_path / "gif").write_bytes(gif.getvalue())
    for path, error in (
        (cmyk, UnsupportedSyntaxError),
        (animation, UnsupportedDimensionsError),
        (blank, InvalidValuesError),
        (tmp_path / "gif", UnrecognisedFileError),
    ):
        with pytest.raises(error):
            read(path)


def test_several_pictures_become_several_series(read, tmp_path) -> None:
    for index in range(3):
        (tmp_path / str(index)).write_bytes(picture(CT, index, "JPEG"))
    outcome = read(*(tmp_path / str(index) for index in range(3)))
    assert len({series.series_uid for series in outcome.series}) == 3
    assert outcome.identity is None

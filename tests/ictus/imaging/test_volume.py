import numpy as np
import pytest

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import MalformedFileError
from ictus.imaging.phantom import head_ct
from ictus.imaging.volume import HEAD_BYTES, SliceLayout, Volume, VoxelUnits


def test_a_volume_survives_its_bytes() -> None:
    volume = head_ct(slices=3, size=32)

    read = Volume.from_bytes(volume.to_bytes())

    assert np.array_equal(read.voxels, volume.voxels)
    assert (read.modality, read.units, read.spacing_mm, read.body_part, read.modality_stated) == (
        Modality.CT,
        VoxelUnits.HOUNSFIELD,
        volume.spacing_mm,
        "HEAD",
        True,
    )


def test_the_same_volume_gives_the_same_bytes() -> None:
    assert len({head_ct(slices=2, size=16).to_bytes() for _ in range(10)}) == 1


def test_a_slice_is_read_by_its_byte_range_alone() -> None:
    volume = head_ct(slices=4, size=32)
    data = volume.to_bytes()

    layout = SliceLayout.from_head(data[:HEAD_BYTES])
    offset, length = layout.slice_range(2)
    plane = np.frombuffer(data[offset : offset + length], layout.dtype).reshape(layout.shape[1:])

    assert np.array_equal(plane, volume.voxels[2])
    with pytest.raises(IndexError):
        layout.slice_range(4)


def test_written_and_serialised_volumes_are_the_same(tmp_path) -> None:
    volume = head_ct(slices=2, size=16)
    volume.write(tmp_path / "volume")
    assert (tmp_path / "volume").read_bytes() == volume.to_bytes()


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_damaged_volume_is_refused(length: int) -> None:
    data = head_ct(slices=2, size=16).to_bytes()
    with pytest.raises(MalformedFileError):
        Volume.from_bytes(data[:length])


def test_voxels_must_fit_their_units() -> None:
    with pytest.raises(ValueError, match="3-D"):
        Volume(np.zeros((2, 2, 2), np.int16), Modality.OTHER, SourceFormat.PNG, VoxelUnits.DISPLAY)

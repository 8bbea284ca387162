import io
import zipfile

import pytest

from ictus.domain.errors import ArchiveRefusedError, TooLargeError, UnrecognisedFileError
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.phantom import head_ct, picture

PNG = picture(head_ct(slices=3, size=64), 1)


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def encrypted() -> bytes:
    """A zip whose entry has the encryption bit set, in both headers."""
    data = bytearray(zipped(a=PNG))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        encrypted(),
        zipped(inner=zipped(a=PNG)),
        zipped(),
        zipped(a=PNG)[:-30],
        zipped(a=PNG)[:40] + zipped(a=PNG)[60:],
    ],
    ids=["encrypted", "nested", "empty", "cut", "damaged"],
)
def test_a_zip_that_cannot_be_opened_is_refused(read, tmp_path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ArchiveRefusedError):
        read(tmp_path / "a")


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(read, tmp_path) -> None:
    bomb = zipped(a=PNG, b=bytes(20_000_000))
    (tmp_path / "a").write_bytes(bomb)
    with pytest.raises(TooLargeError):
        read(tmp_path / "a", limits=IntakeLimits(max_total_bytes=10_000_000))

    lying = bytearray(bomb)
    entry = lying.rindex(b"PK\x01\x02")
    lying[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    (tmp_path / "b").write_bytes(lying)
    with pytest.raises((TooLargeError, ArchiveRefusedError)):
        read(tmp_path / "b", limits=IntakeLimits(max_total_bytes=10_000_000))


def test_too_many_files_are_refused(read, tmp_path) -> None:
    (tmp_path / "a").write_bytes(zipped(**{str(index): PNG for index in range(20)}))
    with pytest.raises(TooLargeError):
        read(tmp_path / "a", limits=IntakeLimits(max_files=10))


def test_names_in_a_zip_never_become_paths(read, tmp_path, workdir) -> None:
    (tmp_path / "a").write_bytes(zipped(**{"../../escaped.png": PNG, "/absolute.png": PNG}))
    assert len(read(tmp_path / "a").series) == 2
    assert sorted(path.name for path in (workdir / "unpacked" / "0").iterdir()) == ["0", "1"]
    assert not list(tmp_path.glob("escaped*"))


def test_a_zip_without_images_is_refused(read, tmp_path) -> None:
    (tmp_path / "a").write_bytes(zipped(note=b"no image here"))
    with pytest.raises(UnrecognisedFileError):
        read(tmp_path / "a")

"""The child process: what it answers, what it may not do, and that nothing makes it hang."""

import errno
import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import data_store
import numpy as np
import psutil
import pytest
from PIL import Image

from ictus.domain.enums import Modality
from ictus.domain.errors import (
    IntakeError,
    IntakeResourceError,
    MalformedFileError,
    MixedStudiesError,
    TruncatedFileError,
)
from ictus.imaging.intake import IntakeLimits, IntakeRequest, intake_error, run_intake
from ictus.imaging.phantom import Person, dicom_series, head_ct, picture, write_dicom_series
from ictus.imaging.volume import Volume

CT = head_ct(slices=4, size=64)
KEY = b"k" * 32
MANY_FRAMES = Path(data_store.__file__).parent / "data" / "color3d_jpeg_baseline.dcm"
"""120 colour frames: seconds of work."""


def confined(workdir: Path, *paths: Path, limits: IntakeLimits | None = None) -> IntakeRequest:
    return IntakeRequest(paths, KEY, workdir, Modality.CT, limits or IntakeLimits())


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_series_comes_back_whole(workdir, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in", Person(name="Grün^Jörg"))

    outcome = run_intake(confined(workdir, *paths))

    (series,) = outcome.series
    data = series.volume_path.read_bytes()
    assert np.array_equal(Volume.from_bytes(data).voxels, CT.voxels)
    assert outcome.identity is not None
    assert outcome.identity.patient_name == "Grün^Jörg"
    assert series.volume_path.is_relative_to(workdir)
    assert all(path.is_relative_to(workdir) for path in series.source_paths)


def test_a_refusal_keeps_its_class_and_words(workdir, tmp_path) -> None:
    (tmp_path / "a").write_bytes(picture(CT, 1)[:300])
    with pytest.raises(TruncatedFileError, match="cut short"):
        run_intake(confined(workdir, tmp_path / "a"))


def test_every_intake_error_finds_its_class_by_code() -> None:
    assert isinstance(intake_error("mixed_studies", "x"), MixedStudiesError)
    assert type(intake_error("unheard_of", "x")) is IntakeError


def test_too_much_memory_is_refused(workdir, tmp_path) -> None:
    Image.new("L", (12000, 12000)).save(tmp_path / "a.png", compress_level=1)
    limits = IntakeLimits(max_pixels=2**30, address_space_bytes=250 * 1024**2)
    with pytest.raises(IntakeResourceError):
        run_intake(confined(workdir, tmp_path / "a.png", limits=limits))


def test_too_much_processor_time_is_refused(workdir) -> None:
    with pytest.raises(IntakeResourceError):
        run_intake(confined(workdir, MANY_FRAMES, limits=IntakeLimits(cpu_seconds=1)))


def test_too_much_time_is_refused_and_nothing_is_left_running(workdir) -> None:
    before = children()
    with pytest.raises(IntakeResourceError, match="too long"):
        run_intake(confined(workdir, MANY_FRAMES, limits=IntakeLimits(wall_seconds=0.2)))
    assert children() <= before


def test_nesting_without_end_is_refused(workdir, tmp_path) -> None:
    buffer = io.BytesIO()
    next(iter(dicom_series(CT))).save_as(buffer, enforce_file_format=True)
    plain = buffer.getvalue()
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = plain.index(b"\x08\x00\x08\x00CS")
    (tmp_path / "a").write_bytes(plain[:at] + opening * 20_000)
    with pytest.raises((MalformedFileError, TruncatedFileError, IntakeResourceError)):
        run_intake(confined(workdir, tmp_path / "a"))


def in_confinement(code: str) -> str:
    """What a Python process prints that has confined itself first."""
    program = f"""
        import errno, os, socket, subprocess, ctypes, resource
        from ictus.imaging.confinement import confine
        from ictus.imaging.intake import IntakeLimits
        libc = ctypes.CDLL(None, use_errno=True)
        guard = confine(IntakeLimits())
        {code}
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout.strip()


def test_native_code_cannot_make_a_socket_where_the_kernel_guards() -> None:
    said = in_confinement("print(guard, libc.socket(2, 1, 0), ctypes.get_errno())")
    guard, made, error = said.split()
    if guard != "kernel":
        pytest.skip("this machine has no seccomp: only Python code is kept off the network")
    assert (int(made), int(error)) == (-1, errno.EPERM)


@pytest.mark.parametrize("attempt", ["socket.socket()", "subprocess.run(['true'])", "os.system('true')"])
def test_python_code_cannot_reach_out(attempt: str) -> None:
    said = in_confinement(
        f"""
        try:
            {attempt}
        except PermissionError:
            print("refused")
        """
    )
    assert said == "refused"


def test_no_core_is_dumped_and_the_environment_is_clean(workdir, tmp_path, monkeypatch) -> None:
    assert in_confinement("print(resource.getrlimit(resource.RLIMIT_CORE))") == "(0, 0)"
    seen = tmp_path / "environment"
    monkeypatch.setenv("ICTUS_DATABASE_URL", "a secret")
    real = subprocess.Popen

    def spy(*args, **kwargs):
        seen.write_text(repr(kwargs["env"]))
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", spy)
    (tmp_path / "a").write_bytes(picture(CT, 1))
    run_intake(confined(workdir, tmp_path / "a"))
    assert "a secret" not in seen.read_text()
    assert os.environ["ICTUS_DATABASE_URL"] == "a secret"

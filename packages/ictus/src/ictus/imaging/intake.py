"""Intake: an upload's files in, de-identified canonical volumes out.

``run_intake`` parses nothing itself. A sandboxed child process does (``ictus.imaging.sandbox``), and
only what it wrote into ``IntakeRequest.workdir`` and answered comes back.
"""

import contextlib
import functools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import IntakeError, IntakeResourceError
from ictus.imaging.volume import VoxelUnits

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES: Final = 64 * 1024**2
_CHILD_ENVIRONMENT: Final = {
    # One thread: a BLAS or OpenMP pool would reserve address space (RLIMIT_AS) for nothing.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """What an installation allows one upload; the gateway and the command line fill it from their settings."""

    max_files: int = 2000
    """Files of an upload, those inside zips included."""
    max_total_bytes: int = 2 * 1024**3
    """Bytes of all files together, unpacked."""
    max_pixels: int = 64 * 1024**2
    """Pixels of one picture or slice."""
    max_slices: int = 2000
    """Slices of one series."""
    max_voxels: int = 256 * 1024**2
    """Voxels of one series."""
    max_series: int = 64
    """Series (or pictures) of one upload."""
    address_space_bytes: int = 2 * 1024**3
    """RLIMIT_AS of the child."""
    cpu_seconds: int = 30
    """RLIMIT_CPU of the child."""
    wall_seconds: float = 60.0
    """After this the child's process group is killed."""


@dataclass(frozen=True, slots=True)
class IntakeRequest:
    """One upload.

    Attributes:
        paths: the uploaded files, 1..``limits.max_files``; their names are never looked at.
        declared_modality: what the sender said about NIfTI and pictures; None when nothing was said. A DICOM
            header speaks for itself.
        uid_key: key of the HMAC that replaces DICOM UIDs; the same key and UID always give the same new UID.
        workdir: an empty private directory; everything that intake makes is written below it, and the
            caller deletes it.
        describe_only: the paths are files that intake has stored before; they are only described
            (``describe_stored``).
    """

    paths: tuple[Path, ...]
    uid_key: bytes
    workdir: Path
    declared_modality: Modality | None = None
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    describe_only: bool = False

    def to_json(self) -> bytes:
        """What crosses the pipe to the child."""
        return json.dumps(
            {
                "paths": [str(path.resolve()) for path in self.paths],
                "uid_key": self.uid_key.hex(),
                "workdir": str(self.workdir.resolve()),
                "declared_modality": self.declared_modality,
                "limits": asdict(self.limits),
                "describe_only": self.describe_only,
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The request in the child."""
        sent = json.loads(data)
        modality = sent["declared_modality"]
        return cls(
            paths=tuple(Path(path) for path in sent["paths"]),
            uid_key=bytes.fromhex(sent["uid_key"]),
            workdir=Path(sent["workdir"]),
            declared_modality=Modality(modality) if modality else None,
            limits=IntakeLimits(**sent["limits"]),
            describe_only=sent["describe_only"],
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not part of the study, and why. Nothing of its name is in it.

    Attributes:
        name_index: position in ``IntakeRequest.paths``.
        code: stable, e.g. ``localizer``, ``no_pixel_data``, ``unrecognised_file``, ``duplicate``.
        detail: in words.
        member: position in the zip when ``paths[name_index]`` is one, else None.
    """

    name_index: int
    code: str
    detail: str
    member: int | None = None


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Everything that identifies the patient, and the only place where intake returns it.

    It belongs encrypted into the gateway's schema. Values are as the sender wrote them; empty is None.

    Attributes:
        original_uids: new UID -> the sender's UID, of the study, its series, instances and frames of reference.
    """

    patient_name: str | None = None
    patient_id: str | None = None
    issuer_of_patient_id: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    age: str | None = None
    accession_number: str | None = None
    study_id: str | None = None
    study_instance_uid: str | None = None
    study_date: str | None = None
    study_time: str | None = None
    study_description: str | None = None
    referring_physician: str | None = None
    institution: str | None = None
    original_uids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntakeSeries:
    """One series of the study.

    Attributes:
        volume_path: canonical volume (``ictus.imaging.volume``) below the workdir.
        shape: (slices, rows, columns).
        data_offset: byte in the volume at which its voxels begin (``SliceLayout``).
        spacing_mm: (slice, row, column) in millimetres.
        description: for people; made only from attributes that cannot hold identity.
        series_uid: the new SeriesInstanceUID.
        source_paths: the de-identified files, in slice order, below the workdir.
        description_paths: of each DICOM file in ``source_paths``, what it is made of (``ictus.imaging.describe``);
            empty for other formats.
        warnings: stable codes of what a reader should know, e.g. ``uneven_spacing``.
    """

    modality: Modality
    modality_stated: bool
    source_format: SourceFormat
    volume_path: Path
    volume_sha256: str
    shape: tuple[int, int, int]
    data_offset: int
    spacing_mm: tuple[float, float, float] | None
    units: VoxelUnits
    body_part: str | None
    description: str
    series_uid: str
    source_paths: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    description_paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeOutcome:
    """An accepted upload.

    Attributes:
        series: at least one; the order is the sender's (SeriesNumber), localizers are not among them.
        identity: None for files that have no patient header (NIfTI, pictures).
        study_uid: the new StudyInstanceUID, or one made from the content of files that have none.
        hold_reasons: not empty when an admin must release the study first, e.g.
            ``burned_in_annotation``, ``secondary_capture``, ``screen_save``.
        left_out: files of the upload that are not in ``series``.
    """

    series: tuple[IntakeSeries, ...]
    study_uid: str
    identity: PatientIdentity | None = None
    hold_reasons: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def run_intake(request: IntakeRequest) -> IntakeOutcome:
    """Turn an upload into canonical, de-identified volumes, in a sandboxed child process.

    Raises:
        IntakeError: the subclass says why the upload is refused; nothing of it may be kept.
    """
    outcome = _outcome_adapter().validate_python(_accepted(request)["outcome"])
    for series in outcome.series:
        for path in (series.volume_path, *series.source_paths, *series.description_paths):
            _refuse_outside(path, request.workdir)
    return outcome


def describe_stored(paths: tuple[Path, ...], workdir: Path) -> tuple[Path, ...]:
    """Describe DICOM files that intake has stored before, in a sandboxed child; a description for each, in order.

    Args:
        paths: de-identified files.
        workdir: an empty private directory that the caller deletes.

    Raises:
        IntakeError: a file cannot be read any more.
    """
    _accepted(IntakeRequest(paths, b"", workdir, describe_only=True))
    described = tuple(workdir / f"{number}.json" for number in range(len(paths)))
    for path in described:
        _refuse_outside(path, workdir)
    return described


def _accepted(request: IntakeRequest) -> dict[str, Any]:
    """The child's answer, unless it is a refusal, which is raised."""
    answer = _answer_of_child(request)
    if answer.get("network_guard") == "python":
        _log.warning(
            "intake: no seccomp here, only Python code is kept off the network; set a network policy"
        )
    refusal = answer.get("refused")
    if refusal is not None:
        error = intake_error(str(refusal["code"]), str(refusal["detail"]))
        if refusal["cause"]:
            error.add_note(f"in the intake child: {refusal['cause']}")
        raise error
    return answer


def _refuse_outside(path: Path, workdir: Path) -> None:
    """The child has parsed hostile bytes: what it names is read only where it was told to write."""
    if path.is_symlink() or not path.resolve().is_relative_to(workdir.resolve()):
        raise IntakeResourceError("Intake was stopped: its answer named a file outside its folder.")


@functools.cache
def _outcome_adapter() -> "TypeAdapter[IntakeOutcome]":
    # The child imports this module too, and half of its start would be Pydantic's.
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(IntakeOutcome)


def intake_error(code: str, detail: str) -> IntakeError:
    """The ``IntakeError`` with this stable code; the base class when there is none."""
    kinds = [IntakeError]
    for kind in kinds:
        if kind.code == code:
            return kind(detail)
        kinds.extend(kind.__subclasses__())
    return IntakeError(detail)


def _answer_of_child(request: IntakeRequest) -> dict[str, Any]:
    """Run ``python -m ictus.imaging.sandbox``: the request goes in as JSON, the answer comes out as JSON."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-m", "ictus.imaging.sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # decoders write what they read there: it may hold identity
        cwd=request.workdir,
        env=_CHILD_ENVIRONMENT,
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill_group(child)

    deadline = threading.Timer(request.limits.wall_seconds, end)
    deadline.daemon = True
    deadline.start()
    try:
        answer = _converse(child, request.to_json())
    finally:
        deadline.cancel()
        _kill_group(child)
        child.wait()
    try:
        parsed = json.loads(answer)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise IntakeResourceError(
            "The file took too long to read and was refused." if late.is_set() else None
        )
    return parsed


def _converse(child: "subprocess.Popen[bytes]", request: bytes) -> bytes:
    """Send the request, read a bounded answer. A child that dies midway gives a short or empty one."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child was started without pipes")
    with child.stdout:
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(request)
        return child.stdout.read(_MAX_ANSWER_BYTES)


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child and everything that it started; its id is still ours until ``wait`` has returned."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)

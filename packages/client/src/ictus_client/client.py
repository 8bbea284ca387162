"""The client: upload, wait, read, report."""

import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import httpx

from ictus_client.errors import BusyError, PullFailedError, TimedOutError, UnreachableError, refusal_of
from ictus_client.models import Modality, Priority, Pull, State, Study, StudyRow

_SOON: Final = 0.5
_SELDOM: Final = 5.0
_UPLOAD_SECONDS: Final = 600.0

EndingT = TypeVar("EndingT", Study, Pull)


class Ictus:
    """An installation of Ictus. Safe to share between threads.

    Every method raises ``UnreachableError`` when nothing answers, ``RefusedError`` when Ictus refuses, and ``BusyError``,
    which is one of those, when it takes nothing on for now.

    Args:
        url: of the installation, e.g. ``https://ictus.example.org``.
        access: how this program shows who it is.
        timeout: seconds for an answer; an upload is given longer.
        monotonic: clock in seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        url: str,
        access: httpx.Auth,
        *,
        timeout: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", auth=access, timeout=timeout)
        self._monotonic = monotonic
        self._sleep = sleep

    def upload(
        self,
        files: Iterable[str | Path],
        *,
        modality: Modality | None = None,
        priority: Priority = "ROUTINE",
    ) -> Study:
        """Send one study: DICOM, NIfTI, PNG or JPEG files, or zips of them, and folders of any.

        The same bytes sent again give the study that is there. The files are streamed, never held whole in memory.

        Args:
            files: paths.
            modality: of pictures, which have no header.
            priority: ``STAT`` goes before ``ROUTINE``.

        Raises:
            FileNotFoundError: a path is not there, or a folder holds no file.
        """
        fields = {"priority": priority} | ({"modality": modality} if modality else {})
        with ExitStack() as opened:
            parts: list[Any] = []
            for path in _files_of(files):
                kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                # the name may name the patient, so it stays here
                parts.append(
                    (
                        "files",
                        (f"file-{len(parts)}{path.suffix}", opened.enter_context(path.open("rb")), kind),
                    )
                )
            answer = self._send("POST", "/studies", data=fields, files=parts, timeout=_UPLOAD_SECONDS)
        return Study.model_validate_json(answer.content)

    def study(self, study_id: UUID | str) -> Study:
        """A study with its answer, if it has one."""
        return Study.model_validate_json(self._send("GET", f"/studies/{study_id}").content)

    def wait(
        self, study_id: UUID | str, timeout: float = 300.0, progress: Callable[[Study], None] | None = None
    ) -> Study:
        """Wait until the study has ended: completed, failed, cancelled, or held for an administrator.

        Args:
            study_id: of the study.
            timeout: seconds.
            progress: called with the study as it stands, each time that it is looked at.

        Raises:
            TimedOutError: it has not; it goes on being analysed.
        """
        waited_for = f"The study has not been answered within {timeout:.0f} seconds."
        return self._until_ended(lambda: self.study(study_id), timeout, progress, waited_for)

    def pull(
        self,
        *,
        accession_number: str | None = None,
        study_instance_uid: str | None = None,
        priority: Priority = "ROUTINE",
    ) -> Pull:
        """Have a study fetched from the hospital's archive, by one of its two numbers, and analysed.

        While it is open, asking for the same study again is the same pull.
        """
        named = {"accession_number": accession_number, "study_instance_uid": study_instance_uid}
        wish = {"priority": priority} | {name: value for name, value in named.items() if value is not None}
        return Pull.model_validate_json(self._send("POST", "/studies/pull", json=wish).content)

    def wait_for_pull(
        self, pull_id: UUID | str, timeout: float = 600.0, progress: Callable[[Pull], None] | None = None
    ) -> Study:
        """Wait until the study has been fetched; it may not be answered yet.

        Args:
            pull_id: of the pull.
            timeout: seconds.
            progress: called with the pull as it stands, each time that it is looked at.

        Raises:
            PullFailedError: no archive gave it.
            TimedOutError: it is not here; it goes on being fetched.
        """
        pull = self._until_ended(
            lambda: Pull.model_validate_json(self._send("GET", f"/studies/pulls/{pull_id}").content),
            timeout,
            progress,
            f"The study has not been fetched within {timeout:.0f} seconds.",
        )
        if pull.study_id is None:
            raise PullFailedError(pull.code or "unknown", pull.reason or "The study could not be fetched.")
        return self.study(pull.study_id)

    def worklist(self, *, state: State | None = None, sort: str = "urgency") -> Iterator[StudyRow]:
        """All studies of the caller's site, page by page: by ``urgency`` or ``received``."""
        cursor: str | None = None
        while True:
            asked = {"sort": sort, "limit": "100", "state": state, "cursor": cursor}
            page = self._send("GET", "/studies", params={k: v for k, v in asked.items() if v}).json()
            yield from (StudyRow.model_validate(row) for row in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def report(self, study_id: UUID | str) -> bytes:
        """The report as PDF. It names the patient where the caller may know who that is."""
        return self._send("GET", f"/studies/{study_id}/report.pdf").content

    def save_report(self, study_id: UUID | str, path: str | Path) -> Path:
        """Write the report as PDF, whole or not at all; where it lies."""
        wanted = Path(path)
        part = wanted.with_name(f"{wanted.name}.part")
        part.write_bytes(self.report(study_id))
        return part.replace(wanted)

    def overlay(self, study_id: UUID | str, series_id: UUID | str, index: int) -> bytes:
        """The heatmap of one slice as PNG with alpha, of the slice's size."""
        return self._send("GET", f"/studies/{study_id}/series/{series_id}/slices/{index}/overlay").content

    def when_not_busy(self, call: Callable[[], Study], attempts: int = 5) -> Study:
        """Make a call again while Ictus is busy, each time after as long as it asks for.

        Raises:
            BusyError: it still is after ``attempts`` calls.
        """
        for left in reversed(range(attempts)):
            try:
                return call()
            except BusyError as busy:
                if left == 0:
                    raise
                self._sleep(busy.retry_after)
        raise AssertionError("attempts is at least 1")

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _until_ended(
        self,
        look: Callable[[], EndingT],
        timeout: float,
        progress: Callable[[EndingT], None] | None,
        waited_for: str,
    ) -> EndingT:
        """Look more and more seldom until what is seen has ended. Raises ``TimedOutError``."""
        until, pause = self._monotonic() + timeout, _SOON
        while True:
            seen = look()
            if progress is not None:
                progress(seen)
            if seen.has_ended:
                return seen
            if self._monotonic() + pause > until:
                raise TimedOutError(waited_for)
            self._sleep(pause)
            pause = min(pause * 1.5, _SELDOM)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise UnreachableError(f"Ictus does not answer at {self._http.base_url.host}.") from error
        if answer.is_error:
            raise refusal_of(answer)
        return answer


def _files_of(paths: Iterable[str | Path]) -> Iterator[Path]:
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found = sorted(one for one in path.rglob("*") if one.is_file())
            if not found:
                raise FileNotFoundError(f"There is no file in {path}.")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"There is no {path}.")

"""One running Ictus as other systems meet it: an administrator's session, a machine's key, scans to send."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import httpx
import pydicom

from ictus.imaging import phantom
from local.stack import LocalStack

PROCESSES: Final = ("gateway", "gateway-tasks", "gateway-deliveries", "dimse", "feedback", "inference")
SETTINGS: Final = {
    "ICTUS_SWEEP_SECONDS": "1",
    "ICTUS_DELIVERY_FIRST_WAIT_SECONDS": "1",
    "ICTUS_DELIVERY_LONGEST_WAIT_SECONDS": "5",
    "ICTUS_DIMSE_QUIET_SECONDS": "4",
    "ICTUS_LOG_LEVEL": "WARNING",
}
"""A destination that is back is noticed sooner than in a hospital, so that the run does not mostly wait."""

_PASSWORD: Final = "seven green kettles boil"
_POLL_SECONDS: Final = 0.2


class BrokenPromiseError(Exception):
    """What must hold did not."""


@dataclass(frozen=True)
class Ward:
    """The stack, its administrator and a machine of the same site."""

    stack: LocalStack
    admin: httpx.Client
    machine: httpx.Client

    @classmethod
    def open(cls, stack: LocalStack) -> "Ward":
        """Sign the first administrator in and issue a key."""
        first = stack.first_admin
        assert first is not None, "a fresh stack has no administrator yet"
        admin = httpx.Client(base_url=stack.url("gateway"), timeout=120)
        login = admin.post(
            "/api/v1/auth/login", json={"email": first.email, "password": first.one_time_password}
        )
        admin.headers["X-CSRF-Token"] = login.raise_for_status().json()["csrf_token"]
        change = {"current_password": first.one_time_password, "new_password": _PASSWORD}
        changed = admin.post("/api/v1/auth/password", json=change).raise_for_status()
        admin.headers["X-CSRF-Token"] = changed.json()["csrf_token"]
        (site,) = admin.get("/api/v1/admin/sites").raise_for_status().json()
        scopes = ["studies:read", "studies:write", "reports:read"]
        issued = admin.post(
            "/api/v1/admin/api-keys", json={"name": "interop", "site_id": site["id"], "scopes": scopes}
        ).raise_for_status()
        key = {"Authorization": f"Bearer {issued.json()['key']}"}
        return cls(stack, admin, httpx.Client(base_url=stack.url("gateway"), headers=key, timeout=120))

    def close(self) -> None:
        """Hang up."""
        self.admin.close()
        self.machine.close()

    def send(self, *files: bytes) -> UUID:
        """Upload a study; its id."""
        parts = [("files", (f"IM{number}", content)) for number, content in enumerate(files)]
        return UUID(self.machine.post("/api/v1/studies", files=parts).raise_for_status().json()["id"])

    def add_destination(self, **described: object) -> str:
        """Enter a destination; its id."""
        answer = self.admin.post("/api/v1/admin/destinations", json=described).raise_for_status()
        return str(answer.json()["destination"]["id"])

    def destination(self, destination_id: str) -> dict[str, Any]:
        """A destination as the administration page shows it."""
        listed = self.admin.get("/api/v1/admin/destinations").raise_for_status().json()
        found: dict[str, Any] = next(one for one in listed if one["id"] == destination_id)
        return found

    def deliveries(self, destination_id: str) -> Iterator[dict[str, Any]]:
        """Every delivery to a destination."""
        query = {"destination_id": destination_id, "limit": "100"}
        while True:
            page = self.admin.get("/api/v1/admin/deliveries", params=query).raise_for_status().json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def settle(self, patience: float) -> None:
        """Wait until all that was sent is answered, so that no answer to one scenario is delivered in the next."""
        wait_for(lambda: not self._has_work(), "an answer to everything", patience)

    def _has_work(self) -> bool:
        queue = self.admin.get("/api/v1/admin/jobs/queue").raise_for_status().json()
        return bool(queue["queued"] or queue["running"])


def wait_for(holds: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until something holds. Raises ``BrokenPromiseError`` when it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise BrokenPromiseError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def dicom_study(number: int, slices: int = 1, size: int = 96) -> list[bytes]:
    """A drawn head CT of a patient of its own."""
    volume = phantom.head_ct(
        slices=slices, size=size, bleed=phantom.Bleed() if number % 2 else None, seed=number
    )
    person = phantom.Person(patient_id=f"INTEROP-{number:04d}", accession_number=f"ACC-{number:04d}")
    files = []
    for instance in phantom.dicom_series(volume, person, seed=number):
        buffer = BytesIO()
        pydicom.dcmwrite(buffer, instance, enforce_file_format=True)
        files.append(buffer.getvalue())
    return files

"""The whole path over HTTP: upload to the gateway, answer in the database, on the local stack."""

import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from bench.contenders import Contender
from ictus.imaging import phantom
from local.stack import LocalStack

_PROCESSES: Final = ("gateway", "gateway-tasks", "inference")
_POLL_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 300.0


@contextmanager
def running_stack() -> Iterator[httpx.Client]:
    """A fresh installation; the client may upload to it and read from it."""
    with (
        tempfile.TemporaryDirectory(prefix="ictus-") as folder,
        LocalStack(Path(folder), processes=_PROCESSES) as stack,
        machine_of(stack) as api,
    ):
        yield api


@contextmanager
def machine_of(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client of a running installation that may upload to it and read from it."""
    scopes = ["--scope", "studies:read", "--scope", "studies:write"]
    key = stack.run_command("gateway", "gateway.cli", "create-api-key", "Bench", "--hours", "4", *scopes)
    with httpx.Client(
        base_url=f"{stack.url('gateway')}/api/v1",
        headers={"Authorization": f"Bearer {key.strip()}"},
        timeout=_PATIENCE_SECONDS,
    ) as api:
        yield api


def upload_to_result(api: httpx.Client, slices: int, size: int) -> Contender:
    """From the first byte of the upload to the stored answer; every call sends another scan."""
    seeds = count(1)

    def answer() -> float:
        packed = _zip_of_dicom(slices, size, next(seeds))
        started = time.perf_counter()
        sent = api.post("/studies", files={"files": ("scan.zip", packed, "application/zip")})
        study = sent.raise_for_status().json()["id"]
        while True:
            state = api.get(f"/studies/{study}").raise_for_status().json()["state"]
            spent = time.perf_counter() - started
            if state == "completed":
                return spent
            if state in {"failed", "cancelled", "held"} or spent > _PATIENCE_SECONDS:
                raise RuntimeError(f"the study is {state} after {spent:.0f} s")
            time.sleep(_POLL_SECONDS)

    return answer


def _zip_of_dicom(slices: int, size: int, seed: int) -> bytes:
    packed = io.BytesIO()
    volume = phantom.head_ct(slices=slices, size=size, bleed=phantom.Bleed(), seed=seed)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
        for file in phantom.write_dicom_series(volume, Path(folder), seed=seed):
            archive.write(file, file.name)
    return packed.getvalue()

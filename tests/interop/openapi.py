"""Every operation of the API, as its own description has it: none ignores who asks, none fails on our side."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from tests.interop.ward import BrokenPromiseError, Ward

_DOCUMENT: Final = "/api/v1/openapi.json"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_WORTHLESS: Final[Mapping[str, Mapping[str, str]]] = {
    "nothing": {},
    "a made-up API key": {"Authorization": "Bearer ictus_" + "x" * 43},
    "a made-up access token": {"Authorization": "Bearer ictusat_" + "x" * 43},
    "a made-up session": {"Cookie": "ictus_session=" + "x" * 43, "X-CSRF-Token": "x" * 64},
    "a token of somebody else's": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
}
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_LEFT_OUT: Final = r"(/auth/(logout|password|login|register|oidc)|/events)"
"""What would end the session that asks, slow sign-ins down, or never end."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, with ids of nothing."""

    method: str
    path: str
    address: str


def protected_operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation that the description says wants somebody signed in."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if item.get(method, {}).get("security"):
                address = re.sub(r"\{(\w+)\}", lambda name: "0" if name[1] == "index" else str(uuid4()), path)
                yield Operation(method.upper(), path, address)


def operations_that_ignore_auth(base: str) -> tuple[int, list[str]]:
    """How many requests without worth were made, and which of them were not answered with 401."""
    asked, ignoring = 0, []
    with httpx.Client(base_url=base, timeout=60) as stranger:
        document = stranger.get(_DOCUMENT).raise_for_status().json()
        for operation in protected_operations(document):
            for shown, headers in _WORTHLESS.items():
                with stranger.stream(operation.method, operation.address, headers=headers) as answer:
                    asked += 1
                    if answer.status_code != httpx.codes.UNAUTHORIZED:
                        told = f"{operation.method} {operation.path} with {shown}: {answer.status_code}"
                        ignoring.append(told)
    return asked, ignoring


def operations_that_fail(
    base: str, headers: Mapping[str, str], *, examples: int, seconds: int
) -> tuple[int, list[str]]:
    """How many requests schemathesis made of the description, and which operations it got a 5xx from.

    Args:
        base: where the gateway listens.
        headers: who asks.
        examples: made-up requests for each operation, besides those that cover what the description says.
        seconds: the whole may take.
    """
    given = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("run", base + _DOCUMENT, *given),
                *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", str(examples), "--max-time", str(seconds), "--seed", "1"),
                *("--exclude-path-regex", _LEFT_OUT, "--request-timeout", "60", "--warnings", "off"),
                *("--suppress-health-check", "all", "--no-shrink", "--continue-on-failure"),
            ],
            cwd=folder,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.interop.fuzzing", "PYTHONPATH": str(_CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
    made = re.search(r"(\d+) generated", ran.stdout)
    failing = [f"{operation} ({what})" for operation, what in _told(ran.stdout)]
    if made is None or (ran.returncode != 0 and not failing):
        failing.append(f"schemathesis ended with {ran.returncode}: {(ran.stdout + ran.stderr)[-400:]}")
    return int(made[1]) if made else 0, failing


def _told(output: str) -> Iterator[tuple[str, str]]:
    """Each operation that something is said of, and the first of it: an answer of 5xx, or why none could be asked for."""
    sections = re.split(r"^_+ ([A-Z]+ /\S+) _+$", output, flags=re.MULTILINE)[1:]
    for operation, said in zip(sections[::2], sections[1::2], strict=True):
        answer = re.search(r"\[(5\d\d)\].*\n(?:\s*\n)*\s*(.*)", said)
        yield operation, f"{answer[1]} {answer[2]}"[:300] if answer else " ".join(said.split())[:300]


def every_operation_holds(ward: Ward, examples: int, seconds: int) -> str:
    """Ask every operation without worth, then let schemathesis make up requests as the administrator.

    Raises:
        BrokenPromiseError: an operation ignores who asks, or fails on our side.
    """
    base = ward.stack.url("gateway")
    asked, ignoring = operations_that_ignore_auth(base)
    cookies = "; ".join(f"{one.name}={one.value}" for one in ward.admin.cookies.jar)
    headers = {"Cookie": cookies, "X-CSRF-Token": ward.admin.headers["X-CSRF-Token"]}
    made, failing = operations_that_fail(base, headers, examples=examples, seconds=seconds)
    if ignoring or failing:
        raise BrokenPromiseError("; ".join([*ignoring, *(f"failed: {one}" for one in failing)]))
    return f"{asked} requests without worth all refused, {made} made-up requests without a 5xx"

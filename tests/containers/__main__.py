"""``python -m tests.containers``: docker-compose.yml comes up, keeps its promises and passes the browser tests.

The images must be there (``make containers``). All runs in a project of its own, with secrets and volumes of its own, and
is removed at the end. The last line has the figures.
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.containers import edge
from tests.containers.compose import REPOSITORY, Compose, ContainersError
from tests.containers.promises import (
    broken_confinement,
    misplaced_torch,
    outdated_images,
    started_without_secrets,
)

from local.compose_secrets import write_compose_secrets
from local.ports import LOOPBACK, PortClaims, choose_ports

_PROJECT: Final = "ictus-proof"
_SUBNET: Final = "172.31.225.0/24"  # not what a real installation takes
_LOCK: Final = Path(tempfile.gettempdir()) / f"{_PROJECT}.lock"
_ADMIN: Final = "admin@hospital.test"
_FIGURES: Final = re.compile(r"^e2e: (.*)$")


def main() -> int:
    """Bring it up, ask, test, remove it; 1 when a promise is broken."""
    command, keep = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("It was told to stop."))  # and cleans up first
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="ictus-containers-"))
    try:
        with _only_one(), PortClaims() as claims:
            broken, figures = _prove(command, folder, claims, keep)
    except ContainersError as error:
        broken, figures = [str(error)], "it did not come up"
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    for words in broken:
        _say(f"broken: {words}")
    _say(f"containers: {'BROKEN' if broken else 'ok'}: {figures}; {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


def _prove(command: str, folder: Path, claims: PortClaims, keep: bool) -> tuple[list[str], str]:
    ports = {**choose_ports(folder / "ports.json", {}, claims), "edge": claims.choose()}
    with _project(command, "bare", _bare_environment(folder / "bare", ports), keep=False) as bare:
        broken = list(started_without_secrets(bare))
        _say(f"{len(bare.servers)} servers asked to start without secrets: {len(broken)} did")
    write_compose_secrets(folder / "secrets")
    edge.write_certificate(folder / "certificates")
    environment = _environment(folder, ports)
    with _project(command, "whole", environment, keep=keep) as compose:
        compose.save(folder)
        began = time.monotonic()
        compose.up()
        up_s = time.monotonic() - began
        _say(f"{len(compose.servers)} servers are healthy after {up_s:.0f} s")
        if outdated := list(outdated_images(compose)):
            raise ContainersError("; ".join(outdated))
        broken += [*broken_confinement(compose), *misplaced_torch(compose)]
        broken += edge.broken_promises(compose, ports["edge"], folder / "certificates")
        url = f"https://{LOOPBACK}:{ports['edge']}"
        passed, browser = _browser_tests(folder, url, _first_admin(compose))
        if not passed:
            broken.append("the browser tests fail")
        figures = (
            f"{len(compose.servers)} servers healthy, {len(compose.one_shots)} one-shots done after {up_s:.0f} s; "
            f"e2e: {browser}"
        )
    return broken, figures


@contextmanager
def _only_one() -> Iterator[None]:
    """Keep other proofs on this machine away: they would have the same names, and remove each other's containers."""
    with _LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ContainersError("Another proof of the containers runs on this machine.") from None
        yield


@contextmanager
def _project(command: str, name: str, environment: Mapping[str, str], *, keep: bool) -> Iterator[Compose]:
    compose = Compose(command, f"{_PROJECT}-{name}", environment)
    compose.down()  # what an interrupted proof left
    try:
        yield compose
    finally:
        if not keep:
            compose.down()


def _environment(folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    return {
        "ICTUS_SECRETS": str(folder / "secrets"),
        "ICTUS_CERTIFICATES": str(folder / "certificates"),
        "ICTUS_PORT": str(ports["gateway"]),
        "ICTUS_TLS": "true",
        "ICTUS_HTTPS_ADDRESS": LOOPBACK,
        "ICTUS_HTTPS_PORT": str(ports["edge"]),
        "ICTUS_OUTSIDE_SUBNET": _SUBNET,
        "ICTUS_PROOF_S3_PORT": str(ports["s3"]),
    }


def _bare_environment(folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """Lay out the folders that compose wants to mount, with nothing in them."""
    write_compose_secrets(folder / "secrets")
    for file in (folder / "secrets").rglob("*"):
        if file.is_file():
            file.unlink()
    (folder / "secrets" / "minio.env").touch()
    (folder / "certificates").mkdir()
    return _environment(folder, ports)


def _first_admin(compose: Compose) -> tuple[str, str]:
    """Make the first administrator as a person would; gives the address and the one-time password."""
    answer = compose.inside(
        "gateway", "python", "-m", "gateway.cli", "create-admin", "--email", _ADMIN
    ).split()
    if len(answer) != 2:
        raise ContainersError("The gateway made no first administrator.")
    return answer[0], answer[1]


def _browser_tests(folder: Path, url: str, admin: tuple[str, str]) -> tuple[bool, str]:
    """Run the browser tests, all of which they print; gives whether they pass, and their figures."""
    environment = {
        **os.environ,
        "ICTUS_PYTHON": sys.executable,
        "ICTUS_E2E_URL": url,
        "ICTUS_E2E_EMAIL": admin[0],
        "ICTUS_E2E_PASSWORD": admin[1],
        "ICTUS_E2E_STACK": str(folder),
        "ICTUS_E2E_CONTROL": str(Path(__file__).with_name("control.py")),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = ["npm", "run", "--silent", "test"]
    figures = "no figures"
    with subprocess.Popen(
        command, cwd=REPOSITORY / "tests" / "e2e", env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if found := _FIGURES.match(line):
                figures = found[1]
    return running.returncode == 0, figures


def _options() -> tuple[str, bool]:
    parser = argparse.ArgumentParser(prog="python -m tests.containers", description=__doc__)
    parser.add_argument("--compose", default="docker compose", help="or podman-compose; default: %(default)s")
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running, and its folder, to be looked at"
    )
    options = parser.parse_args()
    return options.compose, options.keep


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

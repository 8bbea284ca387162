"""The compose file, run by Docker's compose or by podman-compose, as the proof needs it."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Self

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]

_COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
_ADDITIONS = Path(__file__).with_name("additions.yml")
_SEAWEEDFS = Path(__file__).with_name("seaweedfs.yml")
_PROFILE = "edge"
_LABEL = "com.docker.compose"
_RECORD = "compose.json"
_DONE = "service_completed_successfully"
# Generous, because the machine may be busy: they end what hangs, they measure nothing.
_WAIT_SECONDS = 900.0
_COMMAND_SECONDS = 900.0
_LOOK_SECONDS = 1.0
_LAST_LINES = 30


class ContainersError(Exception):
    """The containers did not do what they promise; the message says which, and what."""


@dataclass(frozen=True)
class Container:
    """What the engine says of a container."""

    identifier: str
    status: str
    exit_code: int
    health: str | None
    """None when the container has no health check."""
    memory_limit: int
    """Bytes; 0 is none."""
    process_limit: int
    """0 or less is none."""
    restarts: int
    """How often the engine has started it again."""

    @property
    def is_well(self) -> bool:
        """Whether it runs and, where it can be asked, is healthy."""
        return self.status == "running" and self.health in {None, "healthy"}

    @property
    def is_done(self) -> bool:
        """Whether it ran to its end without an error."""
        return self.status == "exited" and self.exit_code == 0


@dataclass(frozen=True)
class Compose:
    """One project of the compose file, with secrets and ports of its own.

    Attributes:
        command: What runs it: ``docker compose`` or ``podman-compose``.
        project: Its name; containers, networks and volumes carry it.
        environment: What the file's variables stand for.
    """

    command: str
    project: str
    environment: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read which project it is from the folder that `save` wrote it to."""
        return cls(**json.loads((folder / _RECORD).read_text()))

    def save(self, folder: Path) -> None:
        """Write which project it is to a folder, so that another program can reach it."""
        (folder / _RECORD).write_text(json.dumps(asdict(self)))

    @cached_property
    def services(self) -> Mapping[str, Any]:
        """The services that are proved, as the compose file declares them: all that run without a GPU and are ours."""
        services: Mapping[str, Any] = yaml.safe_load(_COMPOSE_FILE.read_text())["services"]
        return {name: one for name, one in services.items() if one.get("profiles", [_PROFILE]) == [_PROFILE]}

    @cached_property
    def one_shots(self) -> frozenset[str]:
        """The services that others want to have ended."""
        conditions = (item for name in self.services for item in self._needs(name).items())
        return frozenset(name for name, need in conditions if need["condition"] == _DONE)

    @property
    def servers(self) -> tuple[str, ...]:
        """The services that stay."""
        return tuple(name for name in self.services if name not in self.one_shots)

    def up(self) -> None:
        """Bring everything up; at the end every server is healthy and every one-shot has ended well.

        podman below 4.6 cannot wait for what ``depends_on`` names, so there it is done here, in waves of what no longer
        waits for anything.

        Raises:
            ContainersError: A service did not get there in time.
        """
        files = self._files_to_bring_up()
        if not self._is_podman:
            self._compose(files, "up", "--detach", "--no-build", timeout_s=_WAIT_SECONDS)
        waiting = TopologicalSorter({name: set(self._needs(name)) for name in self.services})
        waiting.prepare()
        while waiting.is_active():
            ready = waiting.get_ready()
            if self._is_podman:
                self._compose(files, "up", "--detach", "--no-build", "--no-deps", *ready)
            for name in ready:
                self._wait(name)
            waiting.done(*ready)

    def down(self) -> None:
        """Remove containers, networks and volumes, and those too that an interrupted command left without a name."""
        self.run("down", "--volumes", "--timeout", "10", check=False)
        for kind, listed in (
            ("container", ("ps", "--all")),
            ("volume", ("volume", "ls")),
            ("network", ("network", "ls")),
        ):
            left = self._engine(*listed, "--quiet", f"--filter=label={_LABEL}.project={self.project}").split()
            if left:
                self._engine(kind, "rm", "--force", *left)

    def run(
        self, *arguments: str, check: bool = True, timeout_s: float = _COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a compose command.

        Raises:
            ContainersError: It failed or took too long; the message ends with what it said last.
        """
        return self._compose((_COMPOSE_FILE, _ADDITIONS), *arguments, check=check, timeout_s=timeout_s)

    def inside(self, service: str, *command: str) -> str:
        """Run a command in the container of a service and give what it printed.

        Raises:
            ContainersError: It failed.
        """
        return self._engine("exec", self._identifier(service), *command)

    def container(self, service: str) -> Container:
        """Ask the engine for the container of a service.

        Raises:
            ContainersError: There is none.
        """
        identifier = self._identifier(service)
        inspected = json.loads(self._engine("inspect", identifier))[0]
        state = inspected["State"]
        has_check = (inspected["Config"].get("Healthcheck") or {}).get("Test", ["NONE"]) != ["NONE"]
        health = self._health(identifier, state) if has_check and state["Status"] == "running" else None
        limits = inspected["HostConfig"]
        return Container(
            identifier,
            state["Status"],
            state["ExitCode"],
            health,
            limits["Memory"],
            limits["PidsLimit"] or 0,
            inspected["RestartCount"],
        )

    def _needs(self, service: str) -> Mapping[str, Any]:
        needs: Mapping[str, Any] = self.services[service].get("depends_on", {})
        return needs

    def _identifier(self, service: str) -> str:
        labels = {"project": self.project, "service": service}
        filters = [f"--filter=label={_LABEL}.{key}={value}" for key, value in labels.items()]
        identifiers = self._engine("ps", "--all", "--quiet", *filters).split()
        if len(identifiers) != 1:
            raise ContainersError(f"{service} has {len(identifiers)} containers.")
        return identifiers[0]

    def _files_to_bring_up(self) -> tuple[Path, ...]:
        looked = self.run(
            "run",
            "--rm",
            "-T",
            "--no-deps",
            "--entrypoint",
            "sh",
            "minio",
            "-c",
            "command -v mc",
            check=False,
        )
        files = (_COMPOSE_FILE, _ADDITIONS)
        return files if looked.returncode == 0 else (*files, _SEAWEEDFS)

    def _compose(
        self, files: Sequence[Path], *arguments: str, check: bool = True, timeout_s: float = _COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        named = [part for file in files for part in ("-f", str(file))]
        command = [*shlex.split(self.command), "-p", self.project, "--profile", _PROFILE, *named, *arguments]
        return _run(command, {**os.environ, **self.environment}, check=check, timeout_s=timeout_s)

    def _wait(self, service: str) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        tries = int(self.services[service]["restart"].partition(":")[2] or 0)  # on-failure:5, unless-stopped
        while True:
            container = self.container(service)
            if container.is_done if service in self.one_shots else container.is_well:
                return
            given_up = 0 < tries <= container.restarts and container.status == "exited"
            if given_up or time.monotonic() > deadline:
                logs = self._logs(container.identifier)
                raise ContainersError(
                    f"{service} is {container.status} ({container.exit_code}), {container.health}.\n{logs}"
                )
            time.sleep(_LOOK_SECONDS)

    def _logs(self, identifier: str) -> str:
        engine = "podman" if self._is_podman else "docker"
        command = [engine, "logs", "--tail", str(_LAST_LINES), identifier]
        done = _run(command, check=False, timeout_s=_COMMAND_SECONDS)
        return done.stdout + done.stderr  # where the container wrote it to

    def _health(self, identifier: str, state: Mapping[str, Any]) -> str:
        """What the check says; podman asks on its own only where systemd runs."""
        if not self._is_podman:
            return str(state["Health"]["Status"])
        asked = _run(["podman", "healthcheck", "run", identifier], check=False, timeout_s=_COMMAND_SECONDS)
        return "healthy" if asked.returncode == 0 else "unhealthy"

    @property
    def _is_podman(self) -> bool:
        return "podman" in self.command

    def _engine(self, *arguments: str) -> str:
        engine = "podman" if self._is_podman else "docker"
        return _run([engine, *arguments], timeout_s=_COMMAND_SECONDS).stdout


def _run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    check: bool = True,
    timeout_s: float,
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ContainersError(f"{' '.join(command)} took more than {timeout_s:.0f} s.") from error
    if check and done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
        raise ContainersError(f"{' '.join(command)} ended with {done.returncode}.\n{last}")
    return done

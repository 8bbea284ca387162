"""`LocalStack`: any set of the declared processes on one machine, started, watched and stopped as one."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local import database
from local.errors import StackError
from local.ports import LISTENERS, LOOPBACK, choose_ports
from local.probes import http_answers, redis_answers
from local.secret_files import Credentials, write_process_secrets
from local.supervisor_client import Supervisor, wait_for

SERVERS: Final = ("postgres", "redis", "s3")
_START_TIMEOUT_S: Final = 90
_FREE_SPACE: Final = 1 << 30


class LocalStack:
    """The stack, or a part of it, in one data folder.

    As a context manager it starts `processes` and stops every process at the end, however the block ends::

        with LocalStack(folder, processes=("postgres", "redis")) as stack:
            stack.kill("redis")

    Attributes:
        data: Folder of databases, objects, secrets and logs; everything that outlives a run.
        ports: Port by listener name, all on the loopback address.
        credentials: Every secret of this installation.
    """

    def __init__(
        self,
        data: Path,
        *,
        processes: Collection[str] = SERVERS,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.data = data.resolve()
        self._processes = tuple(processes)
        self._configured_ports = dict(ports or {})
        self.ports: dict[str, int] = {}
        self.credentials: Credentials
        self.supervisor = Supervisor(self.data / "run")

    def __enter__(self) -> Self:
        self.prepare()
        try:
            self.start(self._processes)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def prepare(self) -> None:
        """Make the data folder, the ports, the secrets, and start the supervisor with no process yet.

        Raises:
            StackError: The stack already runs on this folder, a port is taken, the disk is full.
        """
        try:
            self._make_folders()
            if self.supervisor.is_running():
                msg = f"Ictus already runs from {self.data}: `make stop` stops it."
                raise StackError(msg)
            self.ports = choose_ports(self.data / "ports.json", self._configured_ports)
            self.credentials = Credentials.load_or_create(self.data / "secrets" / "installation.json")
            write_process_secrets(self.data / "secrets", self.credentials, self.ports)
            self.supervisor.launch(self._supervisor_environment())
        except OSError as error:
            msg = f"{self.data} cannot be used: {error.strerror} ({error.filename})."
            raise StackError(msg) from error

    def _make_folders(self) -> None:
        for name in ("run", "logs", "redis", "s3"):
            (self.data / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self.data).free < _FREE_SPACE:
            msg = f"The disk of {self.data} is full: Ictus needs 1 GB free there."
            raise StackError(msg)

    def start(self, names: Collection[str]) -> None:
        """Start `names` side by side and wait until each is ready."""
        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            for started in [pool.submit(self.start_process, name) for name in names]:
                started.result()

    def start_process(self, name: str) -> None:
        """Start one process and wait until it is ready to be used.

        Raises:
            StackError: It ended, or was not ready in time; the message names its log and the log's last line.
        """
        if name == "postgres":
            database.create_cluster(self.data / "postgres", self.credentials.postgres_password)
        self.supervisor.start(name)
        self.wait_ready(name)

    def wait_ready(self, name: str) -> None:
        """Wait until `name` answers."""
        answers = self._probes()[name]

        def ready_or_ended() -> bool:
            process = self.supervisor.state(name)
            if process.state in {"FATAL", "EXITED"}:
                msg = f"{name} ended while starting: {_last_line(process.log)} (see {process.log})"
                raise StackError(msg)
            return process.state in {"RUNNING", "STARTING"} and answers()

        wait_for(ready_or_ended, timeout_s=_START_TIMEOUT_S, waiting_for=f"{name} (see {self.data / 'logs'})")

    def pid(self, name: str) -> int:
        """Give the process id under which `name` runs now; 0 when it does not."""
        return self.supervisor.state(name).pid

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to `name` as an accident would; the supervisor starts it again. Returns the old pid."""
        pid = self.pid(name)
        os.kill(pid, how)
        wait_for(lambda: self.pid(name) != pid, timeout_s=30, waiting_for=f"{name} to end")
        return pid

    def restart(self, name: str) -> None:
        """Stop `name` in an orderly way, start it, and wait until it is ready."""
        self.supervisor.stop(name)
        self.start_process(name)

    def stop(self) -> None:
        """Stop every process, the databases last, and the supervisor. Does nothing when nothing runs."""
        if self.supervisor.is_running():
            self.supervisor.shut_down()
            self._remove_sockets()

    def _remove_sockets(self) -> None:
        """Remove what SeaweedFS leaves in /tmp beside its configured sockets."""
        for part, listener in (
            ("master", "s3_master"),
            ("volume", "s3_volume"),
            ("filer", "s3_filer"),
            ("s3", "s3"),
        ):
            port = self.ports.get(f"{listener}_grpc")
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def _probes(self) -> dict[str, Callable[[], bool]]:
        dsn = database.admin_dsn(self.ports["postgres"], self.credentials.postgres_password)
        return {
            "postgres": lambda: database.accepts_connections(dsn),
            "redis": lambda: redis_answers(self.ports["redis"], self.credentials.redis_password),
            "s3": lambda: http_answers(f"http://{LOOPBACK}:{self.ports['s3']}/healthz"),
        }

    def _supervisor_environment(self) -> dict[str, str]:
        """Build the small environment that every process gets: no secret, nothing of the caller's shell."""
        kept = ("HOME", "TMPDIR", "TZ", "SSL_CERT_FILE")
        postgres = database.unprivileged_command()
        programs = Path(sys.executable).parent
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "STACK_DATA": str(self.data),
            "STACK_RUN": str(self.data / "run"),
            "STACK_TETHER": " ".join(_tether("TERM", [])),
            "STACK_TETHER_POSTGRES": " ".join(_tether("INT", postgres)),
            "STACK_POSTGRES_BIN": str(database.postgres_programs()),
            **{f"STACK_PORT_{name.upper()}": str(self.ports[name]) for name in LISTENERS},
        }


def _tether(signal_name: str, command: list[str]) -> list[str]:
    """Extend a command prefix so that the process gets a signal when its parent is gone, where Linux offers it."""
    if shutil.which("setpriv") is None:
        return command or ["env"]
    return [*(command or ["setpriv"]), "--pdeathsig", signal_name]


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"

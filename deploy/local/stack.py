"""`LocalStack`: any set of the declared processes on one machine, started, watched and stopped as one."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ictus.domain.errors import IctusError
from local import database, probes
from local.errors import StackError
from local.model_keys import new_model_keys
from local.ports import LISTENERS, LOOPBACK, PortClaims, choose_ports
from local.progress_record import ProgressRecord
from local.secret_files import (
    MLFLOW_BUCKET,
    S3_BUCKET,
    Addresses,
    Credentials,
    ModelKeys,
    write_process_secrets,
)
from local.steps import Announce, quietly, run_steps
from local.supervisor_client import Supervisor, wait_for

SERVERS: Final = ("postgres", "redis", "s3")
EVERYTHING: Final = (
    *SERVERS,
    "mlflow",
    "gateway",
    "gateway-tasks",
    "gateway-deliveries",
    "dimse",
    "feedback",
    "inference",
    "trainer",
)
REPOSITORY: Final = Path(__file__).resolve().parents[2]

_NO_WEB_UI: Final = (
    "<!doctype html><title>Ictus</title><p>The web UI is not built: run <code>make setup</code>.\n"
)
_START_TIMEOUT_S: Final = 120
_TRIES: Final = 3
_FREE_SPACE: Final = 1 << 30


@dataclass(frozen=True)
class FirstAdmin:
    """The administrator that this start made; the password is good for one sign-in and kept nowhere."""

    email: str
    one_time_password: str


class LocalStack:
    """The stack, or a part of it, in one data folder.

    As a context manager it starts `processes`, with all that they need, and stops every process at the end,
    however the block ends::

        with LocalStack(folder, processes=("gateway", "inference")) as stack:
            stack.kill("inference")
            stack.wait_ready("inference")

    Enter it in the main thread: the processes end when the thread that started them does.

    Attributes:
        data: Folder of databases, objects, secrets and logs; everything that outlives a run.
        ports: Port by listener name, all on the loopback address.
        credentials: Every secret of this installation.
        model_keys: What its models are signed with.
        first_admin: Set when this start made the first administrator.
    """

    def __init__(
        self,
        data: Path,
        *,
        processes: Collection[str] = SERVERS,
        ports: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        announce: Announce = quietly,
    ) -> None:
        """Describe a stack; nothing starts yet.

        Args:
            data: Made if need be.
            processes: Names of ``supervisord.conf``.
            ports: Wished ports by listener name; the others are kept from the last run or chosen.
            settings: Further ``ICTUS_…`` variables for every process, as a test may want short leases.
            announce: Shows the steps of a start.
        """
        self.data = data.resolve()
        self._processes = tuple(processes)
        self._configured_ports = dict(ports or {})
        self._settings = dict(settings or {})
        self._announce = announce
        self._given_up = threading.Event()
        self.ports: dict[str, int] = {}
        self._claims = PortClaims()
        self.credentials: Credentials
        self.model_keys: ModelKeys
        self.first_admin: FirstAdmin | None = None
        self.supervisor = Supervisor(self.data / "run")
        self._record = ProgressRecord(self.data)

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
            self.ports = choose_ports(self.data / "ports.json", self._configured_ports, self._claims)
            self.credentials = Credentials.load_or_create(self.data / "secrets" / "installation.json")
            addresses = Addresses.on_loopback(self.ports)
            self.model_keys = ModelKeys.load_or_create(self.data / "secrets", new_model_keys)
            write_process_secrets(self.data / "secrets", self.credentials, self.model_keys, addresses)
            self.supervisor.launch(self._supervisor_environment())
        except OSError as error:
            self._claims.release()
            msg = f"{self.data} cannot be used: {error.strerror} ({error.filename})."
            raise StackError(msg) from error

    def start(self, names: Collection[str]) -> None:
        """Start `names` and all that they need, side by side where nothing forbids it; wait for each.

        Raises:
            StackError: A process ended, or was not ready in time, or a command failed.
        """
        try:
            run_steps(names, self._do, self._announce, self._record.done())
        except IctusError as error:
            self._given_up.set()
            raise StackError(error.detail) from error
        except BaseException:
            self._given_up.set()
            raise

    def start_process(self, name: str) -> None:
        """Start one process alone and wait until it is ready to be used.

        Raises:
            StackError: It ended, or was not ready in time; the message names its log and the log's last line.
        """
        if name == "postgres":
            database.create_cluster(self.data / "postgres", self.credentials.postgres_password)
        self.supervisor.start(name)
        self.wait_ready(name)

    def wait_ready(self, name: str) -> None:
        """Wait until `name` answers.

        Raises:
            StackError: It ended for good or again and again, or did not answer in time.
        """
        seen: set[int] = set()

        def ready_or_ended() -> bool:
            process = self.supervisor.state(name)
            seen.add(process.pid)
            if process.state in {"FATAL", "EXITED"} or len(seen - {0}) > _TRIES:
                msg = f"{name} ended while starting: {_last_line(process.log)} (see {process.log})"
                raise StackError(msg)
            if self._given_up.is_set():
                msg = f"{name} is no longer waited for."
                raise StackError(msg)
            return process.state == "RUNNING" and probes.is_ready(name, self)

        log = self.data / "logs" / f"{name}.log"
        wait_for(ready_or_ended, timeout_s=_START_TIMEOUT_S, waiting_for=f"{name} (see {log})")

    def url(self, listener: str) -> str:
        """Give the http address of the gateway, feedback, mlflow or s3."""
        return f"http://{LOOPBACK}:{self.ports[listener]}"

    @property
    def owns_supervisor(self) -> bool:
        """Whether `prepare` started the supervisor, rather than finding another run's."""
        return self.supervisor.launched

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
        self._given_up.set()
        if self.supervisor.is_running():
            self.supervisor.shut_down()
            self._remove_sockets()
        self._claims.release()

    def run_command(self, service: str, *command: str) -> str:
        """Run one of a service's own commands with that service's secrets; give what it printed.

        Raises:
            StackError: It failed; the message is the last line of its errors.
        """
        environment = {
            **self._environment(),
            "ICTUS_SECRETS_DIR": str(self.data / "secrets" / service),
            "ICTUS_MLFLOW_URL": self.url("mlflow"),
        }
        done = subprocess.run(
            [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            msg = f"`{' '.join(command)}` failed: {lines[-1] if lines else f'exit {done.returncode}'}"
            raise StackError(msg)
        return done.stdout

    def _do(self, step: str) -> None:
        match step:
            case "databases":
                self._prepare_databases()
            case "buckets":
                self._make_buckets()
            case "gateway-tables":
                self.run_command("gateway", "gateway.cli", "migrate")
            case "feedback-tables":
                self.run_command("feedback", "feedback.cli", "migrate")
            case "first-admin":
                printed = self.run_command("gateway", "gateway.cli", "create-admin").split()
                self.first_admin = FirstAdmin(*printed) if printed else None
            case "starter-model":
                self.run_command("trainer", "trainer.cli", "publish", str(REPOSITORY / "models" / "starter"))
            case process:
                self.start_process(process)
        self._record.note(step)

    def _prepare_databases(self) -> None:
        owned = {"gateway": self.credentials.gateway_password, "feedback": self.credentials.feedback_password}
        database.prepare_databases(
            self.ports["postgres"],
            self.credentials.postgres_password,
            owned,
            self.credentials.mlflow_password,
        )

    def _make_buckets(self) -> None:
        from ictus.storage import ObjectStore  # noqa: PLC0415 (the tests' servers need no S3 client)

        endpoint = f"{LOOPBACK}:{self.ports['s3']}"
        keys = (self.credentials.s3_access_key, self.credentials.s3_secret_key)
        for bucket in (S3_BUCKET, MLFLOW_BUCKET):
            ObjectStore(endpoint, *keys, bucket, secure=False).ensure_bucket()

    def _make_folders(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("run", "logs", "redis", "s3", "work", "models", "training", "web"):
            (self.data / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.data / "web" / "index.html").write_text(_NO_WEB_UI)
        if shutil.disk_usage(self.data).free < _FREE_SPACE:
            msg = f"The disk of {self.data} is full: Ictus needs 1 GB free there."
            raise StackError(msg)

    def _remove_sockets(self) -> None:
        """Remove what SeaweedFS leaves in /tmp beside its configured sockets."""
        for part in ("master", "volume", "filer", "s3"):
            port = self.ports.get("s3_grpc" if part == "s3" else f"s3_{part}_grpc")
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def _environment(self) -> dict[str, str]:
        """Build the small environment that every process gets: no secret, nothing of the caller's shell."""
        kept = ("HOME", "TMPDIR", "TZ", "SSL_CERT_FILE")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **self._settings,
        }

    def _supervisor_environment(self) -> dict[str, str]:
        """Name everything that ``supervisord.conf`` refers to."""
        built_web = REPOSITORY / "frontend" / "dist"
        return {
            **self._environment(),
            "STACK_DATA": str(self.data),
            "STACK_RUN": str(self.data / "run"),
            "STACK_WEB": str(built_web if (built_web / "index.html").exists() else self.data / "web"),
            "STACK_MODELS": str(REPOSITORY / "models"),
            "STACK_TETHER": " ".join(_tether("TERM", [])),
            "STACK_TETHER_POSTGRES": " ".join(_tether("INT", database.unprivileged_command())),
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

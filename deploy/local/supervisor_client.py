"""supervisord and its RPC interface, spoken to as typed calls."""

import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from supervisor.xmlrpc import SupervisorTransport

from local.errors import StackError

CONFIGURATION: Final = Path(__file__).with_name("supervisord.conf")
_LONGEST_SOCKET_PATH: Final = 100
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class ProcessState:
    """One process as supervisord sees it."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL."""
    pid: int
    log: Path


class Supervisor:
    """One supervisord, reached over its socket in `run_folder`."""

    def __init__(self, run_folder: Path) -> None:
        self._socket = run_folder / "supervisor.sock"
        if len(str(self._socket)) > _LONGEST_SOCKET_PATH:
            msg = f"The data folder's path is too long for a socket: choose a shorter one than {run_folder.parent}"
            raise StackError(msg)
        self._child: subprocess.Popen[bytes] | None = None

    def launch(self, environment: dict[str, str]) -> None:
        """Start supervisord in a session of its own, so that the terminal's Ctrl-C reaches only us."""
        command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(CONFIGURATION)]
        tether = environment["STACK_TETHER"].split()
        self._child = subprocess.Popen(
            [*tether, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        wait_for(self._is_up, timeout_s=20, waiting_for="the process supervisor")

    @property
    def launched(self) -> bool:
        """Whether it was this object that started supervisord."""
        return self._child is not None

    def is_running(self) -> bool:
        """Tell whether a supervisord answers on the socket."""
        try:
            self._rpc().getState()
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def pid(self) -> int:
        """Give supervisord's own process id."""
        return cast("int", self._rpc().getPID())

    def start(self, name: str) -> None:
        """Ask for `name` to be started; return at once."""
        try:
            self._rpc().startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                msg = f"{name} could not be started: {fault.faultString}"
                raise StackError(msg) from fault

    def stop(self, name: str) -> None:
        """Stop `name` and wait until it is gone."""
        self._stop(name, wait=True)

    def state(self, name: str) -> ProcessState:
        """Look at one process."""
        return _state(cast("dict[str, Any]", self._rpc().getProcessInfo(name)))

    def states(self) -> list[ProcessState]:
        """Look at every declared process."""
        return [_state(info) for info in cast("list[dict[str, Any]]", self._rpc().getAllProcessInfo())]

    def shut_down(self, timeout_s: float = 90) -> None:
        """Stop every process in the declared order, then supervisord; wait until all are gone.

        supervisord left to itself looks at one program a second, running or not. Those of one priority are stopped
        side by side here, and taken from its list once they are gone.
        """
        pid = self.pid()
        programs: dict[int, list[str]] = {}
        for program in cast("list[dict[str, Any]]", self._rpc().getAllConfigInfo()):
            programs.setdefault(program["process_prio"], []).append(program["name"])
        with suppress(xmlrpc.client.Fault, OSError):  # somebody else stops it too, and was faster
            for priority in sorted(programs, reverse=True):
                self._stop_and_remove(programs[priority], timeout_s)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if self._child is not None:
            self._child.wait(timeout_s)
        wait_for(lambda: not _is_alive(pid), timeout_s=timeout_s, waiting_for="the processes to end")

    def _stop_and_remove(self, names: list[str], timeout_s: float) -> None:
        def have_ended() -> bool:
            for name in names:  # again each time: one that has just died would be started anew
                self._stop(name, wait=False)
            return all(self.state(name).state in {"STOPPED", "FATAL"} for name in names)

        wait_for(have_ended, timeout_s=timeout_s, waiting_for=f"{', '.join(names)} to end")
        for name in names:
            self._rpc().removeProcessGroup(name)

    def _stop(self, name: str, *, wait: bool) -> None:
        try:
            self._rpc().stopProcess(name, wait)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                msg = f"{name} could not be stopped: {fault.faultString}"
                raise StackError(msg) from fault

    def _is_up(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            error = self._child.stderr.read().decode().strip().splitlines() if self._child.stderr else []
            msg = f"The process supervisor ended at once: {error[-1] if error else 'no reason given'}"
            raise StackError(msg)
        return self.is_running()

    def _rpc(self) -> Any:
        # A proxy per call: one connection is not safe to share between the threads that start services.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://supervisor", transport=transport).supervisor


def wait_for(condition: Callable[[], bool], *, timeout_s: float, waiting_for: str) -> None:
    """Poll until `condition` holds.

    Raises:
        StackError: It did not within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            msg = f"Waited {timeout_s:.0f} s for {waiting_for}, in vain."
            raise StackError(msg)
        time.sleep(_POLL_S)


def _state(info: dict[str, Any]) -> ProcessState:
    return ProcessState(info["name"], info["statename"], info["pid"], Path(info["stdout_logfile"]))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

"""What the intake child may do: memory, processor time, file size, and no network.

Limits are the kernel's (setrlimit) and hold for native decoders too. The network is closed by the kernel
where it lets an unprivileged process do so: a seccomp filter refuses to make sockets, to start
programs and to touch other processes.
Where there is no seccomp (another system or processor) only Python code is stopped, by an audit hook, and
``confine`` says so; the deployment's own network policy must then hold native code.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from enum import StrEnum

from ictus.imaging.intake import IntakeLimits

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 4, 38, 22, 2

# linux/audit.h architecture, and the numbers of socket, connect, bind, execve, execveat, ptrace, io_uring_setup,
# kill, pidfd_send_signal, process_vm_readv, process_vm_writev: the network, other programs, other processes.
_REFUSED_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 49, 59, 322, 101, 425, 62, 424, 310, 311)),
    "aarch64": (0xC00000B7, (198, 203, 200, 221, 281, 117, 425, 129, 424, 270, 271)),
}
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_X32_CALLS = 0x40000000

_REFUSED_EVENTS = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ftplib.",
    "ctypes.dlopen",
)


class NetworkGuard(StrEnum):
    """What keeps the child off the network."""

    KERNEL = "kernel"
    """A seccomp filter: native code is stopped too."""
    PYTHON = "python"
    """An audit hook: Python code is stopped, native code is not."""


def confine(limits: IntakeLimits) -> NetworkGuard:
    """Give up, for good, what reading a file does not need. Call before the first untrusted byte is read."""
    for kind, limit in (
        (resource.RLIMIT_AS, limits.address_space_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.max_total_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (wanted, wanted))
    os.umask(0o077)
    guard = NetworkGuard.KERNEL if _refuse_calls() else NetworkGuard.PYTHON
    sys.addaudithook(_refuse_event)
    return guard


def _refuse_event(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED_EVENTS):
        raise PermissionError(errno.EPERM, "not allowed while reading a file")


def _refuse_calls() -> bool:
    """Install the seccomp filter; False when this machine has none."""
    if sys.platform != "linux" or platform.machine() not in _REFUSED_CALLS:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    program = _filter(*_REFUSED_CALLS[platform.machine()])
    code = ctypes.create_string_buffer(program)

    class Program(ctypes.Structure):
        """struct sock_fprog."""

        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    wanted = Program(len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(wanted), 0, 0) == 0)


def _filter(architecture: int, calls: tuple[int, ...]) -> bytes:
    """A classic BPF program over struct seccomp_data: refuse ``calls``, kill a foreign architecture."""
    steps = [
        (_LOAD, 0, 0, 4),  # the architecture of the call
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # its number
        (_IF_AT_LEAST, len(calls) + 1, 0, _X32_CALLS),
        *((_IF_EQUAL, len(calls) - index, 0, number) for index, number in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)

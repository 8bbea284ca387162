"""A tar that is encrypted while it is written and decrypted while it is read; nothing lies in plain text."""

import os
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from pathlib import Path

import pyrage

from local.errors import StackError


class BackupError(StackError):
    """A backup could not be made, or is not what it should be."""


def new_identity() -> str:
    """Make the key that opens backups; keep it away from the machine whose backups it opens."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """Give the public half of a key: with it backups are made, and none can be opened."""
    return str(_identity(identity).to_public())


@contextmanager
def sealed_for_writing(path: Path, recipient: str) -> Iterator[tarfile.TarFile]:
    """Write a tar that only the holder of the recipient's key can read; it appears when it is complete.

    Raises:
        BackupError: ``recipient`` is no age recipient, or the disk is full.
    """
    try:
        to = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError as error:
        raise BackupError("That is no age recipient: it begins with age1.") from error
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode=0o600)
        with part.open("wb") as sealed:

            def encrypt(plain: BufferedIOBase) -> None:
                pyrage.encrypt_io(plain, sealed, [to])

            with _beside(encrypt, reads=True) as plain, tarfile.open(fileobj=plain, mode="w|") as tar:
                yield tar
            sealed.flush()
            os.fsync(sealed.fileno())
        part.replace(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def sealed_for_reading(path: Path, identity: str) -> Iterator[tarfile.TarFile]:
    """Read a tar that was written for this key, from its beginning to its end.

    Raises:
        BackupError: the key does not open it, or the file was changed or cut off.
    """
    key = _identity(identity)
    try:
        with path.open("rb") as sealed:

            def decrypt(plain: BufferedIOBase) -> None:
                pyrage.decrypt_io(sealed, plain, [key])

            with _beside(decrypt, reads=False) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
                yield tar
                while plain.read(1 << 20):  # the last block proves that nothing was cut off
                    pass
    except (pyrage.DecryptError, tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path.name} cannot be opened: another key, or the file was changed.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}.") from error


def _identity(text: str) -> pyrage.x25519.Identity:
    lines = [line.strip() for line in text.splitlines()]
    try:
        return pyrage.x25519.Identity.from_str(next(line for line in lines if line and line[0] != "#"))
    except (StopIteration, pyrage.IdentityError) as error:
        raise BackupError("That is no age key: it begins with AGE-SECRET-KEY-1.") from error


@contextmanager
def _beside(work: Callable[[BufferedIOBase], None], *, reads: bool) -> Iterator[BufferedIOBase]:
    """Have ``work`` use one end of a pipe in a thread, while the block uses the other."""
    source, sink = os.pipe()
    ends: tuple[BufferedIOBase, BufferedIOBase] = (os.fdopen(source, "rb"), os.fdopen(sink, "wb"))
    theirs, ours = ends if reads else ends[::-1]

    def run() -> None:
        with suppress(BrokenPipeError), theirs:
            work(theirs)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        try:
            with suppress(BrokenPipeError), ours:  # the thread's own error is the one to be told
                yield ours
        finally:
            failure = done.exception()
        if failure is not None:
            raise failure

"""Has accidents happen to the stack that the browser tests run on: ``python control.py FOLDER DO WITH``.

    freeze PROCESS, thaw PROCESS     a process that hangs, and goes on
    lose STUDY, find STUDY           the stored scan of a study is gone, and is put back

FOLDER is the stack's data folder, which ``stack.py`` prints.
"""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from ictus.storage import ObjectStore
from ictus.storage.keys import study_prefix
from local.ports import LOOPBACK
from local.secret_files import S3_BUCKET, Credentials
from local.supervisor_client import Supervisor


def object_store(folder: Path) -> ObjectStore:
    """The stack's objects."""
    ports = json.loads((folder / "ports.json").read_text())
    credentials = Credentials.load_or_create(folder / "secrets" / "installation.json")
    keys = (credentials.s3_access_key, credentials.s3_secret_key)
    return ObjectStore(f"{LOOPBACK}:{ports['s3']}", *keys, S3_BUCKET, secure=False)


def lose(store: ObjectStore, study_id: UUID, kept: Path) -> None:
    """Take a study's objects out of the store and keep them in a folder."""
    kept.mkdir(exist_ok=True)
    prefix = study_prefix(study_id)
    for key in store.keys(prefix):
        (kept / key.replace("/", "+")).write_bytes(store.get_bytes(key))
    store.delete_prefix(prefix)


def find(store: ObjectStore, study_id: UUID, kept: Path) -> None:
    """Put back what was lost of a study."""
    for path in kept.glob(study_prefix(study_id).replace("/", "+") + "*"):
        store.put_bytes(path.name.replace("+", "/"), path.read_bytes())


def main() -> int:
    """Do one thing."""
    folder, do, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    match do:
        case "freeze" | "thaw":
            pid = Supervisor(folder / "run").state(what).pid
            os.kill(pid, signal.SIGSTOP if do == "freeze" else signal.SIGCONT)
        case "lose":
            lose(object_store(folder), UUID(what), folder / "lost")
        case "find":
            find(object_store(folder), UUID(what), folder / "lost")
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())

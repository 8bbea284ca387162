"""Runs a whole Ictus in a folder that is gone at the end, for as long as standard input stays open: ``python -m tests.e2e.stack [KIND]``.

Prints one JSON line when everything is ready: where it is and how the first administrator signs in.
"""

import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

from local.stack import LocalStack

PROCESSES = ("gateway", "gateway-tasks", "feedback", "inference")

# Three scans fill the queue, and a closed account is seen by an open page at once: a test need not send a thousand
# scans, or look on for ten seconds, to see what a person sees then.
SETTINGS = {"ICTUS_MAX_QUEUE_LENGTH": "3", "ICTUS_STREAM_CHECK_SECONDS": "1"}

# Whom the hospital's own provider says is signed in there.
COLLEAGUE = {"sub": "4711", "email": "nuria.font@hospital.test", "email_verified": True, "name": "Núria Font"}

KINDS = {
    "usual": (PROCESSES, SETTINGS),
    # An installation that learns, and has two radiologists read every result.
    "learning": ((*PROCESSES, "trainer"), {"ICTUS_TWO_READERS": "always"}),
}


def signing_in_at(provider: Provider) -> dict[str, str]:
    """Settings of an installation that people sign in to at a provider of their own, too."""
    return {
        "ICTUS_OIDC_ISSUER": provider.issuer,
        "ICTUS_OIDC_CLIENT_ID": CLIENT_ID,
        "ICTUS_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }


def main() -> int:
    """Serve until whoever started this closes standard input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.stdin.close())
    processes, settings = KINDS[sys.argv[1] if len(sys.argv) > 1 else "usual"]
    folder = Path(tempfile.mkdtemp(prefix="ictus-e2e-"))  # short: a socket's path has room for 108 bytes
    try:
        answer = sys.stdout
        # MLflow's client prints where it wrote to; standard output is for the one line alone.
        with (
            redirect_stdout(sys.stderr),
            running_provider(time.time) as provider,
            LocalStack(folder, processes=processes, settings=settings | signing_in_at(provider)) as stack,
        ):
            provider.person = dict(COLLEAGUE)
            admin = stack.first_admin
            assert admin is not None, "a fresh folder has no administrator yet"
            ready = {
                "url": stack.url("gateway"),
                "email": admin.email,
                "password": admin.one_time_password,
                "folder": str(folder),
            }
            answer.write(json.dumps(ready) + "\n")
            answer.flush()
            sys.stdin.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The intake child: ``python -m ictus.imaging.sandbox``, started by ``ictus.imaging.intake.run_intake``.

Reads one request (JSON) from standard input, confines itself, analyses the upload, writes one answer (JSON)
to standard output and ends. Whatever a hostile file makes of it, the parent sees an answer or its death.
"""

import json
import logging
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from ictus.domain.errors import IntakeError
from ictus.imaging.confinement import confine
from ictus.imaging.intake import IntakeRequest


def main() -> None:
    """Answer the one request on standard input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a native decoder's printing is no answer
    request = IntakeRequest.from_json(sys.stdin.buffer.read())
    # pydicom imports this HTTP client to fetch its own test files: a quarter of the child's start.
    sys.modules["requests"] = None  # type: ignore[assignment]
    logging.disable()
    warnings.simplefilter("ignore")
    guard = confine(request.limits)
    answer = {**_answer(request), "network_guard": guard.value}
    answers.write(json.dumps(answer, default=str).encode())
    answers.flush()
    os._exit(0)  # nothing here needs an orderly end, and freeing a volume takes time


def _answer(request: IntakeRequest) -> dict[str, object]:
    try:
        from ictus.imaging.analysis import analyse, describe_again  # noqa: PLC0415 (imported confined)

        if request.describe_only:
            describe_again(request)
            return {}
        return {"outcome": asdict(analyse(request))}
    except IntakeError as error:
        return {"refused": {"code": error.code, "detail": error.detail, "cause": _place(error.__cause__)}}


def _place(cause: BaseException | None) -> str:
    """An unexpected cause's kind and place in the code, never its words: they may quote the file."""
    trace = cause.__traceback__ if cause is not None else None
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{type(cause).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


if __name__ == "__main__":
    main()

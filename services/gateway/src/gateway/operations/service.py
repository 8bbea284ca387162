"""One look at the installation: its parts, its workers, its figures."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.jobs.models import Attempt, AttemptOutcome, Job, JobKind
from gateway.operations.schemas import AnswerTimes, FigureNow, Operations, PartState, WorkerState
from gateway.resources import Resources
from ictus.domain.enums import JobState

_DAY: Final = timedelta(days=1)
_log = structlog.get_logger(__name__)


def look(resources: Resources, session: Session) -> Operations:
    """Everything at once; a part that does not answer is said to, and keeps nothing else from being said."""
    spool = shutil.disk_usage(resources.settings.work_dir or tempfile.gettempdir())
    return Operations(
        at=resources.clock(),
        parts=_ask(
            {
                "database": resources.check_database,
                "redis": resources.redis.ping,
                "objects": resources.store.ping,
                "feedback": resources.check_feedback,
                "registry": resources.check_registry,
            }
        ),
        answers=_answers(resources, session),
        workers=_workers(resources, session),
        figures=[
            FigureNow(name=one.name, help=one.help, labels=dict(one.labels), value=one.value)
            for one in resources.metrics.figures.read()
        ],
        spool_free_bytes=spool.free,
        spool_bytes=spool.total,
    )


def _ask(checks: Mapping[str, Callable[[], object]]) -> list[PartState]:
    """All parts side by side, so that the slowest silence is the longest wait."""

    def asked(name: str) -> PartState:
        started = time.perf_counter()
        try:
            checks[name]()
        except Exception as error:  # whatever a driver raises, the part did not answer
            _log.warning("part_not_answering", part=name, exc_info=error)
            ok = False
        else:
            ok = True
        return PartState(name=name, ok=ok, milliseconds=round((time.perf_counter() - started) * 1000, 1))

    with ThreadPoolExecutor(len(checks)) as pool:
        return list(pool.map(asked, checks))


def _answers(resources: Resources, session: Session) -> AnswerTimes:
    took = func.extract("epoch", Job.finished_at - Job.created_at)
    count, median, p95 = session.execute(
        select(
            func.count(),
            func.percentile_cont(0.5).within_group(took),
            func.percentile_cont(0.95).within_group(took),
        ).where(
            Job.state == JobState.COMPLETED,
            Job.kind == JobKind.PRIMARY,
            Job.finished_at >= resources.clock() - _DAY,
        )
    ).one()
    return AnswerTimes(answered=count, median_seconds=median, p95_seconds=p95)


def _workers(resources: Resources, session: Session) -> list[WorkerState]:
    rows = session.execute(
        select(
            Attempt.worker_id,
            func.max(Attempt.claimed_at),
            func.count().filter(Attempt.outcome.is_(None)),
            func.count().filter(Attempt.outcome == AttemptOutcome.COMPLETED),
            func.count().filter(Attempt.outcome.in_((AttemptOutcome.FAILED, AttemptOutcome.LEASE_LOST))),
        )
        .where(Attempt.claimed_at >= resources.clock() - _DAY)
        .group_by(Attempt.worker_id)
        .order_by(func.max(Attempt.claimed_at).desc())
    )
    return [
        WorkerState(worker_id=name, last_claim_at=at, running=running, answered=answered, gave_up=gave_up)
        for name, at, running, answered, gave_up in rows
    ]

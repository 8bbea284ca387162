"""What is true after a run, counted in the database behind the services' backs."""

from dataclasses import dataclass
from typing import Final

import psycopg2

from local.database import admin_dsn
from local.stack import LocalStack

_FINAL: Final = "('completed', 'failed', 'cancelled')"
_TOLD_END: Final = "('job.completed', 'job.failed', 'job.cancelled')"


@dataclass(frozen=True, slots=True)
class Count:
    """Rows after a run.

    Attributes:
        jobs: all of them.
        completed: that have an answer by their state.
        failed: that were given up after three attempts.
        results: rows of answers.
        attempts: claims of all jobs.
        open_attempts: claims whose end nobody noted.
        ended_once: jobs of which exactly one end was announced.
        answered: pairs of job and result whose fence is the job's last one.
    """

    jobs: int
    completed: int
    failed: int
    results: int
    attempts: int
    open_attempts: int
    ended_once: int
    answered: int

    def broken_promises(self, jobs: int) -> list[str]:
        """What is not as it must be, in words; empty when every job ended once."""
        checks = {
            f"{self.jobs} jobs came of {jobs} uploads": self.jobs == jobs,
            f"{jobs - self.completed - self.failed} jobs have not ended": self.completed + self.failed
            == jobs,
            f"{self.completed} jobs are completed and {self.results} have a result": self.results
            == self.completed
            == self.answered,
            f"{self.jobs - self.ended_once} jobs did not end exactly once": self.ended_once == self.jobs,
            f"{self.open_attempts} attempts have no end": self.open_attempts == 0,
        }
        return [words for words, holds in checks.items() if not holds]


def ended_jobs(stack: LocalStack) -> int:
    """How many jobs will not change any more. Raises ``psycopg2.OperationalError`` while the server is away."""
    return _numbers(stack, f"SELECT count(*) FROM gateway.jobs WHERE state IN {_FINAL}")[0]  # noqa: S608


def count(stack: LocalStack) -> Count:
    """Count everything."""
    return Count(
        *_numbers(
            stack,
            f"""
            SELECT count(*),
                   count(*) FILTER (WHERE state = 'completed'),
                   count(*) FILTER (WHERE state = 'failed'),
                   (SELECT count(*) FROM gateway.results),
                   (SELECT count(*) FROM gateway.job_attempts),
                   (SELECT count(*) FROM gateway.job_attempts WHERE outcome IS NULL),
                   (SELECT count(*) FROM (
                        SELECT body ->> 'job_id' FROM gateway.events WHERE body ->> 'kind' IN {_TOLD_END}
                        GROUP BY 1 HAVING count(*) = 1) once),
                   (SELECT count(*) FROM gateway.results r
                        JOIN gateway.jobs j ON j.id = r.job_id AND j.fence = r.fence AND j.state = 'completed')
            FROM gateway.jobs
            """,  # noqa: S608
        )
    )


def _numbers(stack: LocalStack, query: str) -> tuple[int, ...]:
    dsn = admin_dsn(stack.ports["postgres"], stack.credentials.postgres_password, "ictus")
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            row: tuple[int, ...] = cursor.fetchone() or ()
            return row
    finally:
        connection.close()

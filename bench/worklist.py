"""``make bench-worklist``: what the gateway asks its database, at a million studies.

Studies are made up in a PostgreSQL of this run's own, the gateway's repositories ask what pages and other systems ask,
and each statement is explained as it ran (EXPLAIN ANALYZE). A question is answered from indexes when no large table is
read from end to end and few rows are looked at. The last line is one line of figures; 1 when a question is not.
"""

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from gateway.auth.permissions import ResourceType
from gateway.database import create_gateway_engine, create_session_factory, migrate
from gateway.dicomweb.query import Search
from gateway.dicomweb.repository import InstanceRepository, Place
from gateway.fhir.criteria import Criteria
from gateway.fhir.repository import FhirRepository
from gateway.jobs.repository import JobRepository
from gateway.studies.models import StudyState, Urgency
from gateway.studies.repository import StudyRepository, WorklistPosition
from gateway.studies.schemas import WorklistOrder, WorklistQuery
from ictus.domain.enums import Disposition, Modality
from local.database import create_service_database
from local.ports import LOOPBACK
from local.secret_files import database_url
from local.stack import LocalStack

_SITES: Final = 4
_PAGE: Final = 51
_LARGE: Final = frozenset({"studies", "instances", "jobs", "series", "results"})
_MOST_ROWS: Final = 20_000
"""Of one question: some hundred times what it answers."""
_TURNS: Final = 5
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SITE: Final = UUID(int=1)

_MADE_UP: Final = """
INSERT INTO gateway.sites (id, name, created_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'Site ' || n, :now FROM generate_series(1, :sites) n;

INSERT INTO gateway.studies (id, site_id, content_sha256, study_uid, modality, priority, hold_reasons, left_out, uploaded_by,
    received_at, patient_ref, accession_ref, state, urgency, completed_at, disposition, finding, stroke_probability)
SELECT md5('study' || n)::uuid, lpad(to_hex(1 + n % :sites), 32, '0')::uuid, decode(md5('content' || n), 'hex'), '2.25.' || n,
    CASE WHEN n % 11 = 0 THEN 'MR' ELSE 'CT' END, CASE WHEN n % 20 = 0 THEN 'STAT' ELSE 'ROUTINE' END, '{}', '{}',
    md5('uploader')::uuid, :now - n * interval '90 seconds', md5('patient' || n / 6)::uuid, md5('accession' || n)::uuid,
    CASE WHEN n <= 40 THEN 'queued' WHEN n % 5003 = 0 THEN 'failed' WHEN n % 9001 = 0 THEN 'held' ELSE 'completed' END,
    CASE WHEN n <= 40 THEN 5 WHEN n % 5003 = 0 THEN 3 WHEN n % 9001 = 0 THEN 5 WHEN n % 12 = 0 THEN 0 WHEN n % 7 = 0 THEN 2
        ELSE 6 END,
    :now - n * interval '90 seconds' + interval '5 seconds', CASE WHEN n % 7 = 0 THEN 'uncertain' ELSE 'confident' END,
    CASE WHEN n % 12 = 0 THEN 'stroke' ELSE 'normal' END, 0.5
FROM generate_series(1, :studies) n;

INSERT INTO gateway.series (id, study_id, position, modality, modality_stated, source_format, series_uid, description, volume_key,
    volume_sha256, voxels_offset, dtype, units, slices, rows, columns, source_files, indexed, warnings)
SELECT md5('series' || n)::uuid, md5('study' || n)::uuid, 0, CASE WHEN n % 11 = 0 THEN 'MR' ELSE 'CT' END, true, 'dicom',
    '2.25.' || n || '.1', '', 'k', '', 0, 'int16', 'hounsfield', 2, 512, 512, 2, true, '{}'
FROM generate_series(1, :studies) n;

INSERT INTO gateway.instances (study_id, sop_instance_uid, series_uid, sop_class_uid, transfer_syntax_uid, instance_number,
    rows, columns, frames, object_key, object_bytes, slices, attributes)
SELECT md5('study' || n)::uuid, '2.25.' || n || '.1.' || number, '2.25.' || n || '.1', '1.2.840.10008.5.1.4.1.1.2',
    '1.2.840.10008.1.2.1', number, 512, 512, 1, 'k', 526336, ARRAY[number],
    jsonb_build_object('00080060', jsonb_build_object('vr', 'CS', 'Value', jsonb_build_array(
        CASE WHEN n % 11 = 0 THEN 'MR' ELSE 'CT' END)))
FROM generate_series(1, :studies) n, generate_series(1, 2) number;

INSERT INTO gateway.jobs (id, study_id, kind, state, priority, requested_by, created_at, not_before, attempt, fence,
    cancel_requested, done, total, finished_at)
SELECT md5('job' || n)::uuid, md5('study' || n)::uuid, 'primary',
    CASE WHEN n <= 40 THEN 'queued' WHEN n % 5003 = 0 THEN 'failed' ELSE 'completed' END,
    CASE WHEN n % 20 = 0 THEN 'STAT' ELSE 'ROUTINE' END, md5('uploader')::uuid, :now - n * interval '90 seconds',
    :now - n * interval '90 seconds', 1, 1, false, 0, 0, CASE WHEN n > 40 THEN :now - n * interval '90 seconds' END
FROM generate_series(1, :studies) n;
"""


@dataclass(frozen=True)
class Answered:
    """How a question was answered.

    Attributes:
        milliseconds: median of several turns, over the connection.
        rows: looked at in tables and indexes.
        whole: large tables that were read from end to end.
        indexes: that were used.
    """

    milliseconds: float
    rows: int
    whole: frozenset[str]
    indexes: frozenset[str]

    @property
    def is_quick(self) -> bool:
        """Whether it is answered from indexes."""
        return not self.whole and self.rows <= _MOST_ROWS


Question = Callable[[Session], object]


def questions(studies: int) -> Mapping[str, Question]:
    """What pages and other systems ask, by name."""
    middle = _NOW - timedelta(seconds=90 * studies // 2)
    deep = WorklistPosition(Urgency.NO_STROKE_FOUND, middle, UUID(int=0))
    uid = f"2.25.{studies // 2 // _SITES * _SITES}"

    def worklist(after: WorklistPosition | None = None, **wanted: Any) -> Question:
        return lambda session: StudyRepository(session).worklist(_SITE, WorklistQuery(**wanted), after, _PAGE)

    def qido(**keys: str) -> Question:
        search = Search.parse([*keys.items(), *([] if "limit" in keys else [("limit", "100")])])
        return lambda session: InstanceRepository(session, _SITE, b"k" * 32).studies(search, Place())

    def within(place: Place) -> Question:
        return lambda session: InstanceRepository(session, _SITE, b"k" * 32).instances(place)

    def fhir(resource: ResourceType, **wanted: Any) -> Question:
        return lambda session: FhirRepository(session, _SITE, b"k" * 32).page(
            resource, Criteria(**wanted), _PAGE
        )

    patient = UUID(bytes=_md5(f"patient{(studies // 2 // _SITES * _SITES) // 6}"))
    return {
        "worklist, most urgent": worklist(),
        "worklist, most urgent, half way down": worklist(deep),
        "worklist, newest": worklist(sort=WorklistOrder.RECEIVED),
        "worklist, newest, half way down": worklist(deep, sort=WorklistOrder.RECEIVED),
        "worklist, uncertain answers": worklist(disposition=[Disposition.UNCERTAIN]),
        "worklist, MR": worklist(modality=[Modality.MR]),
        "worklist, failed": worklist(state=[StudyState.FAILED], sort=WorklistOrder.RECEIVED),
        "studies that are held": lambda session: StudyRepository(session).held(_SITE, _PAGE),
        "QIDO-RS studies": qido(),
        "QIDO-RS studies, the tenth page": qido(offset="1000"),
        "QIDO-RS one study": qido(StudyInstanceUID=uid),
        "QIDO-RS studies of a patient": qido(PatientID=str(patient)),
        "QIDO-RS studies with MR": qido(ModalitiesInStudy="MR"),
        "QIDO-RS instances of a series": within(Place(uid, f"{uid}.1")),
        "FHIR ImagingStudy": fhir(ResourceType.IMAGING_STUDY),
        "FHIR ImagingStudy of a patient": fhir(ResourceType.IMAGING_STUDY, patient=patient),
        "FHIR Patient": fhir(ResourceType.PATIENT),
        "FHIR ServiceRequest": fhir(ResourceType.SERVICE_REQUEST),
        "the job to claim": lambda session: JobRepository(session).lock_most_urgent(_NOW),
        "how long the queue is": lambda session: JobRepository(session).queue_length(),
        "figures of the queue": lambda session: JobRepository(session).figures(),
        "failed jobs": lambda session: JobRepository(session).failed(_SITE, None, _PAGE),
    }


def main() -> int:
    """Make up, ask, explain, print; 1 when a question is not answered from indexes."""
    parser = argparse.ArgumentParser(prog="python -m bench.worklist", description=__doc__)
    parser.add_argument("--studies", type=int, default=1_000_000)
    options = parser.parse_args()
    console = Console()
    with _database() as engine:
        started = time.monotonic()
        console.print(f"making up {options.studies:,} studies …")
        with engine.begin() as connection:
            fill(connection, options.studies)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("RESET statement_timeout"))
        console.print(f"made up in {time.monotonic() - started:.0f} s")
        answers = {name: ask(engine, question) for name, question in questions(options.studies).items()}
    table = Table(title=f"At {options.studies:,} studies of {_SITES} sites")
    for heading in ("", "ms", "rows looked at", "indexes"):
        table.add_column(heading, justify="left" if heading in {"", "indexes"} else "right")
    for name, answer in answers.items():
        read = ", ".join(sorted(answer.indexes)) + "".join(f" ALL OF {one}" for one in sorted(answer.whole))
        table.add_row(name, f"{answer.milliseconds:.1f}", f"{answer.rows:,}", read)
    console.print(table)
    slow = [name for name, answer in answers.items() if not answer.is_quick]
    figures = [
        f"studies={options.studies}",
        f"questions={len(answers)}",
        f"slowest_ms={max(answer.milliseconds for answer in answers.values()):.1f}",
        f"most_rows={max(answer.rows for answer in answers.values())}",
    ]
    verdict = "ok" if not slow else f"NOT FROM INDEXES: {'; '.join(slow)}:"
    sys.stdout.write(f"bench-worklist: {verdict} {' '.join(figures)}\n")
    return 1 if slow else 0


def fill(connection: Connection, studies: int) -> None:
    """Make up studies of several sites, one every 90 seconds, with two instances and a job each."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    for statement in _MADE_UP.split(";\n\n"):
        connection.execute(text(statement), {"now": _NOW, "sites": _SITES, "studies": studies})


def ask(engine: Engine, question: Question) -> Answered:
    """Ask several times, then have the database explain how it finds the answer."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    factory = create_session_factory(engine)
    spent = []
    for _ in range(_TURNS):
        with factory() as session:
            began = time.perf_counter()
            question(session)
            spent.append(1000 * (time.perf_counter() - began))
            session.rollback()
    event.listen(engine, "before_cursor_execute", note)
    try:
        with factory() as session:
            question(session)
            session.rollback()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    nodes = [node for statement, parameters in said for node in _explained(engine, statement, parameters)]
    whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & _LARGE
    rows = sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes
    )
    indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
    return Answered(statistics.median(spent), rows, frozenset(whole), frozenset(indexes))


def _explained(engine: Engine, statement: str, parameters: Any) -> Iterator[Mapping[str, Any]]:
    """The nodes of a plan that read tables and indexes, with what they did."""
    with engine.connect() as connection, connection.begin() as undone:
        plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
        undone.rollback()
    assert plan is not None
    yield from _scans([plan[0]["Plan"]])


def _scans(plans: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for plan in plans:
        if "Scan" in plan["Node Type"] and ("Relation Name" in plan or "Index Name" in plan):
            yield plan
        yield from _scans(plan.get("Plans", ()))


def _md5(said: str) -> bytes:
    """As PostgreSQL's md5() makes ids above."""
    return hashlib.md5(said.encode(), usedforsecurity=False).digest()


@contextmanager
def _database() -> Iterator[Engine]:
    """A PostgreSQL of this run's own with the gateway's tables."""
    with (
        tempfile.TemporaryDirectory(prefix="ictus-") as folder,
        LocalStack(Path(folder), processes=()) as stack,
    ):
        stack.start_process("postgres")
        port, credentials = stack.ports["postgres"], stack.credentials
        create_service_database(
            port, credentials.postgres_password, "worklist", "gateway", credentials.gateway_password
        )
        url = database_url("gateway", credentials.gateway_password, f"{LOOPBACK}:{port}", "worklist")
        migrate(url)
        engine = create_gateway_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()


if __name__ == "__main__":
    sys.exit(main())

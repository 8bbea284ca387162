"""Send scans to Ictus and read its answers.

from ictus_client import ApiKey, Ictus

with Ictus("https://ictus.example.org", ApiKey("ictus_…")) as ictus:
study = ictus.upload(["scan.zip"], priority="STAT")
answer = ictus.wait(study.id)
print(answer.disposition, answer.finding, answer.stroke_probability)
ictus.save_report(study.id, "report.pdf")
"""

from ictus_client.access import ApiKey, BackendService
from ictus_client.client import Ictus
from ictus_client.errors import (
    BusyError,
    IctusError,
    PullFailedError,
    RefusedError,
    TimedOutError,
    UnreachableError,
)
from ictus_client.models import Answer, Patient, Pull, SeriesAnswer, SliceAnswer, Study, StudyRow

__all__ = [
    "Answer",
    "ApiKey",
    "BackendService",
    "BusyError",
    "Ictus",
    "IctusError",
    "Patient",
    "Pull",
    "PullFailedError",
    "RefusedError",
    "SeriesAnswer",
    "SliceAnswer",
    "Study",
    "StudyRow",
    "TimedOutError",
    "UnreachableError",
]

"""The report of a study: the same content as an HTML page and as a PDF. No input or output happens here."""

from ictus.report.html import content_security_policy, render_html
from ictus.report.model import (
    KEY_SLICES_SHOWN,
    KeySlice,
    PatientLabel,
    ReportStatus,
    StudyLabels,
    StudyReport,
    report_status,
)
from ictus.report.next_steps import NextStep, NextStepTable, default_table
from ictus.report.pdf import render_pdf
from ictus.report.reading import Reading

__all__ = [
    "KEY_SLICES_SHOWN",
    "KeySlice",
    "NextStep",
    "NextStepTable",
    "PatientLabel",
    "Reading",
    "ReportStatus",
    "StudyLabels",
    "StudyReport",
    "content_security_policy",
    "default_table",
    "render_html",
    "render_pdf",
    "report_status",
]

"""The report as one self-contained HTML page: styles and pictures inlined, no script, no outside address."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ictus.report import charts, wording
from ictus.report.model import StudyReport


def render_html(report: StudyReport) -> str:
    """Render the page. The same report gives the same text, character for character.

    Serve it with ``content_security_policy()``, under which a browser loads nothing but what is inlined.
    """
    return _environment().get_template("report.html.j2").render(
        report=report,
        result=report.result,
        words=wording,
        tone=wording.tone(report).value,
        css=Markup(_stylesheet()),  # noqa: S704 - our own file, and the policy below holds its hash
        charts=_charts(report),
    )  # fmt: skip


@cache
def content_security_policy() -> str:
    """The Content-Security-Policy that the page needs and no more: its own stylesheet and data: pictures."""
    digest = b64encode(sha256(_stylesheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def _charts(report: StudyReport) -> tuple[tuple[str, bytes], ...]:
    """The chart for each kind of screen, with the classes by which the stylesheet shows the one that fits."""
    series = report.charted_series
    if series is None:
        return ()
    limits = report.result.thresholds
    return tuple(
        (classes, charts.slice_probability_chart(series, limits, colours, size))
        for classes, colours, size in (
            ("wide light", charts.ON_LIGHT, charts.WIDE),
            ("wide dark", charts.ON_DARK, charts.WIDE),
            ("narrow light", charts.ON_LIGHT, charts.NARROW),
            ("narrow dark", charts.ON_DARK, charts.NARROW),
        )
    )


def _data_address(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"


@cache
def _stylesheet() -> str:
    return files(__package__).joinpath("templates/report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ictus.report"),
        autoescape=select_autoescape(("j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["jpeg"] = lambda content: _data_address(content, "image/jpeg")
    environment.filters["png"] = lambda content: _data_address(content, "image/png")
    return environment

"""What can be wrong about a report."""

from ictus.domain.errors import ConflictError


class ReportNotReadyError(ConflictError):
    """The study has no answer yet to report on."""

    code = "report_not_ready"
    title = "There is no report yet: the study has not been analysed."


class RulesChangedError(ConflictError):
    """The rules were changed since they were read."""

    code = "rules_changed"
    title = "Somebody changed the rules meanwhile. Read them again, then make your change."

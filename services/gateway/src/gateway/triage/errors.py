"""What can be wrong about an acknowledgement."""

from ictus.domain.errors import ConflictError


class NoAlertError(ConflictError):
    """Nothing about the study has to be acknowledged."""

    code = "no_alert"
    title = "This study has no alert to acknowledge."

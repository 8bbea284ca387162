"""Errors that the person at the command line can act on."""


class TrainerError(Exception):
    """Base of them: the message is one or two plain sentences, which ``ictus-train`` prints before exit code 1."""

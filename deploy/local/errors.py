"""What stops the local stack, in one line that says what to do."""

import sys
from typing import NoReturn


class StackError(Exception):
    """The stack cannot start or continue; the message is one line for the person at the terminal."""


def fail(message: str) -> NoReturn:
    """End a command with this line."""
    sys.stderr.write(f"{message}\n")
    sys.exit(1)

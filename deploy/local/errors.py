"""What stops the local stack, in one line that says what to do."""


class StackError(Exception):
    """The stack cannot start or continue; the message is one line for the person at the terminal."""

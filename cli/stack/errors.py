"""What can be wrong with a stack."""


class StackError(RuntimeError):
    """A stack that can't be worked with; the message is one line that says what to do."""


class NoSuchStack(StackError):
    """There is none of this name, neither of ours nor of the caller's own log-in."""

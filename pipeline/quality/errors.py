"""What goes wrong with checks, apart from what they find."""


class QualityError(RuntimeError):
    """A request that can't be met, or a check that gave no answer; the message says why."""

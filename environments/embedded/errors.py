"""The one error of this environment that a person is meant to read."""


class EnvironmentFailed(RuntimeError):
    """The embedded environment can't do what was asked; the message is what the user reads."""

"""What can go wrong with a Metabase, each told in one line."""


class MetabaseError(RuntimeError):
    """Metabase can't be brought to what the spec says; the message is one line."""


class MetabaseRefused(MetabaseError):
    """Metabase said no to one call."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(message)
        self.status = status

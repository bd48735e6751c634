"""What must not be left half-way: a note in the stack's folder while it lasts, whatever ends it."""

from dataclasses import dataclass

from cli.stack.errors import StackError
from cli.stack.place import Place


@dataclass(frozen=True)
class Operation:
    """One of them; `told` says what is half done and what to do, with `{ecom}` for the command."""

    note: str
    told: str

    def begin(self, place: Place) -> None:
        """Note it, before its first step that can't be taken back; also where the backend is not ours."""
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place.folder / self.note).touch()

    def end(self, place: Place) -> None:
        """Take the note away."""
        (place.folder / self.note).unlink(missing_ok=True)

    def noted(self, place: Place) -> bool:
        """Say whether it was begun and has not ended."""
        return (place.folder / self.note).exists()

    def refuse(self, place: Place) -> None:
        """Raise StackError if it has to be finished first."""
        if self.noted(place):
            raise StackError(self.told.format(ecom=f"ecom --stack {place.name}"))


# The state has new secrets of which the server knows nothing yet.
ROTATION = Operation("rotating", "a rotation of the secrets was interrupted: `{ecom} secrets rotate` first")
# Some volumes are of the backup's time and some of today's, or one is half of each.
RESTORE = Operation(
    "restoring", "a restore was interrupted and the data are not whole: `{ecom} restore FOLDER` first"
)
# Nothing is protected any more, so that a plain `down` would take the data too.
WIPE = Operation(
    "wiping",
    "a wipe was interrupted and nothing protects the data: `{ecom} down --wipe` finishes it, or `{ecom} up`"
    " protects what is left",
)

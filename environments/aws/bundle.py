"""What is deployed, as files: our code in one reproducible archive, and what `make aws-artifacts` made."""

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).resolve().parents[2]
CERTIFICATES = "rds-ca.pem"
PYTHON = "environment.tar.gz"
CODE = "code.zip"
# Airflow runs every Python file among its plugins, `__main__.py` too, unless this file names it; our code is
# there to be imported, and holds no plugin.
IGNORED = ".airflowignore"
_HASH = 16
# The same day in each archive, or the same code would have another hash every time.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """Files to upload: jars, packed Python, the code with RDS's certificates, entry points, DAGs.

    `certificates` are those of RDS alone, which go into the image too.
    """

    jars: tuple[Path, ...]
    python: Path
    code: Path
    entries: tuple[Path, ...]
    dags: tuple[Path, ...]
    certificates: Path


def bundle(folder: str) -> Bundle:
    """Collect the files; raise ValueError with a line for what `folder` lacks."""
    made = REPOSITORY / folder
    jars = tuple(sorted((made / "jars").glob("*.jar")))
    missing = [name for name in (PYTHON, CERTIFICATES) if not (made / name).is_file()]
    if missing or not jars:
        lacks = ", ".join([*missing, *(() if jars else ("jars/*.jar",))])
        raise ValueError(f"awsArtifacts = {folder}: lacks {lacks}; `make aws-artifacts` makes them")
    return Bundle(
        jars=jars,
        python=made / PYTHON,
        code=_archive(made),
        entries=tuple(sorted((Path(__file__).parent / "entry").glob("[a-z]*.py"))),
        dags=tuple(sorted((REPOSITORY / "dags").glob("*.py"))),
        certificates=made / CERTIFICATES,
    )


def _archive(made: Path) -> Path:
    """Write an archive of the pipeline and RDS's certificates."""
    contents = {name: path.read_bytes() for name, path in files("pipeline").items()}
    contents |= {CERTIFICATES: (made / CERTIFICATES).read_bytes(), IGNORED: b"*\n"}
    with tempfile.NamedTemporaryFile(dir=made, delete=False) as file:
        file.write(archive(contents))
    # In one step: another stack of this checkout may be reading it.
    return Path(file.name).replace(made / CODE)


def archive(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip of these files; the same files are the same bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in sorted(contents.items()):
            zipped.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def files(*parts: str) -> dict[str, Path]:
    """Return the files in these parts of the repository, by their place there; no caches and no prose."""
    found = [path for part in parts for path in (REPOSITORY / part, *(REPOSITORY / part).rglob("*"))]
    names = {path.relative_to(REPOSITORY).as_posix(): path for path in found if path.is_file()}
    return {name: path for name, path in sorted(names.items()) if _belongs(PurePosixPath(name))}


def _belongs(name: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
    return not hidden and name.suffix not in (".pyc", ".md")


def content_hash(path: Path) -> str:
    """Return a short hash of a file's content, for a name that a changed file does not share."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_HASH]


def short_hash(content: bytes) -> str:
    """Return the same of what is in memory."""
    return hashlib.sha256(content).hexdigest()[:_HASH]

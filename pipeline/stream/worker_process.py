"""What a Python worker of Spark pays per task, cut down.

Two things cost a worker some 100 ms after each task, more than a small micro-batch itself (seen with py-spy):
`importlib.invalidate_caches()` reads the directory of each archive on the path again, Spark's own jar among
them, and `gc.collect()` walks through everything that pandas and pyarrow ever made.
"""

import functools
import gc
import sys
from zipimport import zipimporter


@functools.cache
def settle() -> None:
    """Tell this process, once, that archives don't change and that what is imported by now stays."""
    for finder in sys.path_importer_cache.values():
        if isinstance(finder, zipimporter):
            finder.invalidate_caches = _nothing_to_do  # type: ignore[method-assign]
    gc.collect()
    gc.freeze()


def _nothing_to_do() -> None:
    """An archive on the path is the same for as long as the job runs."""

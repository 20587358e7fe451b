"""Publishing by rename: what is half made has a draft's name, what has its own name is whole and final."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostinato.disk.documents import sync_folder
from ostinato.errors import RunError

DRAFT = ".draft-"


@contextmanager
def publishing(target: Path) -> Iterator[Path]:
    """Yield a draft folder that takes the name ``target`` only if the body succeeds.

    A reader, a resumed run, or a crash therefore sees the whole folder or none of it.

    Raises:
        RunError: ``target`` exists already.
    """
    if target.exists():
        raise RunError(f"{target} exists already and is never overwritten")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{DRAFT}{target.name}-", dir=target.parent))
    try:
        yield draft
        draft.chmod(0o755)
        sync_folder(draft)
        draft.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def discard(folder: Path) -> None:
    """Remove a published folder so that no crash leaves half of it under its name."""
    doomed = folder.with_name(f"{DRAFT}{folder.name}-old")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the drafts that a crash left in a folder; call only under the run's lock."""
    for draft in [*folder.glob(f"{DRAFT}*"), *folder.glob(".*.json.*")]:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)

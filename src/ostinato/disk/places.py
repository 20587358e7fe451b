"""Where data lie on this machine: what the environment names, or what the system has for them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return where encoded corpora and downloads are kept: OSTINATO_CACHE, or the system's place for caches."""
    return Path(os.environ.get("OSTINATO_CACHE") or platformdirs.user_cache_path("ostinato"))


def data_folder() -> Path | None:
    """Return the folder of data that are on disk already: OSTINATO_DATA."""
    named = os.environ.get("OSTINATO_DATA")
    return Path(named) if named else None

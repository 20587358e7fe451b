"""Small models that come with the program, by name, so that the first minute needs no training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "shipped"

#: The file of each.
SHIPPED: Mapping[str, Path] = {file.stem: file for file in sorted(_FOLDER.glob("*.safetensors"))}


def path_or_shipped(path: str | Path) -> Path:
    """Return a path as it is; where nothing is there and a model of that name is shipped, that model's."""
    own = Path(path)
    return own if own.exists() else SHIPPED.get(str(path), own)

"""What each family brings to the laws and the fuzzers, a file for each: a new family adds one.

``TOYS`` of a file has, for each recipe, what writes its toy corpus into a folder (``None``: it makes its own) and its
settings besides the small ones; ``FUZZED`` has functions that take any bytes, and ``SEEDS`` well-formed inputs of them.
"""

from importlib import import_module
from pathlib import Path

FILES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
_ROOMS = [import_module(f"rooms.{name}") for name in FILES]
TOYS = {recipe: toy for room in _ROOMS for recipe, toy in room.TOYS.items()}
FUZZED = [target for room in _ROOMS for target in getattr(room, "FUZZED", ())]
SEEDS = {name: seeds for room in _ROOMS for name, seeds in getattr(room, "SEEDS", {}).items()}

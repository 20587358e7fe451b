"""Everything this package raises on purpose.

* OstinatoError
  + ConfigError (ValueError)      a setting is unknown, missing, or out of range
  + CorpusError (ValueError)      the data given cannot be read, or is too little to learn from
    - AbcError                    a text is no ABC notation; with line and column
  + CodecError (ValueError)       raw data and ids do not fit each other
    - UnknownSymbolError          a text has symbols that the codec does not know
  + RunError (OSError)            a run folder or model file is absent, damaged, in use, or of another version
    - DamagedError                a file of a run is truncated or altered
  + TrainingError (RuntimeError)  training cannot go on
    - LostRankError               another process of the same training is gone
    - ToldElsewhereError          the first process of the same training could not go on
  + EngineError (RuntimeError)     compiled code cannot be made, or a model's numbers overflow in it
  + ShardError (RuntimeError)     a part of a bulk job could not be done
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

__all__ = [
    "AbcError",
    "CodecError",
    "ConfigError",
    "CorpusError",
    "DamagedError",
    "EngineError",
    "LostRankError",
    "OstinatoError",
    "RunError",
    "ShardError",
    "ToldElsewhereError",
    "TrainingError",
    "UnknownSymbolError",
    "unknown_name",
]


class OstinatoError(Exception):
    """Base of every error this package raises on purpose; the CLI prints its text without a traceback."""


class ConfigError(OstinatoError, ValueError):
    """A setting is unknown, missing, or out of range."""


class CorpusError(OstinatoError, ValueError):
    """The data given cannot be read, or is too little to learn from."""


class AbcError(CorpusError):
    """A text is no ABC notation; the message has line and column."""


class CodecError(OstinatoError, ValueError):
    """Raw data and ids do not fit each other."""


class UnknownSymbolError(CodecError):
    """A text has symbols that the codec does not know."""


class RunError(OstinatoError, OSError):
    """A run folder or model file is absent, damaged, in use, or written by another format version."""


class DamagedError(RunError):
    """A file of a run is truncated or altered."""


class TrainingError(OstinatoError, RuntimeError):
    """Training cannot go on."""


class ToldElsewhereError(TrainingError):
    """The first process of the same training could not go on; it says why itself."""


class EngineError(OstinatoError, RuntimeError):
    """Compiled code cannot be made, or a model's numbers overflow in it."""


class ShardError(OstinatoError, RuntimeError):
    """A part of a bulk job could not be done."""


class LostRankError(TrainingError):
    """Another process of the same training is gone."""


def unknown_name(
    kind: str, name: str, known: Iterable[str], *, where: str, elsewhere: Mapping[str, str] | None = None
) -> ConfigError:
    """Make (not raise) the error for a name that is not known, offering the nearest one that is.

    ``elsewhere`` has the names that other tools use, with ours.

    >>> print(unknown_name("setting", "hiden_size", ["layers", "hidden_size"], where="a.json"))
    unknown setting 'hiden_size' in a.json; did you mean 'hidden_size'? Known: hidden_size, layers
    """
    names = sorted(known)
    meant = (elsewhere or {}).get(name)
    close = [meant] if meant in names else get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return ConfigError(f"unknown {kind} {name!r} in {where}{hint} Known: {', '.join(names) or 'none'}")

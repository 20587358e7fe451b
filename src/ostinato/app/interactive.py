"""Writing in turns with a person: a line from them, a text from the model, in one text that both go on with."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ostinato.app.terminal.output import as_written, shown
from ostinato.errors import ConfigError, OstinatoError

if TYPE_CHECKING:
    from ostinato.decode.pipeline import RuleSettings
    from ostinato.families.text.model import TextModel

HELP = """\
Type a beginning; the model goes on from all that was written before. An empty line lets it go on.
Now :temperature {temperature}  :length {length}  :seed {seed}  (with another number each changes)
:text   shows the whole text      :back   takes the last turn back
:new    begins a new text         :quit   ends
"""
_KINDS: dict[str, Callable[[str], Any]] = {"temperature": str, "length": int, "seed": int}


@dataclass(frozen=True)
class Turn:
    """The text after a turn, and the options of the next.

    Attributes:
        text: All that was written.
        options: ``temperature``, ``length`` and ``seed``; the seed goes up by one with every turn.
    """

    text: str
    options: dict[str, Any]


def talk(model: TextModel, first: Turn, rules: RuleSettings, options: dict[str, Any]) -> None:
    """Write in turns until the person ends it.

    Args:
        model: The model.
        first: The beginning, and the options of the first turn.
        rules: The rules; their temperature is that of a turn.
        options: All other options of ``TextModel.stream``.
    """
    with contextlib.suppress(ImportError):  # of a system without it; with it lines can be edited
        import_module("readline")
    print(HELP.format(**first.options), file=sys.stderr)
    if first.text:
        print(as_written(first.text), file=sys.stderr, flush=True)
    turns = [first]
    for line in _lines():
        now = turns[-1]
        if line.startswith(":"):
            if line.strip() == ":quit":
                return
            with _told():
                turns = _command(line, turns, first)
            continue
        with _told(), contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends a turn, and not the talk
            turns.append(_written(model, replace(now, text=now.text + line), rules, options))


def _lines() -> Iterator[str]:
    while True:
        try:
            yield input("> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            return


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Print an error, and go on."""
    try:
        yield
    except OstinatoError as error:
        print(f"error: {shown(error)}", file=sys.stderr)


def _command(line: str, turns: list[Turn], first: Turn) -> list[Turn]:
    """Do what a line that begins with a colon says; return the turns after it."""
    name, _, value = line[1:].strip().partition(" ")
    if name == "new":
        return [replace(first, text="", options=turns[-1].options)]
    if name == "back":
        return turns[:-1] or turns
    if name == "text":
        print(as_written(turns[-1].text))
        return turns
    if name not in _KINDS:
        raise ConfigError(
            f"there is no command :{name}; there are :{', :'.join([*_KINDS, 'text', 'back', 'new', 'quit'])}"
        )
    try:
        given = _KINDS[name](value)
    except ValueError as error:
        raise ConfigError(f":{name} takes a number, got {value!r}") from error
    return [*turns[:-1], replace(turns[-1], options={**turns[-1].options, name: given})]


def _written(model: TextModel, turn: Turn, rules: RuleSettings, options: dict[str, Any]) -> Turn:
    """Let the model go on, showing every piece as it is written."""
    text = turn.text
    own = replace(rules, temperature=turn.options["temperature"])
    given = {name: turn.options[name] for name in ("length", "seed")}
    for piece in model.stream(text, rules=own, **given, **options):
        print(as_written(piece), end="", flush=True)
        text += piece
    print(flush=True)
    ended = model.codec.end is not None  # an item is whole; the next line begins another
    return Turn("" if ended else text, {**turn.options, "seed": turn.options["seed"] + 1})

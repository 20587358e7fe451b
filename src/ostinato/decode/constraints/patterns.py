"""Regular expressions as automata over bytes. No PyTorch here."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from ostinato.decode.constraints.building import PatternBuilder, shortened
from ostinato.decode.constraints.bytes import BYTES, ByteTable
from ostinato.errors import ConfigError

_MOST_PLACES = 50_000  # of a pattern spelled out; the library would be busy with more for minutes
_GROUP = re.compile(r"\((?:\?(?:P?<\w+>|[A-Za-z-]*:|(?=[A-Za-z-]*\))))?")
# Classes in classes, and comments: brackets in them open and close nothing, which is for the library to say.
_IN_DOUBT = re.compile(r"\[[^\]]*\[|#|&&|--|~~")
_COUNT = re.compile(r"\{\s*(\d+)\s*(?:,\s*(\d*)\s*)?\}")  # with white space, as (?x) allows it
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.)", re.S)
_SECONDS = 1.5
_MOST_NESTED = 200  # brackets in brackets; the library takes 250
_WIDE, _BROAD = 100, 10  # places that a class of Unicode letters, or any other class, stands for


@lru_cache(maxsize=64)
def matching(pattern: str, *, seconds: float = _SECONDS) -> ByteTable:
    """Return an automaton of the texts that a regular expression matches as a whole.

    The ``outlines-core`` library builds it in another process, within bounds of time and memory. The syntax is
    that of Rust's ``regex`` crate, without look-around, back-references and anchors.

    Args:
        pattern: The expression.
        seconds: Longest time for building the automaton; usual ones take milliseconds.

    Raises:
        ConfigError: The pattern has an error, or is beyond automata, or needs one that is too large.
    """
    _check_size(pattern)
    kind, answer = b"", b""
    if _IN_DOUBT.search(
        pattern
    ):  # brackets that are none: the library has to take the pattern alone before it is wrapped
        kind, answer = _BUILDER.build(pattern, seconds, alone=True)
    if kind != b"e":
        kind, answer = _BUILDER.build(pattern, seconds)
    if kind == b"e":
        raise ConfigError(
            f"the pattern {shortened(pattern)} cannot be matched: {answer.decode()}. Syntax as of Rust's regex crate, "
            "over the whole new text; there is no look-around, no back-reference, no anchor (^, $, \\b)"
        )
    if kind == b"l":
        raise ConfigError(
            f"the pattern {shortened(pattern)} is too large: its automaton has {int(answer):,} states; repeat less, or "
            "use * and +"
        )
    states = len(answer) // (4 * BYTES + 1)
    table = np.frombuffer(answer, dtype=np.int32, count=states * BYTES).reshape(states, BYTES)
    accepts = np.frombuffer(answer, dtype=np.uint8, offset=4 * table.size).astype(bool)
    return ByteTable(table, accepts, f"the pattern {pattern!r}")


_BUILDER = PatternBuilder()


def _check_size(pattern: str) -> None:
    """Refuse a pattern whose repetitions, spelled out, have too many places, or whose brackets do not match."""
    sizes, last, at = [0], 0, 0
    while at < len(pattern):
        count = _COUNT.match(pattern, at)
        if count:
            times = max(int(count[1]), int(count[2] or 0))
            sizes[-1] += last * (times - 1)
            last, at = last * times, count.end()
        elif pattern[at] == "(":
            group = _GROUP.match(pattern, at)
            at = group.end() if group else at + 1
            sizes.append(0)
            if len(sizes) > _MOST_NESTED:
                raise ConfigError(
                    f"the pattern {shortened(pattern)} nests brackets more than {_MOST_NESTED} deep; leave some out"
                )
        elif pattern[at] == ")":
            if len(sizes) == 1 and not _IN_DOUBT.search(pattern):
                raise ConfigError(f"the pattern {shortened(pattern)} closes a bracket that it has not opened, at {at}")
            last, at = sizes.pop() if len(sizes) > 1 else last, at + 1
            sizes[-1] += last
        elif pattern[at] in "*+?|":
            at += 1
        else:
            piece = _CLASS.match(pattern, at) or _ESCAPE.match(pattern, at)
            text = piece[0] if piece else pattern[at]
            last, at = _weight(text), at + len(text)
            sizes[-1] += last
        if sum(sizes) > _MOST_PLACES:
            raise ConfigError(
                f"the pattern {shortened(pattern)} is too large: with its repetitions spelled out it has over "
                f"{_MOST_PLACES:,} places; repeat less, or use * and +"
            )


def _weight(text: str) -> int:
    if re.search(r"\\[wWpP]", text):
        return _WIDE
    return _BROAD if text == "." or text[:1] == "[" or re.fullmatch(r"\\[dDsS]", text) else 1

"""Regular expressions as automata over bytes. No PyTorch here."""

from __future__ import annotations

import re

import numpy as np

from ostinato.decode.constraints.bytes import BYTES, DEAD, ByteTable
from ostinato.errors import ConfigError

_MOST_PLACES = 50_000  # of a pattern spelled out; the library would be busy with more for minutes
_GROUP = re.compile(r"\((?:\?(?:P?<\w+>|[A-Za-z-]*:|(?=[A-Za-z-]*\))))?")
_COUNT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.)", re.S)
_WIDE, _BROAD = 100, 10  # places that a class of Unicode letters, or any other class, stands for


def matching(pattern: str) -> ByteTable:
    """The texts that a regular expression matches as a whole.

    The ``outlines-core`` library turns it into an automaton: syntax as of Rust's ``regex`` crate, without
    look-around, back-references and anchors.

    Raises:
        ConfigError: The pattern has an error, or needs what no automaton can do.
    """
    _check_size(pattern)
    from outlines_core import Index, Vocabulary

    # The library loses texts that go on where a shorter one could have ended. So the end is made visible: a
    # zero byte, which no text has, follows; a state accepts if the zero byte leads to the library's own end.
    try:
        index = Index(f"(?:{pattern})\\x00", Vocabulary(BYTES, {bytes([value]): [value] for value in range(BYTES)}))
    except ValueError as error:
        raise ConfigError(
            f"the pattern {pattern!r} cannot be matched: {error}. Syntax as of Rust's regex crate, over the whole new "
            "text; there is no look-around, no back-reference, no anchor (^, $, \\b)"
        ) from error
    moves, start, final = index.get_transitions(), index.get_initial_state(), index.get_final_states()
    states = {name: number for number, name in enumerate([start, *sorted(set(moves) - {start})])}
    table = np.full((len(states), BYTES), DEAD, dtype=np.int32)
    accepts = np.zeros(len(states), dtype=bool)
    for name, to in moves.items():
        for byte, after in to.items():
            if byte == 0:
                accepts[states[name]] = after in final
            elif byte < BYTES and after in states:
                table[states[name], byte] = states[after]
    return ByteTable(table, accepts, f"the pattern {pattern!r}")


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
        elif pattern[at] == ")":
            if len(sizes) == 1:
                raise ConfigError(f"the pattern {pattern!r} closes a bracket that it has not opened, at {at}")
            last, at = sizes.pop(), at + 1
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
                f"the pattern {pattern!r} is too large: with its repetitions spelled out it has over {_MOST_PLACES:,} "
                "places; repeat less, or use * and +"
            )


def _weight(text: str) -> int:
    if re.search(r"\\[wWpP]", text):
        return _WIDE
    return _BROAD if text == "." or text[:1] == "[" or re.fullmatch(r"\\[dDsS]", text) else 1

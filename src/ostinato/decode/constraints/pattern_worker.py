"""Turn regular expressions into automata in a process of its own: unlike the library, it can be stopped.

Run by ``ostinato.decode.constraints.building`` from its text alone, so it imports nothing of ours. For each pattern
that comes on standard input (4 bytes of length; ``w``, or ``a`` to check only whether it is a pattern; UTF-8) it
answers with a letter, 4 bytes of length, and

* ``r``: it is ready for the first pattern;
* ``t``: state after each byte, [S, 256] int32, then one byte for each state, 1 where it accepts; state 0 is the start;
* ``e``: the library's error, UTF-8;
* ``l``: the number of states, in decimal: there are too many.
"""

from __future__ import annotations

import re
import signal
import sys
from array import array
from typing import Any

_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x[a-zA-Z]*\)")
_BYTES, _DEAD, _MOST_STATES = 256, -1, 50_000


def main() -> None:
    """Answer patterns until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who waits
    from outlines_core import Vocabulary

    vocabulary = Vocabulary(_BYTES, {bytes([value]): [value] for value in range(_BYTES)})
    streams = sys.stdin.buffer, sys.stdout.buffer
    streams[1].write(b"r" + bytes(4))
    streams[1].flush()
    while length := streams[0].read(4):
        asked = streams[0].read(int.from_bytes(length, "little"))
        kind, answer = _built(asked[1:].decode(), vocabulary, alone=asked[:1] == b"a")
        streams[1].write(kind + len(answer).to_bytes(4, "little") + answer)
        streams[1].flush()


def _built(pattern: str, vocabulary: Any, *, alone: bool) -> tuple[bytes, bytes]:
    from outlines_core import Index

    # The library loses texts that go on where a shorter one could have ended. So the end is made visible: a
    # zero byte, which no text has, follows; a state accepts if the zero byte leads to the library's own end.
    try:
        line_end = "\n" if _VERBOSE.match(pattern) else ""  # which ends a comment
        index = Index(pattern if alone else f"(?:{pattern}{line_end})\\x00", vocabulary)
    except ValueError as error:
        return b"e", str(error).encode()
    if alone:
        return b"t", b""
    moves, start, final = index.get_transitions(), index.get_initial_state(), index.get_final_states()
    states = {name: number for number, name in enumerate([start, *sorted(set(moves) - {start})])}
    if len(states) > _MOST_STATES:
        return b"l", str(len(states)).encode()
    table = array("i", [_DEAD]) * (_BYTES * len(states))
    accepts = bytearray(len(states))
    for name, to in moves.items():
        for byte, after in to.items():
            if byte == 0:
                accepts[states[name]] = after in final
            elif byte < _BYTES and after in states:
                table[_BYTES * states[name] + byte] = states[after]
    return b"t", table.tobytes() + bytes(accepts)


if __name__ == "__main__":
    main()

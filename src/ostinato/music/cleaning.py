"""Choice of the tunes of tunebooks that can be learned from, with a report on those left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ostinato.errors import ConfigError
from ostinato.music.abc_reading import ReadTune
from ostinato.music.bars import bars, check
from ostinato.music.elements import Chord, Note
from ostinato.music.likeness import settings_of_one
from ostinato.music.tokens import NOTES_ONLY, Kept, simplified, tokens_of
from ostinato.music.tune import Tune

_FEWEST_NOTES = 16


@dataclass(frozen=True)
class LeftOut:
    """A tune that is not learned from.

    Attributes:
        name: Name of the file.
        line: Line in which it begins.
        title: Title of the tune.
        kind: Reason in two or three words, which many tunes share.
        message: Reason in full, for this tune.
    """

    name: str
    line: int
    title: str
    kind: str
    message: str


@dataclass
class Cleaned:
    """Tunes of tunebooks: those kept and those left out.

    Attributes:
        tunes: Tunes that can be learned from, as they were written.
        simple: The same tunes as tokens represent them: ``simplified``.
        groups: Group number of each of them; settings of one tune have the same.
        left_out: Tunes that cannot be learned from, in the order of the files.
        read: Number of tunes in all.
    """

    tunes: list[Tune] = field(default_factory=list)
    simple: list[Tune] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    read: int = 0

    def report(self) -> list[str]:
        """Return the report, a line each: counts first, then every tune that was left out."""
        kinds = Counter(one.kind for one in self.left_out)
        kept, different = len(self.tunes), len(set(self.groups))
        if self.read == kept == different == 1:
            return ["1 tune read and kept"]
        lines = [f"{self.read:,} tunes read, {kept:,} kept, {different:,} of them different"]
        lines += [f"{count:,} left out: {kind}" for kind, count in kinds.most_common()]
        return lines + [f"{one.name}, line {one.line}: {one.title!r}: {one.message}" for one in self.left_out]


def clean(
    books: Iterable[tuple[str, Iterable[ReadTune]]], kept: Kept = NOTES_ONLY, *, wrong_bars: bool = False
) -> Cleaned:
    """Choose the tunes of tunebooks that can be learned from.

    Args:
        books: Name of each file, and the tunes found in it.
        kept: Elements that are learned besides notes, bars and endings.
        wrong_bars: Whether tunes are kept whose bars do not add up.
    """
    cleaned, known = Cleaned(), dict[tuple[str, ...], str]()
    for name, tunes in books:
        for entry in tunes:
            cleaned.read += 1
            reason = _reason(entry, kept, cleaned, known, wrong_bars=wrong_bars)
            if reason is None:
                cleaned.tunes.append(entry.tune)
            else:
                cleaned.left_out.append(LeftOut(name, entry.source.first, entry.tune.title, *reason))
    cleaned.groups = settings_of_one(cleaned.tunes)
    return cleaned


def _reason(
    found: ReadTune, kept: Kept, cleaned: Cleaned, known: dict[tuple[str, ...], str], *, wrong_bars: bool
) -> tuple[str, str] | None:
    """Return the short and the full reason to leave a tune out, or add it to ``cleaned.simple`` and return ``None``."""
    if found.problems:
        return "not readable", str(found.problems[0])
    notes = sum(isinstance(element, Note | Chord) for element in found.tune.body)
    if notes < _FEWEST_NOTES:
        return "too short", f"it has {notes} notes, fewer than {_FEWEST_NOTES}"
    try:
        simple = simplified(found.tune, kept)
        tokens = tuple(tokens_of(simple))
    except ConfigError as error:
        return "not in C", str(error)
    if not wrong_bars and not check(found.tune).is_clean:
        return "wrong bars", _wrong_bars(found.tune)
    if tokens in known:
        return "known already", f"note for note {known[tokens]!r}"
    known[tokens] = found.tune.title
    cleaned.simple.append(simple)
    return None


def _wrong_bars(tune: Tune) -> str:
    """Return a text on the bars that do not add up, with their lengths."""
    wrong = check(tune).wrong
    numbered = [(number, bar) for number, bar in enumerate(bars(tune), 1) if bar in wrong]
    return "; ".join(f"bar {number} lasts {bar.length}, not {bar.meter}" for number, bar in numbered)

"""Folk tunes: loss on tunes never seen, ten thousand composed ones checked, what the grammar costs.

    OSTINATO_DATA=… python benchmarks/folk.py books FOLDER             writes train.abc and test.abc
    OSTINATO_DATA=… python benchmarks/folk.py loss FOLDER RUN [RUN …]  nats per note beside a 5-gram
    OSTINATO_DATA=… python benchmarks/folk.py compose FOLDER RUN [--tunes 10000] [--max-copy-bars 2]
    OSTINATO_DATA=… python benchmarks/folk.py cost RUN                 seconds of a tune, with and without the grammar

Tunes are those of irish, oneills1850, ryans-mammoth and airds-airs; a tenth of the groups of settings is held out.
Train with ``ostinato train FOLDER/train.abc --recipe folk --minutes 10 --valid 0.05 --out RUN``. ``compose`` needs
music21 and abcmidi for its independent checks, and says so where they are missing.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido

import ostinato
from common import RESULTS, data_file, machine, report
from folk_data import BOOKS, cleaned, write_books
from kneser_ney import KneserNey
from ostinato.decode.constraints import SymbolTable
from ostinato.errors import AbcError
from ostinato.families.tunes.composing import Composer, Wish
from ostinato.music import Tune, parse_key, parse_meter, parse_tune, read_tunebook, write_tune
from ostinato.music.bars import check
from ostinato.music.copying import Melodies
from ostinato.music.forms import normal, problems
from ostinato.music.judging import judge_tune
from ostinato.music.likeness import intervals
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import write_musicxml
from ostinato.music.playing import played
from ostinato.music.population import Population, difference, population
from ostinato.music.sounding import tones
from ostinato.music.titles import title_tokens
from ostinato.music.tokens import joined, music_begins, simplified, tokens_of, tune_of

_TONICS = "CDEFGAB"
_END = "</s>"
_ORDER = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("books", "loss", "compose", "cost"))
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--tunes", type=int, default=10_000)
    parser.add_argument("--max-copy-bars", type=float, default=0)
    args = parser.parse_args()
    if args.what == "books":
        print(*write_books(args.places[0]))
    elif args.what == "loss":
        report("folk-loss", list(losses(args.places[0], args.places[1:])))
    elif args.what == "compose":
        composed(args.places[0], args.places[1], args.tunes, args.max_copy_bars)
    else:
        report("folk-cost", list(costs(args.places[0])))


# --- loss


def losses(folder: Path, runs: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Nats of the music of held-out tunes: header given, title not counted, the last bar line as the end."""
    train, test = (tokenised(file) for file in write_books(folder))
    known = {token for tokens in train for token in tokens}
    left_out = sum(not set(tokens) <= known for tokens in test)
    print(f"{left_out} of {len(test)} held-out tunes have a token that no training tune has, and are left out")
    test = [tokens for tokens in test if set(tokens) <= known]
    notes = sum(len(tones(tune_of(tokens))) for tokens in test)
    model = KneserNey(train, _ORDER, known)
    found = [sum(model.log_probs(tokens)[music_begins(tokens) :]) for tokens in test]
    yield _loss(f"{_ORDER}-gram, modified Kneser-Ney", found, notes, test)
    for run in runs:
        held = ostinato.load(run)
        scores = held.score_many([" ".join(titled(tokens, held)) for tokens in test])
        found = [
            sum(part.log_prob for part in score.parts[music_begins(tokens) : len(tokens)])
            for tokens, score in zip(test, scores, strict=True)
        ]
        yield {**_loss(run.name, found, notes, test), "parameters": held.parameters}


def tokenised(file: Path) -> list[list[str]]:
    """The tunes of a file as tokens."""
    tunes = read_tunebook(file.read_text().splitlines())
    return [tokens_of(normal(simplified(found.tune))) for found in tunes]


def titled(tokens: list[str], model: ostinato.TextModel) -> list[str]:
    """A tune as a model has learned them: with a title, if it knows titles."""
    known = set(model.codec.tokens)  # type: ignore[attr-defined]
    assert set(tokens) <= known, set(tokens) - known
    return [*tokens, *(token for token in title_tokens("Untitled") if token in known)]


def _loss(name: str, found: Sequence[float], notes: int, test: Sequence[Sequence[str]]) -> dict[str, Any]:
    draws = random.Random(1)
    totals = [sum(draws.choices(found, k=len(found))) for _ in range(1000)]  # of the tunes, drawn anew
    return {
        "model": name,
        "nats_per_tune": -sum(found) / len(found),
        "nats_per_note": -sum(found) / notes,
        "standard_error": statistics.stdev(totals) / notes,
        "nats_per_token": -sum(found) / sum(len(tokens) - music_begins(tokens) for tokens in test),
        "tunes": len(found),
        "notes": notes,
    }


# --- ten thousand tunes


def wishes(known: Sequence[str], most: float) -> list[Wish]:
    """All meters and modes that a model knows, in keys, forms and ranges in turn."""
    found = []
    keys, forms = (
        itertools.cycle(_TONICS),
        itertools.cycle((("AABB", 8), ("AAB", 4), ("ABC", 4), ("AABBCC", 4), ("AABB", 4))),
    )
    endings = itertools.cycle((("fiddle", "tonic"), ("", ""), ("flute", "dominant"), ("", "tonic")))
    meters, modes = (sorted(token[2:] for token in known if token[:2] == head) for head in ("M:", "K:"))
    for meter, mode in itertools.product(meters, modes):
        (form, bars), (instrument, cadence) = next(forms), next(endings)
        read, key = parse_meter(meter), parse_key(next(keys) + mode)
        assert read is not None
        found.append(Wish(read, key, form, bars, instrument=instrument, cadence=cadence, max_copy_bars=most))
    return found


def composed(folder: Path, run: Path, count: int, most: float) -> None:
    """Compose, check in every way there is, and print what was found."""
    model = ostinato.load(run)
    asked = wishes(model.codec.tokens, most)  # type: ignore[attr-defined]
    began, found, kept, taken_back = time.perf_counter(), [], [], 0
    for number, wish in enumerate(asked):
        size = count // len(asked) + (number < count % len(asked))
        for one in Composer(model, wish).tunes(size, seed=1_000_000 * number):
            found.append(one.tune)
            taken_back += one.taken_back
            if one.log_kept is not None:
                kept.append(one.log_kept / one.written)
        print(
            f"{len(found):6d} tunes, {time.perf_counter() - began:6.0f} s  {wish.meter.name} {wish.key.name}",
            flush=True,
        )
    seconds = time.perf_counter() - began
    summary: dict[str, Any] = {
        "tunes": len(found), "different": len({tune.body for tune in found}), "wishes": len(asked),
        "seconds_per_tune": seconds / len(found), "max_copy_bars": most, "taken_back": taken_back,
        "mass_removed_per_token": 1 - 2.718281828 ** statistics.fmean(kept) if kept else None,
    }  # fmt: skip
    summary |= validity(found) | others(found) | copies(found, folder) | apart(found, folder)
    for name, value in summary.items():
        print(f"{name:40s} {value}")
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **summary}, indent=1)
    (RESULTS / f"folk-compose-{most:g}.json").write_text(text + "\n")
    report("folk-validity", [{"tunes": "composed", **validity(found)}, *beside()])


def validity(tunes: Sequence[Tune]) -> dict[str, Any]:
    """How well tunes add up, after they were written as ABC notation and read back by the strict parser."""
    read = [parse_tune(write_tune(tune)) for tune in tunes]
    checks = [check(tune) for tune in read]
    interior = sum(one.interior for one in checks)
    return {
        "parsed": len(read),
        "interior_bars": interior,
        "interior_bars_right": sum(one.right for one in checks) / interior,
        "clean_tunes": sum(one.is_clean for one in checks) / len(read),
        "nothing_amiss": sum(not problems(tune) for tune in read) / len(read),
    }


def beside() -> Iterator[dict[str, Any]]:
    """The same of the corpora, and of what folk-rnn wrote."""
    for name in BOOKS:
        found = cleaned([name])
        tunes = [*found.tunes, *(one for one in _wrong(name))]
        yield {"tunes": name, **validity(tunes)}
    sample = data_file("music/folk-rnn-v2-sample-64-tunes.txt").read_text()
    tunes, odd = [], 0
    for text in sample.strip().split("\n\n"):
        header, key, *music = text.strip().splitlines()
        try:
            tunes.append(parse_tune(f"X:1\n{header}\nL:1/8\n{key}\n{joined(' '.join(music).split())}"))
        except AbcError:  # such as a chord that is never closed
            odd += 1
    yield {"tunes": "folk-rnn v2, its sample", "not_readable": odd, **validity(tunes)}


def _wrong(name: str) -> Iterator[Tune]:
    """The readable tunes of a book that cleaning leaves out because their bars do not add up."""
    path = data_file(f"music/{name}.abc")
    for found in read_tunebook(path.read_text().splitlines()):
        if not found.problems and found.tune.meter is not None and not check(found.tune).is_clean:
            yield found.tune


def others(tunes: Sequence[Tune]) -> dict[str, Any]:
    """What other programs say: abc2midi of all, music21 of the bars of 500 and of 100 MusicXML files."""
    found: dict[str, Any] = {"abc2midi_complaints": "abcmidi is not installed", "music21": "music21 is not installed"}
    if shutil.which("abc2midi"):
        found["abc2midi_complaints"] = _abc2midi(tunes)
    try:
        import music21
    except ImportError:
        return found
    del found["music21"]
    some = tunes[:: max(1, len(tunes) // 500)]
    found |= {"music21_bars": 0, "music21_wrong_bars": 0}
    for tune in some:
        score: Any = music21.converter.parse(write_musicxml(tune).decode(), format="musicxml")
        for measure in score.parts[0].getElementsByClass("Measure"):
            found["music21_bars"] += 1
            wanted = tune.meter.bar * 4 if tune.meter else Fraction(4)
            length = Fraction(measure.duration.quarterLength).limit_denominator(5040)
            found["music21_wrong_bars"] += length > wanted
    hundred = tunes[:: max(1, len(tunes) // 100)][:100]
    found["musicxml_same_notes"] = sum(_same_in_musicxml(tune, music21) for tune in hundred)
    found["midi_same_notes"] = sum(_same_in_midi(tune) for tune in hundred)
    found["hundred"] = len(hundred)
    return found


def _abc2midi(tunes: Sequence[Tune]) -> dict[str, int]:
    """What abc2midi complains of, by kind, over all tunes."""
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(tunes), 250):
            book = Path(folder) / "book.abc"
            numbered = (write_tune(tune).replace(f"X:{tune.number}\n", f"X:{n}\n", 1)
                        for n, tune in enumerate(tunes[first : first + 250], 1))  # fmt: skip
            book.write_text("\n".join(numbered))
            done = subprocess.run(["abc2midi", str(book)], cwd=folder, capture_output=True, text=True, check=False)
            for line in (done.stdout + done.stderr).splitlines():
                if "Error" in line or "Warning" in line:
                    kinds[line.partition(":")[2].strip() or line] += 1
    return dict(kinds.most_common(8))


def _same_in_musicxml(tune: Tune, music21: Any) -> bool:
    score = music21.converter.parse(write_musicxml(tune).decode(), format="musicxml").stripTies()
    heard = sorted(
        (Fraction(note.getOffsetInHierarchy(score)).limit_denominator(5040) / 4, pitch.midi)
        for note in score.flatten().notes for pitch in note.pitches
    )  # fmt: skip
    return heard == sorted((tone.start, tone.midi) for tone in tones(tune))


def _same_in_midi(tune: Tune) -> bool:
    file, now, heard = mido.MidiFile(file=io.BytesIO(write_midi(tune))), 0, []
    for message in file.tracks[0]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            heard.append((Fraction(now, 4 * file.ticks_per_beat), message.note))
    return sorted(heard) == sorted((tone.start, tone.midi) for tone in played(tune).tones())


def copies(tunes: Sequence[Tune], folder: Path) -> dict[str, Any]:
    """The longest copied run of every tune, in bars, beside that of held-out tunes."""
    train, test = ([tune_of(tokens) for tokens in tokenised(file)] for file in write_books(folder))
    melodies = Melodies([intervals(tune) for tune in train])
    found = {}
    for name, some in (("copied_bars", tunes), ("copied_bars_of_held_out_tunes", test)):
        longest = sorted(_bars(melodies, tune) for tune in some)
        marks = {f"{share:.0%}": round(longest[int(share * (len(longest) - 1))], 2) for share in (0.5, 0.9, 0.99, 1.0)}
        found[name] = {**marks, "over_2_bars": sum(bars > 2 for bars in longest)}
    return found


def _bars(melodies: Melodies, tune: Tune) -> float:
    copied = melodies.longest(tune)
    return 0.0 if copied is None or tune.meter is None else float(copied.time / tune.meter.bar)


def apart(tunes: Sequence[Tune], folder: Path) -> dict[str, Any]:
    """How far 1,000 composed tunes are from the corpus, beside as many held-out ones."""
    train, test = (population(map(tune_of, tokenised(file))) for file in write_books(folder))
    own: Population = population(tunes[:: max(1, len(tunes) // 1000)][:1000])
    rounded = lambda found: {kind: round(value, 3) for kind, value in found.items()}  # noqa: E731
    return {
        "apart_from_training_tunes": rounded(difference(own, train)),
        "held_out_apart_from_training_tunes": rounded(difference(test, train)),
        "mean_points": statistics.fmean(judge_tune(tune).points for tune in tunes[:1000]),
    }


# --- cost


def costs(run: Path) -> Iterator[dict[str, Any]]:
    """Seconds of a tune on one core, and how much of that the automaton takes: it is timed where it is called."""
    model = ostinato.load(run, threads=1)
    for form, bars, cadence in (("AABB", 8, ""), ("AABB", 8, "tonic"), ("ABC", 4, ""), ("", 0, "")):
        for rows in (1, 250):
            composer = Composer(model, Wish(rhythm="reel", form=form, bars=bars, cadence=cadence))
            yield {"form": f"{form or 'free'} {bars or ''} {cadence}".strip(), **_cost(composer, model, rows)}


def _cost(composer: Composer, model: ostinato.TextModel, rows: int) -> dict[str, Any]:
    """Of 1,000 tunes, or of 100 that are written one after the other; the first ones of a form are among them."""
    count = 1_000 if rows > 1 else 100
    automaton = _Timed()
    began = time.perf_counter()
    with automaton:
        found = [one for at in range(0, count, rows) for one in composer.tunes(rows, seed=at)]
    total = time.perf_counter() - began
    tokens = sum(one.written for one in found)
    prompt, length = " ".join(composer.prompt), round(tokens / count)
    began, plain = time.perf_counter(), 0
    for at in range(0, count, rows):
        samples = model.generate_many([prompt], samples=rows, length=length, seed=at).finish()
        plain += sum(sample.symbols for sample in samples)
    alone = (time.perf_counter() - began) / plain * tokens
    return {
        "side_by_side": rows,
        "ms_per_tune": 1e3 * total / count,
        "automaton_ms": 1e3 * automaton.seconds / count,
        "tokens_alone_ms": 1e3 * alone / count,
        "automaton_share": automaton.seconds / total,
        "tokens_per_tune": tokens / count,
    }


class _Timed:
    """Times the filling of tables, which is where an automaton is asked."""

    def __enter__(self) -> None:
        self.seconds, plain = 0.0, SymbolTable.fill
        self._plain = plain

        def fill(table: SymbolTable, states: Any) -> bool:
            began = time.perf_counter()
            try:
                return plain(table, states)
            finally:
                self.seconds += time.perf_counter() - began

        SymbolTable.fill = fill  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        SymbolTable.fill = self._plain  # type: ignore[method-assign]


if __name__ == "__main__":
    main()

"""``compose``: tunes whose every bar adds up, in ABC notation, as MIDI, MusicXML or sound."""

from __future__ import annotations

import json
import secrets
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ostinato.app.process import load_model
from ostinato.app.working import WorkView
from ostinato.disk.documents import write_whole
from ostinato.errors import ConfigError, RunError
from ostinato.music import Tune, parse_key, parse_meter, write_tune
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import write_musicxml
from ostinato.music.sound import write_wav
from ostinato.music.wishes import METERS_OF_RHYTHMS

if TYPE_CHECKING:
    from ostinato.workshop.composing import Composed, Wish

_USUAL_METER = "4/4"
_INTERRUPTED = 130


def compose(args: Namespace) -> int:
    """Compose tunes and print them, or write them to a file."""
    from ostinato.workshop.composing import Composer

    wish = _wish(args)
    files = [] if args.out is None else _files(args.out, args.tunes)
    composer = Composer(load_model(args), wish)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    found: list[Composed] = []
    with WorkView(Console(stderr=True)) as view:
        try:
            for one in composer.tunes(args.tunes, seed, lambda done, total: view.watch("composing", done, total)):
                found.append(one)
        except KeyboardInterrupt:  # what was made is kept
            if not found:
                raise
            print(f"interrupted after {len(found)} of {args.tunes} tunes", file=sys.stderr)
    tunes = [one.tune for one in found]
    for number, file in enumerate(files[: len(found)]):
        here = tunes if len(files) == 1 else tunes[number : number + 1]
        _write(file, here)
        print(f"{file}: {len(here)} tune{'s'[: len(here) > 1]}", file=sys.stderr)
    if args.json:
        for one in found:
            print(json.dumps(_told(one), ensure_ascii=False))
    elif not files:
        print(_abc(tunes), end="")
    return 0 if len(found) == args.tunes else _INTERRUPTED


def _abc(tunes: Sequence[Tune]) -> str:
    return "\n".join(map(write_tune, tunes))


#: How a tune is written into a file, by the file's ending.
_WRITERS: dict[str, Callable[[Tune], bytes]] = {
    ".mid": write_midi,
    ".midi": write_midi,
    ".musicxml": write_musicxml,
    ".wav": write_wav,
}


def _files(out: Path, tunes: int) -> list[Path]:
    """The files to be written: of ABC notation one, else one for each tune."""
    ending = out.suffix.lower()
    if ending != ".abc" and ending not in _WRITERS:
        raise ConfigError(f"{out}: its ending says how to write it; there are .abc, {', '.join(_WRITERS)}")
    numbered = tunes > 1 and ending != ".abc"
    files = [out.with_stem(f"{out.stem}-{n}") for n in range(1, tunes + 1)] if numbered else [out]
    for file in files:
        if file.exists():
            raise ConfigError(f"{file} exists already and is never overwritten; choose another name")
    return files


def _write(file: Path, tunes: Sequence[Tune]) -> None:
    data = _abc(tunes).encode() if file.suffix.lower() == ".abc" else _WRITERS[file.suffix.lower()](tunes[0])
    try:
        write_whole(file, data)
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror}") from error


def _wish(args: Namespace) -> Wish:
    from ostinato.workshop.composing import Wish

    rhythm = args.rhythm.lower()
    if rhythm and args.meter is None and rhythm not in METERS_OF_RHYTHMS:
        raise ConfigError(
            f"{args.rhythm!r} has no usual meter; name one with --meter, or a dance of {', '.join(METERS_OF_RHYTHMS)}"
        )
    meter = args.meter or METERS_OF_RHYTHMS.get(rhythm, _USUAL_METER)
    found = parse_meter(meter)
    if found is None:
        raise ConfigError("a tune without a meter has no bars; name one: --meter 6/8")
    key = parse_key(f"{args.key}{args.mode or ''}")
    return Wish(
        meter=found,
        key=key,
        form=args.form,
        bars=args.bars,
        start=args.start,
        compass=args.range,
        cadence=args.cadence,
        rhythm=args.rhythm,
        title=args.title,
        temperature=args.temperature,
    )


def _told(one: Composed) -> dict[str, object]:
    return {
        "abc": write_tune(one.tune),
        "seed": one.seed,
        "log_prob": one.log_prob,
        "log_kept": one.log_kept,
        "tokens": one.tokens,
        "precision": one.precision,
    }

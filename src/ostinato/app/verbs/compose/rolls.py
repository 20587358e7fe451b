"""``compose`` of piano rolls: new ones, or parts of one anew; as MIDI, notation, sound, picture, page or array."""

from __future__ import annotations

import io
import secrets
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json, write_file
from ostinato.app.terminal.working import WorkView
from ostinato.config import at_least
from ostinato.errors import ConfigError
from ostinato.families.rolls.given import FREE, VOICES, given_bars, given_notes
from ostinato.families.rolls.page import roll_page
from ostinato.families.rolls.reading.files import Piece, pieces_of
from ostinato.families.rolls.writing import picture
from ostinato.music.bar_numbers import parse_bars
from ostinato.music.fluidsynth import FluidSynth, choose_player
from ostinato.music.roll_midi import write_midi_roll
from ostinato.music.roll_musicxml import write_musicxml_roll
from ostinato.music.roll_picture import roll_svg
from ostinato.music.roll_sound import write_wav_roll
from ostinato.music.rolls import Frames, Grid, as_text, parse_grid
from ostinato.units import describe_bound

if TYPE_CHECKING:
    from ostinato.families.rolls.model import RollModel

_SECONDS, _TEMPO = 30.0, 100  # of a roll, and quarter notes a minute, where nothing is said
_ENDINGS = (".mid", ".midi", ".musicxml", ".wav", ".svg", ".html", ".npy")
_PARTICLES = 1000
_SHOWN = 96  # frames in the terminal
_OF_NEW = ("seconds", "max_copy")  # options of rolls that are not parts of another


def act(args: Namespace, model: RollModel, options: Mapping[str, Any]) -> int:
    """Write rolls, and show them or write them to files."""
    _check_files(args.out, args.tunes)
    tempo = _TEMPO if args.tempo is None else args.tempo
    at_least("--tempo", tempo, 1)
    grid, player = _grid(model, options), choose_player(options.get("sound", "auto"))
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    with WorkView(Console(stderr=True)) as view:
        is_given = any(name in options for name in ("keep", "base", "lock"))
        rolls = (_beside_given if is_given else _new)(args, model, options, seed, view)
    for number, frames in enumerate(rolls):
        for file in args.out:
            path = file if args.tunes == 1 else file.with_stem(f"{file.stem}-{number + 1}")
            write_file(path, _written(model, frames, file.suffix.lower(), grid, tempo, player))
            print(f"{path}: {len(frames):,} frames, {len(frames) * grid.seconds_at(tempo):.1f} s", file=sys.stderr)
        if args.json:
            about = {"seed": seed + number, "frames": len(frames), "frame_seconds": grid.seconds_at(tempo)}
            print(as_json({**about, "roll": as_text(frames, model.settings.lowest)}))
        elif not args.out:
            print(f"seed {seed + number}\n{picture(frames[:_SHOWN])}")
    if not args.out and not args.json:
        print("(--out FILE.mid or FILE.wav to listen)", file=sys.stderr)
    return 0


def _new(args: Namespace, model: RollModel, options: Mapping[str, Any], seed: int, view: WorkView) -> Frames:
    """Return new rolls, with the beginning that was given, [rolls, T, N]."""
    if "particles" in options:
        raise ConfigError("--particles is for --keep and --lock, which are not given")
    grid = _grid(model, options)
    frame_seconds = grid.seconds_at(_TEMPO if args.tempo is None else args.tempo)
    start = _read(args.start, model, options, "--start").frames if args.start else None
    rolls = model.write(
        _count(args, options.get("seconds"), grid, frame_seconds), rolls=args.tunes, seed=seed, start=start,
        temperature=args.temperature, max_copy=options.get("max_copy"),
        tick=lambda done, total: view.watch("composing", done, total),
    )  # fmt: skip
    return rolls if start is None else np.stack([np.concatenate([start, one]) for one in rolls])


def _beside_given(args: Namespace, model: RollModel, options: Mapping[str, Any], seed: int, view: WorkView) -> Frames:
    """Return rolls with the notes of a file that stay, and others beside them, [rolls, T, N]."""
    if args.start or args.bars is not None or any(name in options for name in _OF_NEW):
        raise ConfigError(
            "with --keep and --lock the piece is as long as the file; leave --start, --bars, --seconds and "
            "--max-copy out"
        )
    given = _given(model, options)
    rolls = []
    for number in range(args.tunes):
        harmony = model.harmonise(
            given, particles=options.get("particles", _PARTICLES), seed=seed + number, temperature=args.temperature,
            tick=lambda done, total: view.watch("harmonising", done, total),
        )  # fmt: skip
        share, least = harmony.effective.mean(), harmony.effective.min()
        print(
            f"given notes: log P about {harmony.log_given:.1f} nats; {share:.0%} of the particles count on the mean "
            f"over frames, {least:.1%} in the least of them",
            file=sys.stderr,
        )
        rolls.append(harmony.frames)
    return np.stack(rolls)


def _given(model: RollModel, options: Mapping[str, Any]) -> NDArray[np.int8]:
    """Return the notes that stay, as ``RollModel.harmonise`` takes them."""
    keep, base, lock = (options.get(name) for name in ("keep", "base", "lock"))
    if keep is not None and Path(keep).is_file():
        if base is not None:
            raise ConfigError("--keep FILE and --from FILE both name the piece; with --from, --keep names the voice")
        base, keep = keep, "soprano"
    if base is None:
        if keep in VOICES:
            raise ConfigError(f"--keep {keep} is a voice of the piece that --from names; add --from FILE")
        what = f"there is no file {keep!r}; " if keep is not None else ""
        raise ConfigError(f"{what}name the piece: --from FILE")
    if keep is None and lock is None:
        raise ConfigError("--from writes parts of a piece anew; say which stay: --keep soprano, or --lock 1-4")
    piece = _read(str(base), model, options, "--from")
    given = np.full(piece.frames.shape, FREE, dtype=np.int8)
    if keep is not None:
        given = given_notes(piece.frames, keep, model.settings.lowest)
    if lock is not None:
        length = _frames_of_a_bar(_grid(model, options), piece.quarters_in_bar)
        bars = given_bars(piece.frames, parse_bars(lock), length, piece.first % length)
        given = np.where(bars == FREE, given, bars)
    return given


def _frames_of_a_bar(grid: Grid, quarters: float) -> int:
    if not grid.parts:
        raise ConfigError(f"frames of {grid.seconds:g} s have no bars; leave --lock out")
    frames = grid.parts * quarters / 4
    if frames != int(frames) or frames < 1:
        raise ConfigError(f"a bar of {quarters:g} quarters is no whole number of frames of the model; leave --lock out")
    return int(frames)


def _count(args: Namespace, seconds: float | None, grid: Grid, frame_seconds: float) -> int:
    """Return the number of frames to write."""
    if args.bars is not None:
        if seconds is not None:
            raise ConfigError("--seconds and --bars both say how long it is; give one of them")
        if not grid.parts:
            raise ConfigError(f"frames of {grid.seconds:g} s have no bars; give --seconds in place of --bars")
        at_least("--bars", args.bars, 1)
        return int(args.bars * grid.parts)  # of four quarters
    seconds = _SECONDS if seconds is None else seconds
    if not 0 < seconds <= 3600:
        raise ConfigError(f"--seconds must be above 0 and at most 3600, got {seconds:g}")
    return max(1, round(seconds / frame_seconds))


def _grid(model: RollModel, options: Mapping[str, Any]) -> Grid:
    """Return the length of a frame, of files that are read and written: that of the training files, or another."""
    return parse_grid(options.get("grid", model.settings.grid))


def _read(name: str, model: RollModel, options: Mapping[str, Any], option: str) -> Piece:
    """Return the piece of a file."""
    path = Path(name)
    if not path.is_file():
        raise ConfigError(f"{option} of a model of rolls names a file, such as begin.mid; there is no file {name!r}")
    reading = replace(model.settings.reading(), grid=options.get("grid", model.settings.grid))
    piece = next(iter(pieces_of(path, reading, "train")))
    if piece.short:
        print(
            f"{name}: {piece.short} notes are shorter than a frame ({reading.grid}), and several may fall into one",
            file=sys.stderr,
        )
    if piece.out_of_range:
        raise ConfigError(
            f"{name} has notes outside the {model.settings.lowest} to {model.settings.highest} that the model knows"
        )
    return piece


def _check_files(names: list[Path], rolls: int) -> None:
    at_least("--tunes", rolls, 1)
    if len({name.resolve() for name in names}) < len(names):
        raise ConfigError("--out names a file twice")
    for name in names:
        if name.suffix.lower() not in _ENDINGS:
            raise ConfigError(f"{name}: its ending says how to write it; of rolls there are {', '.join(_ENDINGS)}")
        files = [name] if rolls == 1 else [name.with_stem(f"{name.stem}-{number + 1}") for number in range(rolls)]
        for file in files:
            if file.exists():
                raise ConfigError(f"{file} exists already and is never overwritten; choose another name")


def _written(model: RollModel, frames: Frames, ending: str, grid: Grid, tempo: int, player: FluidSynth | None) -> bytes:
    lowest, title = model.settings.lowest, f"A roll by {model.saved.path.name}"
    midi = write_midi_roll(frames, grid, quarters_per_minute=tempo, lowest=lowest)
    if ending == ".wav":
        return player.wav(midi) if player else write_wav_roll(frames, grid.seconds_at(tempo), lowest=lowest)
    if ending == ".musicxml":
        return write_musicxml_roll(frames, grid, quarters_per_minute=tempo, lowest=lowest, title=title)
    if ending == ".svg":
        return roll_svg(frames, lowest=lowest).encode()
    if ending == ".html":
        bound = describe_bound(model.settings.bound)
        return roll_page(model.heard(frames), grid, tempo=tempo, lowest=lowest, title=title, bound=bound).encode()
    if ending == ".npy":
        whole = np.zeros((len(frames), 128), dtype=np.uint8)
        whole[:, lowest : lowest + frames.shape[1]] = frames
        out = io.BytesIO()
        np.save(out, whole)
        return out.getvalue()
    return midi

"""``compose`` of folk tunes: every bar adds up; new, or with some bars of a tune kept; as notation, sound or a page."""

from __future__ import annotations

import secrets
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.app.tune_files import TuneFiles, in_abc
from ostinato.config import at_least
from ostinato.errors import ConfigError, RunError
from ostinato.music import Tune, read_tunebook
from ostinato.music.bar_numbers import parse_bars
from ostinato.music.judging import Judgement, judge_tune
from ostinato.music.tempo import with_tempo

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel
    from ostinato.families.tunes.composing import Composed
    from ostinato.families.tunes.surprise import TuneSurprise
    from ostinato.music.collection import Collection

_INTERRUPTED = 130
_OF_NEW_TUNES = ("rhythm", "meter", "mode", "start", "cadence", "title", "max_copy_bars")


#: What holds where an option is not given, besides those of wishes.
_USUAL = {"lock": "", "sound": "auto", "range": ""}


def act(args: Namespace, model: TextModel, options: Mapping[str, Any]) -> int:
    """Compose tunes, or write bars of one anew, and print them or write them to files."""
    args = _with_usual(args)
    if args.best is not None and not 1 <= args.best <= args.tunes:
        raise ConfigError(f"--best must be from 1 to --tunes, which is {args.tunes}; got {args.best}")
    files = TuneFiles(args.out, args.best or args.tunes)
    tunes, whole = _composed(args, model)
    if args.tempo is not None:
        at_least("--tempo", args.tempo, 1)
        tunes = [replace(one, tune=with_tempo(one.tune, args.tempo)) for one in tunes]
    about = _About(args, model, tunes, needed=bool(args.best or args.json or files.need_pages))
    if args.best is not None:
        tunes = about.ranked()[: args.best]
    for file, count in files.write([one.tune for one in tunes], sound=args.sound, page=about.page):
        print(f"{file}: {count} tune{'s'[: count > 1]}", file=sys.stderr)
    if args.json:
        for one in tunes:
            print(as_json(about.plain(one)))
    elif not args.out:
        print(in_abc([one.tune for one in tunes]), end="")
    return 0 if whole else _INTERRUPTED


def _with_usual(args: Namespace) -> Namespace:
    """Return the arguments with what is usual where nothing was given.

    Raises:
        ConfigError: Two of them exclude each other.
    """
    if args.lock is not None and args.vary is not None:
        raise ConfigError("--lock says which bars stay, --vary how much changes; give one of them")
    given = {name: value for name, value in vars(args).items() if value is not None}
    return Namespace(**{**vars(args), **_USUAL, **given})


def _composed(args: Namespace, model: TextModel) -> tuple[list[Composed], bool]:
    """The tunes, and whether all of them are there: what was made before Ctrl-C is kept."""
    tunes: list[Composed] = []
    with WorkView(Console(stderr=True)) as view:
        try:
            for one in _tunes(args, model, view):
                tunes.append(one)
        except KeyboardInterrupt:
            if not tunes:
                raise
            print(f"interrupted after {len(tunes)} of {args.tunes} tunes", file=sys.stderr)
    return tunes, len(tunes) == args.tunes


def _tunes(args: Namespace, model: TextModel, view: WorkView) -> Iterator[Composed]:
    from ostinato.families.tunes.composing import Composer
    from ostinato.families.tunes.rewriting import Change, Rewriter
    from ostinato.families.tunes.wishing import wish_of

    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    if args.base is None:
        if args.lock or args.vary is not None:
            raise ConfigError("--lock and --vary change a tune that exists; name it with --from FILE.abc")
        composer = Composer(
            model, wish_of(vars(args)), lambda done, total: view.watch("looking at the tunes", done, total)
        )
        return composer.tunes(args.tunes, seed, lambda done, total: view.watch("composing", done, total))
    if given := [name for name in _OF_NEW_TUNES if getattr(args, name)]:
        raise ConfigError(f"--{given[0].replace('_', '-')} is for new tunes; with --from the tune stays as it is else")
    locked = parse_bars(args.lock) if args.lock else None
    change = Change(locked, args.vary, instrument=args.range, temperature=args.temperature)
    return Rewriter(model, _tune_of_file(args.base), change).tunes(args.tunes, seed)


def _tune_of_file(file: Path) -> Tune:
    try:
        book = list(read_tunebook(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error
    if len(book) != 1:
        raise ConfigError(f"{file} has {len(book)} tunes; --from needs a file with one")
    if book[0].problems:
        raise ConfigError(f"{file}: {book[0].problems[0]}")
    return book[0].tune


class _About:
    """Judgements and surprise of composed tunes, compared with the training tunes.

    Args:
        args: The command's arguments.
        model: The model.
        tunes: The tunes.
        needed: Whether it will be asked for; else nothing is looked at.
    """

    def __init__(self, args: Namespace, model: TextModel, tunes: Sequence[Composed], *, needed: bool) -> None:
        self._tunes = tunes
        self._judged: dict[int, tuple[Judgement, TuneSurprise]] = {}
        if not needed:
            return
        from ostinato.families.tunes.surprise import surprises

        collection = _collection(args, model)
        scored = surprises(model, [one.tokens for one in tunes])
        for one, surprise in zip(tunes, scored, strict=True):
            self._judged[one.tune.number] = judge_tune(one.tune, collection), surprise

    def ranked(self) -> list[Composed]:
        """The tunes, best first: those that pass most checks, of these the most probable ones by token."""

        def worth(one: Composed) -> tuple[int, float]:
            judgement, surprise = self._judged[one.tune.number]
            return -judgement.points, surprise.bits_per_token

        return sorted(self._tunes, key=worth)

    def page(self, tune: Tune) -> bytes:
        """A tune as a page."""
        from ostinato.families.tunes.page import tune_page

        judgement, surprise = self._judged[tune.number]
        return tune_page(tune, judgement, surprise.bars).encode()

    def plain(self, one: Composed) -> dict[str, object]:
        """A tune as plain data."""
        judgement, surprise = self._judged[one.tune.number]
        return {
            **one.plain(),
            "judgement": vars(judgement) | {"passed": judgement.passed},
            "bits_per_token": surprise.bits_per_token,
            "bits_by_bar": dict(surprise.bars),
        }


def _collection(args: Namespace, model: TextModel) -> Collection | None:
    """The tunes that the model has learned from; a model file has none."""
    from ostinato.families.tunes.known import collection_of

    if args.run.is_file():
        return None
    with WorkView(Console(stderr=True)) as view:
        return collection_of(
            args.run, model.codec, lambda done, total: view.watch("looking at the training tunes", done, total)
        )

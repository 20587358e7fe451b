"""``tunes``: what tunebooks hold, what cannot be learned from them and why, what is to be said of their tunes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ostinato.app.parser import run_path
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.errors import ConfigError, RunError
from ostinato.music import Tune, read_tunebook
from ostinato.music.abc_reading import ReadTune
from ostinato.music.bars import check
from ostinato.music.cleaning import Cleaned, clean
from ostinato.music.collection import Collection
from ostinato.music.forms import problems
from ostinato.music.judging import Judgement, judge_tune
from ostinato.music.population import Population, difference, population

EXAMPLES = """\
ostinato tunes session.abc --all
ostinato tunes mine.abc --beside runs/tunes
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="tunebooks in ABC notation")
    command.add_argument("--all", action="store_true", help="name every tune that is left out, and why")
    command.add_argument(
        "--beside", type=run_path, metavar="RUN", help="judge each tune beside those that a run has learned"
    )
    command.add_argument(
        "--plot", type=Path, metavar="FILE", help="with --beside: draw how often which notes and steps occur"
    )
    command.add_argument("--json", action="store_true", help="objects on standard output: the report, then each tune")


def act(args: Namespace) -> int:
    """Tell what tunebooks hold."""
    books = [(file.name, _read(file)) for file in args.files]
    cleaned = clean(books)
    readable = [entry.tune for _, book in books for entry in book if not entry.problems]
    about = _About.of(cleaned, readable)
    collection = None if args.beside is None else _beside(args.beside)
    judged = [] if collection is None else _judge(readable, collection)
    if args.plot is not None:
        if collection is None:
            raise ConfigError("--plot draws tunes beside those of a run; name it with --beside RUN")
        from ostinato.app.plotting import plot_populations  # with runs, which --plot alone needs

        plot_populations({"these tunes": population(readable), args.beside.name: collection.counts}, args.plot)
    if args.json:
        print(as_json(about.plain() | {"left_out": [vars(one) for one in cleaned.left_out]}))
        for tune, judgement in judged:
            told = vars(judgement) | {"title": tune.title, "number": tune.number, "passed": judgement.passed}
            print(as_json(told))
        return 0
    _print(cleaned, about, every=args.all)
    if collection is not None:
        _print_judged(judged, population(readable), collection)
    return 0


@dataclass(frozen=True)
class _About:
    """Counts of tunes that can be read."""

    read: int
    kept: int
    different: int
    interior_bars: int
    right: int
    clean: int
    nothing_amiss: int

    @classmethod
    def of(cls, cleaned: Cleaned, readable: Sequence[Tune]) -> _About:
        checks = [check(tune) for tune in readable]
        return cls(
            cleaned.read,
            len(cleaned.tunes),
            len(set(cleaned.groups)),
            sum(one.interior for one in checks),
            sum(one.right for one in checks),
            sum(one.is_clean for one in checks),
            sum(not problems(tune) for tune in readable),
        )

    def plain(self) -> dict[str, int]:
        return vars(self)


def _read(file: Path) -> list[ReadTune]:
    try:
        return list(read_tunebook(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error


def _beside(run: Path) -> Collection:
    from ostinato import codecs
    from ostinato.codecs import TokenCodec
    from ostinato.families.tunes.known import collection_of
    from ostinato.runs import read_model

    codec = codecs.from_json(read_model(run).codec)
    if not isinstance(codec, TokenCodec):
        raise ConfigError(f"{run} is no model of tunes, which 'ostinato train TUNES.abc --recipe folk' makes")
    with WorkView(Console(stderr=True)) as view:
        return collection_of(run, codec, lambda done, total: view.watch("looking at the training tunes", done, total))


def _judge(readable: Sequence[Tune], collection: Collection) -> list[tuple[Tune, Judgement]]:
    with WorkView(Console(stderr=True)) as view:
        judged = []
        for number, tune in enumerate(readable, 1):
            judged.append((tune, judge_tune(tune, collection)))
            view.watch("judging", number, len(readable))
        return judged


def _print(cleaned: Cleaned, about: _About, *, every: bool) -> None:
    report = cleaned.report()
    kinds = len({one.kind for one in cleaned.left_out})
    for line in report if every else report[: 1 + kinds]:
        print(line)
    if cleaned.left_out and not every:
        print("(--all names each of them)")
    if about.interior_bars:
        print(f"interior bars as long as the meter says: {about.right:,} of {about.interior_bars:,} "
              f"({about.right / about.interior_bars:.2%}); tunes whose bars all are: {about.clean:,}; "
              f"with upbeats and repeats too: {about.nothing_amiss:,}")  # fmt: skip


def _print_judged(judged: Sequence[tuple[Tune, Judgement]], own: Population, collection: Collection) -> None:
    ranked = sorted(judged, key=lambda one: -one[1].points)
    print(f"\n{'points':>6}  {'copied':>6}  {'far':>4}  tune")
    for tune, one in ranked:
        source = f", longest run from {one.copied_from!r}" if one.copied_from else ""
        print(f"{one.points:>4}/7  {one.copied_bars or 0:>4.1f} b  {one.distance or 0:>4.0%}  {tune.title!r}: nearest "
              f"{one.nearest!r}{source}")  # fmt: skip
    apart = ", ".join(f"{kind} {value:.2f}" for kind, value in difference(own, collection.counts).items())
    print(f"\nhow far these tunes are from those of the run, 0 to 1: {apart}")

"""``translate``: targets for sources."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.options import groups
from ostinato.app.plotting import check_picture, plot_attention
from ostinato.app.process import load_model
from ostinato.app.reading import check_texts, read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json, shown, write_file
from ostinato.app.terminal.working import WorkView
from ostinato.data.pairs import lines_of
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.families.pairs.results import Translation

_SHADES = " ░▒▓█"
_NAMED = 5  # unknown words
_WIDEST = 6  # characters of a source symbol over its column


EXAMPLES = """\
ostinato translate runs/pairs "good morning" --beam 4 --attention
ostinato translate runs/pairs --file sources.txt --json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument(
        "texts", nargs="*", metavar="TEXT", help="sources (default: standard input, a source per line)"
    )
    groups.files(command, "a source per line")
    command.add_argument("--beam", type=int, metavar="K", help="keep the K best beginnings (default: the best alone)")
    command.add_argument("--n-best", type=int, metavar="N", help="with a beam: give the N best targets")
    command.add_argument("--attention", action="store_true", help="show what of the source was read for each symbol")
    command.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw that: .svg, .png, .pdf or .html; of one source"
    )
    more = command.add_argument_group("more options")
    more.add_argument("--length-power", type=float, metavar="A", help="with a beam: compare by log prob / symbols^A")
    more.add_argument("--gnmt", type=float, metavar="A", help="with a beam: compare by GNMT's formula")
    more.add_argument(
        "--replace-unknown", action="store_true", help="put the source word attended to in place of unknown ones"
    )
    more.add_argument("--json", action="store_true", help="one object per target on standard output")
    groups.unknown(more)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Write the target for each source."""
    sources = _sources(args)
    search = _search(args)
    if args.plot is not None and len(sources) != 1:
        raise ConfigError(f"--plot draws one source, and there are {len(sources)}")
    if args.plot is not None:
        check_picture(args.plot, ".html")
    model = load_model(args)
    if (args.attention or args.plot is not None) and not model.has_attention:
        raise ConfigError(f"decoder = {model.settings.decoder!r} has no attention to show")
    with WorkView(Console(stderr=True)) as view:
        translations = model.translate(
            sources,
            search,
            unknown=args.unknown,
            replace_unknown=args.replace_unknown,
            attention=model.has_attention and (args.attention or args.json or args.plot is not None),
            tick=lambda done, total: view.watch("translating", done, total),
        )
    if unknown := model.unknown_words(sources):
        named = ", ".join(shown(word) for word in unknown[:_NAMED]) + (", …" if len(unknown) > _NAMED else "")
        print(f"warning: not in the vocabulary, and read as one unknown word: {named}", file=sys.stderr)
    for best in translations:
        for one in best:
            _print_translation(one, args)
    if args.plot is not None:
        _plot(translations[0][0], args.plot)
    return 0


def _sources(args: Namespace) -> list[str]:
    if args.texts and args.files is not None:
        raise ConfigError("give TEXT, or --file, and not both")
    check_texts(args.texts)
    return args.texts or [line for name in args.files or ["-"] for line in _lines(name)]


def _lines(name: str) -> list[str]:
    """Return the lines of a file, of which each is a source."""
    lines = lines_of(read_file(name))
    if not any(line.strip() for line in lines):
        raise ConfigError("there is nothing to translate: no line has any text")
    empty = next((number for number, line in enumerate(lines, 1) if not line.strip()), None)
    if empty is not None:  # left out, it would put every later line beside another source
        of = "the sources" if name == "-" else name
        raise ConfigError(f"line {empty} of {of} is empty; take it out, or write something there")
    return lines


def _search(args: Namespace) -> SearchSettings:
    if args.beam is None:
        others = [name for name in ("n_best", "length_power", "gnmt") if vars(args)[name] is not None]
        if others:
            raise ConfigError(f"--{others[0].replace('_', '-')} is for a beam; give --beam, such as --beam 4")
        return SearchSettings(greedy=True)
    return SearchSettings(beam=args.beam, n_best=args.n_best, length_power=args.length_power, gnmt=args.gnmt)


def _print_translation(translation: Translation, args: Namespace) -> None:
    if args.json:
        print(as_json(translation.plain()))
        return
    if not translation.ended:
        print(f"(cut off: no end within the length) {translation.source}", file=sys.stderr)
    print(f"{translation.log_prob:.3f}\t{translation.text}" if args.n_best else translation.text)
    if args.attention:
        print("\n".join(_shaded(translation)))


def _shaded(translation: Translation) -> list[str]:
    """The attention matrix in characters: a row for each symbol of the target."""
    assert translation.attention is not None
    names = [(symbol.strip() or "␣")[:_WIDEST] for symbol in translation.source_symbols]
    rows = [symbol.strip() or ("␣" if symbol else "end") for symbol in translation.symbols]
    width = max(map(len, rows))
    lines = [" " * width + " " + " ".join(names)]
    for name, weights in zip(rows, translation.attention.tolist(), strict=True):
        cells = [
            _SHADES[min(len(_SHADES) - 1, round(weight * (len(_SHADES) - 1)))] * len(own)
            for weight, own in zip(weights, names, strict=True)
        ]
        lines.append(f"{name:>{width}} " + " ".join(cells).rstrip())
    return lines


def _plot(translation: Translation, target: Path) -> None:
    if target.suffix.lower() == ".html":
        from ostinato.families.pairs.inspecting import attention_page

        write_file(target, attention_page(translation).encode())
        return
    plot_attention(translation, target)

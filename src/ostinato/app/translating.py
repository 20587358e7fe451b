"""``translate``, and ``evaluate`` for models of pairs."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.console import Console
from ostinato.app.output import as_json
from ostinato.app.plotting import check_picture, plot_attention
from ostinato.app.process import device_of
from ostinato.app.reading import pair_limits, read_file, refuse_others
from ostinato.app.working import WorkView
from ostinato.data import Reading
from ostinato.data.pairs import lines_of
from ostinato.decode.searching import SearchSettings
from ostinato.decode.units import bits
from ostinato.errors import ConfigError
from ostinato.families.pairs.family import PAIRS

if TYPE_CHECKING:
    from ostinato.families.pairs.translator import PairEvaluation, Translation, Translator

_SHADES = " ░▒▓█"
_WIDEST = 6  # characters of a source symbol over its column


def translate(args: Namespace) -> int:
    """Write the target for each source."""
    sources = _sources(args)
    search = _search(args)
    if args.plot is not None and len(sources) != 1:
        raise ConfigError(f"--plot draws one source, and there are {len(sources)}")
    if args.plot is not None:
        check_picture(args.plot, ".html")
    model = _load(args)
    if (args.attention or args.plot is not None) and not model.has_attention:
        raise ConfigError(f"decoder = {model.settings.decoder!r} has no attention to show")
    with WorkView(Console(stderr=True)) as view:
        found = model.translate(
            sources,
            search,
            unknown=args.unknown,
            replace_unknown=args.replace_unknown,
            attention=model.has_attention and (args.attention or args.json or args.plot is not None),
            tick=lambda done, total: view.watch("translating", done, total),
        )
    for best in found:
        for one in best:
            _tell(one, args)
    if args.plot is not None:
        _plot(found[0][0], args.plot)
    return 0


def evaluate_pairs(args: Namespace) -> int:
    """Measure a model of pairs: teacher-forced loss, and how good what it writes is."""
    refuse_others(args, "pairs")
    limits, reading = pair_limits(args), Reading(args.encoding, args.errors)
    model = _load(args)
    corpus = PAIRS.read(args.corpus, model.settings, limits, reading)
    for note in corpus.notes:
        print(note, file=sys.stderr)
    search = SearchSettings(greedy=True) if args.beam is None else SearchSettings(beam=args.beam, gnmt=0.6)
    with WorkView(Console(stderr=True)) as view:
        found = model.evaluate(
            list(corpus.texts),
            search,
            unknown=args.unknown,
            tick=lambda done, total: view.watch("translating", done, total),
        )
    if args.json:
        means = {"perplexity": found.perplexity, "nats_per_character": found.nats_per_character}
        print(as_json({**asdict(found), **means}))
    else:
        _tell_evaluation(found, args)
    return 0


def _load(args: Namespace) -> Translator:
    device = device_of(args)
    from ostinato.families.pairs.translator import load_translator

    model = load_translator(args.model_file or args.run, device=device)
    args.codec = model.codec
    return model


def _sources(args: Namespace) -> list[str]:
    if args.text is not None:
        return [args.text]
    lines = lines_of(read_file(args.file or "-"))
    if not any(line.strip() for line in lines):
        raise ConfigError("there is nothing to translate: no line has any text")
    empty = next((number for number, line in enumerate(lines, 1) if not line.strip()), None)
    if empty is not None:  # left out, it would put every later line beside another source
        raise ConfigError(f"line {empty} of the sources is empty; take it out, or write something there")
    return lines


def _search(args: Namespace) -> SearchSettings:
    if args.beam is None:
        others = [name for name in ("n_best", "length_power", "gnmt") if vars(args)[name] is not None]
        if others:
            raise ConfigError(f"--{others[0].replace('_', '-')} is for a beam; give --beam, such as --beam 4")
        return SearchSettings(greedy=True)
    return SearchSettings(beam=args.beam, n_best=args.n_best, length_power=args.length_power, gnmt=args.gnmt)


def _tell(found: Translation, args: Namespace) -> None:
    if args.json:
        told = {
            "source": found.source, "text": found.text, "log_prob": found.log_prob, "rank": found.rank,
            "ended": found.ended, "source_symbols": found.source_symbols, "symbols": found.symbols,
            "attention": None if found.attention is None else found.attention.round(4).tolist(),
        }  # fmt: skip
        print(as_json(told))
        return
    if not found.ended:
        print(f"(cut off: no end within the length) {found.source}", file=sys.stderr)
    print(f"{found.log_prob:.3f}\t{found.text}" if args.n_best else found.text)
    if args.attention:
        print("\n".join(_shaded(found)))


def _shaded(found: Translation) -> list[str]:
    """The attention matrix in characters: a row for each symbol of the target."""
    assert found.attention is not None
    names = [(symbol.strip() or "␣")[:_WIDEST] for symbol in found.source_symbols]
    rows = [symbol.strip() or ("␣" if symbol else "end") for symbol in found.symbols]
    width = max(map(len, rows))
    lines = [" " * width + " " + " ".join(names)]
    for name, weights in zip(rows, found.attention.tolist(), strict=True):
        cells = [
            _SHADES[min(len(_SHADES) - 1, round(weight * (len(_SHADES) - 1)))] * len(own)
            for weight, own in zip(weights, names, strict=True)
        ]
        lines.append(f"{name:>{width}} " + " ".join(cells).rstrip())
    return lines


def _plot(found: Translation, target: Path) -> None:
    if target.suffix.lower() == ".html":
        from ostinato.families.pairs.attention_page import write_attention_page

        write_attention_page(found, target)
        return
    plot_attention(found, target)


def _tell_evaluation(found: PairEvaluation, args: Namespace) -> None:
    metrics = found.metrics
    search = "greedy" if args.beam is None else f"beam {args.beam}, GNMT's length normalisation 0.6"
    print(f"{found.pairs:,} pairs, {found.symbols:,} target symbols")
    print(
        f"teacher-forced: {found.nats_per_symbol:.4f} nats per symbol ({bits(found.nats_per_symbol):.4f} bits, "
        f"perplexity {found.perplexity:.3f}), {found.nats_per_character:.4f} nats per character"
    )
    print(f"written by itself ({search}):")
    print(f"  exact match {metrics.exact:.2%}, character error {metrics.character_error:.2%}")
    print(f"  BLEU {metrics.bleu:.2f}  {metrics.bleu_signature}")
    print(f"  chrF {metrics.chrf:.2f}  {metrics.chrf_signature}")

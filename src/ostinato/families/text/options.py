"""Options that only language models have, by verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError
from ostinato.families.inspect_options import GATES, GUESSES, STATE_VIEWS, VIEWS_TITLE
from ostinato.families.options import Option, OptionGroup, options_of

COLUMN = Option("--column", "of CSV and JSONL: the column that holds the text")
READING = OptionGroup(
    "reading text",
    (
        COLUMN,
        Option("--as", "running text, or one item per line", choices=("text", "items"), dest="kind"),
        Option("--glob", "of folders: read only files whose name or path matches, such as '*.md'", metavar="PATTERN"),
    ),
)
_ADAPTING = (
    Option(
        "--adapt-method",
        "rms: each weight by its gradient's usual size; sgd: all alike (default: rms)",
        choices=("rms", "sgd"),
    ),
    Option("--adapt-rate", "how fast (default: 0.001 for rms, 0.05 for sgd)", "float", "R"),
    Option("--adapt-decay", "back to the trained weights (default: 0.002)", "float", "D"),
    Option("--adapt-segment", "symbols between two changes (default: 20)", "int", "N"),
)
ADAPTING = OptionGroup(
    "adapting to a text of yours",
    (Option("--adapt", "first read this and learn from it; RUN stays", "path", "FILE"), *_ADAPTING),
)
DYNAMIC = OptionGroup(
    "the dynamic protocol: learning from what was read",
    (
        *_ADAPTING,
        Option("--counts", "mix with counts of what followed what, of the training text and this one", "flag"),
        Option("--cache", "mix with a neural cache of the last N places", "int", "N"),
    ),
)
BULK = OptionGroup(
    "bulk work",
    (
        Option(
            "--shard", "do one part, such as 1/4; the outputs of all parts, joined, are the whole", metavar="PART/PARTS"
        ),
        Option(
            "--ray",
            "do the parts on a Ray cluster (default address: one started here for the time); needs the extra 'ray'",
            metavar="ADDRESS",
            alone="local",
        ),
        Option("--parts", "for --ray: how many parts (default: 4 for each processor)", "int", "N"),
    ),
)
VIEWS = OptionGroup(
    VIEWS_TITLE,
    (
        GUESSES,
        Option("--surprising", "the N most surprising words, or other --per (default: 5)", "int", "N", alone="5"),
        *STATE_VIEWS,
        GATES,
        Option("--saliency", "what each earlier symbol does for a prediction: gradient, and left out", "flag"),
        Option("--compare", "beside another model, or RUN@STEP of kept weights, by word or other --per", "path", "RUN"),
        Option(
            "--find",
            "cells that know something: names with commas, such as quotes,indent, or a file of yours, mine.py",
            "text",
            "LABELS",
        ),
        Option(
            "--atlas", "what is lost without each unit, where a label is and elsewhere: a causal map", "text", "LABELS"
        ),
        Option("--series", "the text through all of training, of 'train --series'", "text", "LABELS", alone=""),
        Option("--per", "with --surprising and --compare: what is told", choices=("symbol", "word", "line")),
        Option(
            "--parts", "with --find: parts of the network, such as hidden,cell (default: gates too)", "text", "PARTS"
        ),
    ),
)
HOLDING = OptionGroup(
    "holding units",
    (
        Option(
            "--hold",
            "hold a unit: LAYER:UNIT=VALUE, =mean or *FACTOR; cell: before it: its cell, @10-20 behind it: some steps",
            "text",
            "1:37=-1",
            repeated=True,
        ),
    ),
)
ENSEMBLE = OptionGroup(
    "ensembles",
    (
        Option(
            "--with",
            "another run: the mean of all is taken; may be repeated",
            "path",
            "RUN",
            repeated=True,
            dest="others",
        ),
    ),
)
PROTOCOL = OptionGroup(
    "text",
    (
        Option(
            "--protocol",
            "contiguous: once through, state carried. windows: random 256-symbol windows, each from a fresh state. "
            "items: every item by itself. dynamic: once through, learning from what was read; not comparable with the "
            "others (default: what fits the model)",
            choices=("contiguous", "windows", "items", "dynamic"),
        ),
        Option("--windows", "for the windows protocol: how many to draw (default: 2000)", "int"),
        Option("--seed", "for the windows protocol: chooses them (default: 1)", "int"),
        COLUMN,
    ),
)
_RULES = options_of(
    RuleSettings,
    {
        "temperature": "T", "top_k": "K", "top_p": "P", "min_p": "P", "typical": "P", "epsilon": "P", "eta": "P",
        "mirostat": "BITS", "mirostat_rate": "R", "repetition_penalty": "R", "presence_penalty": "X",
        "frequency_penalty": "X", "penalty_window": "N", "no_repeat": "N", "dry": "X", "dry_base": "B",
        "dry_allowed": "N", "min_length": "N", "end_bias": "X", "match": "REGEX", "max_line": "N", "max_copy": "N",
    },
    {
        "bias": Option("--bias", "nats for one symbol; may be repeated", metavar="SYMBOL=X", repeated=True),
        "ban": Option("--ban", "never write TEXT; may be repeated", metavar="TEXT", repeated=True),
        "lexicon": Option("--lexicon", "only words of this file", "path", "FILE"),
        "brackets": Option(
            "--brackets",
            "what opens closes (default pairs: round, square, curly, double quotes)",
            metavar="PAIRS",
            alone='()[]{}""',
        ),
        "order": Option(
            "--rules", "show the rules in their order, or set it: names and commas", metavar="ORDER", alone=""
        ),
        "automaton": None,
    },
)  # fmt: skip
_FIRST = ("temperature",)
_CONSTRAINTS = ("match", "lexicon", "brackets", "max_line", "ban")
_NOT_RULES = ("lexicon", "rules", "keep_index")
SEARCH = OptionGroup(
    "search (default: draw symbol by symbol)",
    (
        *options_of(
            SearchSettings,
            {
                "beam": "K", "n_best": "N", "length_power": "A", "gnmt": "A", "patience": "P", "diverse": "G",
                "strength": "S", "best_of": "N",
            },
            {
                "by": Option(
                    "--by",
                    "of --best-of: by which log probability (default: total)",
                    choices=("total", "per-symbol"),
                )
            },
        ),
        Option("--watch", "with a beam: see the beginnings compete in the terminal", "flag"),
        Option("--pace", "with --watch: seconds that each step is shown (default: 0.04)", "float", "SECONDS"),
    ),
)  # fmt: skip
RULES = OptionGroup(
    "rules, applied in order",
    (
        *(option for option in _RULES if option.name not in (*_FIRST, *_CONSTRAINTS)),
        Option("--keep-index", "with --max-copy: keep its index in the run folder", "flag"),
    ),
)
FIRST = OptionGroup("", tuple(option for option in _RULES if option.name in _FIRST))
CONSTRAINTS = OptionGroup(
    "constraints: every finished text is guaranteed to match",
    tuple(option for option in _RULES if option.name in _CONSTRAINTS),
)
INSPECTED_RULES = OptionGroup(
    "with --guesses: the probability that rules would leave out",
    tuple(option for group in (FIRST, RULES, CONSTRAINTS) for option in group.options if option.name not in _NOT_RULES),
)
OPTIONS = {
    "train": (READING,),
    "resume": (READING,),
    "generate": (FIRST, SEARCH, RULES, CONSTRAINTS, ADAPTING, HOLDING, BULK),
    "score": (ENSEMBLE, ADAPTING, HOLDING, BULK),
    "inspect": (VIEWS, HOLDING, INSPECTED_RULES),
    "evaluate": (PROTOCOL, DYNAMIC, ENSEMBLE, HOLDING, BULK),
}


def rules_of(options: Mapping[str, Any]) -> RuleSettings:
    """Return the rules that the options of a command ask for, as far as they are given.

    Raises:
        ConfigError: They do not go together, or a value is out of range.
    """
    own = {
        "bias": dict(_bias(text) for text in options.get("bias") or ()) or None,
        "order": [name.strip() for name in options["order"].split(",")] if options.get("order") else None,
        "automaton": None,
    }
    names = {field.name for field in fields(RuleSettings)}
    given = {name: value for name, value in {**options, **own}.items() if name in names}
    return RuleSettings(**{name: value for name, value in given.items() if value not in (None, [])})


def _bias(text: str) -> tuple[str, float]:
    symbol, _, value = text.rpartition("=")
    try:
        return symbol.encode().decode("unicode_escape") if "\\" in symbol else symbol, float(value)
    except ValueError as error:
        raise ConfigError(f"--bias must be SYMBOL=NATS, such as 'z=-2', got {text!r}") from error

"""Settings of the decoding rules, checked all at once, and the order in which rules are applied. No PyTorch here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ostinato.codecs import Codec, TokenCodec
from ostinato.decode import constraints
from ostinato.decode.constraints import Constraint, SymbolTable, Walk
from ostinato.decode.rules.base import Rule
from ostinato.decode.rules.copying import MaxCopy
from ostinato.decode.rules.repetition import CountPenalty, Dry, NoRepeat, RepetitionPenalty
from ostinato.decode.rules.shaping import Temperature, parse_temperature
from ostinato.decode.rules.symbols import EndControl, LogitBias
from ostinato.decode.rules.truncation import Epsilon, Eta, MinP, Mirostat, TopK, TopP, Typical
from ostinato.errors import ConfigError, unknown_name

#: The order in which rules are applied unless another is asked for: what forbids, what looks back, what shapes.
DEFAULT_ORDER = tuple(
    rule.name
    for rule in (
        *(Constraint, MaxCopy, EndControl, LogitBias, RepetitionPenalty, CountPenalty, NoRepeat, Dry),
        *(Temperature, TopK, TopP, MinP, Typical, Epsilon, Eta, Mirostat),
    )
)
_CUTS = ("top_k", "top_p", "min_p", "typical", "epsilon", "eta")
_PENALTIES = ("repetition_penalty", "presence_penalty", "frequency_penalty")


@dataclass(frozen=True)
class RuleSettings:
    """Settings of the rules; ``None`` (or empty) is off. The rules' own docstrings say more and name their sources.

    Attributes:
        temperature: Above 0; below 1 is safer; or a schedule by position such as ``0:1.2,40:0.6``.
        top_k: Draw among the K most probable symbols.
        top_p: Draw among the fewest symbols whose probabilities reach P.
        min_p: Draw among symbols at least P times as probable as the best.
        typical: Draw among the most typical symbols that reach P.
        epsilon: Draw among symbols of probability P at least.
        eta: The same, with a bar that falls with the entropy.
        mirostat: Steer the surprise to this many bits per symbol.
        mirostat_rate: With ``mirostat``: how fast (default: 0.1).
        repetition_penalty: Factor for symbols in the window; above 1.
        presence_penalty: Nats off for symbols in the window.
        frequency_penalty: Nats off for each time a symbol stands in the window.
        penalty_window: Number of symbols that these three penalties look back (default: 64).
        no_repeat: Write no sequence of N symbols twice.
        dry: Nats off for making a repeat longer.
        dry_base: With ``dry``: the factor for each symbol more (default: 1.75).
        dry_allowed: With ``dry``: the length of repeats that go unpunished (default: 2).
        bias: Nats added to a symbol, by its text.
        ban: Never write this text.
        min_length: In models of items: no end before N symbols.
        no_end: In models of items: no end before the length limit.
        end_bias: In models of items: nats added to the end.
        match: The new text matches this regular expression, as a whole.
        lexicon: Write only these words.
        brackets: Close every bracket and quote that is opened, of these pairs.
        max_line: Write lines of at most N characters.
        automaton: Any other constraint, an ``Automaton``; of a model whose symbols are tokens, a ``TokenAutomaton``.
        max_copy: Copy at most N symbols in a row from the training text.
        order: Names of rules, first applied first; it has to name every rule that is on.

    Raises:
        ConfigError: Options cancel each other, or need one that is off. Ranges are checked by the rules.
    """

    temperature: float | str | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical: float | None = None
    epsilon: float | None = None
    eta: float | None = None
    mirostat: float | None = None
    mirostat_rate: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    penalty_window: int | None = None
    no_repeat: int | None = None
    dry: float | None = None
    dry_base: float | None = None
    dry_allowed: int | None = None
    bias: Mapping[str, float] | None = None
    ban: Sequence[str] = ()
    min_length: int | None = None
    no_end: bool = False
    end_bias: float | None = None
    match: str | None = None
    lexicon: Sequence[str] | None = None
    brackets: str | None = None
    max_line: int | None = None
    automaton: Any = None
    max_copy: int | None = None
    order: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in ("ban", "lexicon"):
            if isinstance(vars(self)[name], str):  # one item, and not its letters
                object.__setattr__(self, name, (vars(self)[name],))
        on = set(self.on())
        _needs(on, ("penalty_window",), _PENALTIES)
        _needs(on, ("mirostat_rate",), ("mirostat",))
        _needs(on, ("dry_base", "dry_allowed"), ("dry",))
        if self.mirostat is not None and (cuts := [name for name in _CUTS if name in on]):
            raise ConfigError(
                f"mirostat chooses itself how much of the tail to cut; it cannot go with {spelled(cuts)}: "
                "leave them out"
            )
        others = [name for name in ("temperature", *_CUTS[1:]) if name in on]
        if self.top_k == 1 and others:
            raise ConfigError(
                f"top-k 1 leaves one symbol, so {spelled(others)} can change nothing; leave one or the other out"
            )
        if self.no_end and (self.min_length is not None or self.end_bias is not None):
            raise ConfigError("no-end forbids the end altogether; it cannot go with min-length or end-bias")
        for name in ("presence_penalty", "frequency_penalty"):
            if vars(self)[name] == 0:
                raise ConfigError(f"{spelled([name])} 0 changes nothing; leave it out")
        if self.repetition_penalty == 1:
            raise ConfigError("repetition-penalty 1 changes nothing; leave it out")
        if self.end_bias is not None and not math.isfinite(self.end_bias):
            raise ConfigError(
                f"end-bias must be a finite number of nats, got {self.end_bias:g}; no-end forbids the end"
            )
        self._check_text()
        self._check_order()
        self._without_codec()  # each rule checks its own range

    def on(self) -> list[str]:
        """Return the names of all options that are given."""
        given = {f.name: vars(self)[f.name] for f in fields(self) if f.name != "order"}
        return [n for n, value in given.items() if not (value is None or value is False or value in ((), [], {}))]

    def may_rise(self) -> bool:
        """Return whether rules can raise a log-probability above the model's, and even above 0."""
        added = [*(self.bias or {}).values(), self.end_bias or 0.0]
        taken = [self.presence_penalty or 0.0, self.frequency_penalty or 0.0]
        return any(value > 0 for value in added) or any(value < 0 for value in taken)

    def names(self) -> tuple[str, ...]:
        """Return the names of the rules that are on, in the order in which they are applied."""
        on = set(self.on())
        order = DEFAULT_ORDER if self.order is None else self.order
        return tuple(name for name in order if on & set(_OPTIONS[name]))

    def describe(self) -> list[str]:
        """Return each rule that is on with its options, in the order in which they are applied."""
        given = vars(self)
        return [
            f"{name}: " + ", ".join(f"{spelled([o])} {given[o]!r}" for o in self._given(name)) for name in self.names()
        ]

    def _given(self, name: str) -> list[str]:
        return [option for option in (*_OPTIONS[name], *_DETAILS.get(name, ())) if option in self.on()]

    def walk(self, codec: Codec) -> Walk | None:
        """Return all constraints as one automaton over a codec's symbols; ``None`` where there is none.

        Raises:
            ConfigError: A constraint is not valid.
        """
        tables = []
        if self.match is not None:
            tables.append(constraints.matching(codec.normal(self.match)))
        if self.lexicon is not None:
            tables.append(constraints.of_words(map(codec.normal, self.lexicon)))
        if self.brackets is not None:
            tables.append(constraints.balanced(self.brackets))
        if self.ban:
            tables.append(constraints.without([codec.normal(text) for text in self.ban]))
        if self.max_line is not None:
            tables.append(constraints.lines_of(self.max_line))
        walks: list[Walk] = [constraints.TableWalk(table, codec.pieces) for table in tables]
        if self.automaton is not None:
            automaton = self.automaton
            if isinstance(automaton, constraints.Remembered):
                automaton = automaton.automaton
            walks.append(
                constraints.token_walk(automaton, codec.tokens, codec.size)
                if isinstance(codec, TokenCodec)
                else constraints.CharacterWalk(automaton, codec.pieces)
            )
        if not walks:
            return None
        joined = walks[0]
        for walk in walks[1:]:
            joined = constraints.Both(joined, walk)
        return joined

    def build(
        self, codec: Codec, prompts: Sequence[str], length: int, copied: Callable[[int], MaxCopy] | None = None
    ) -> list[Rule]:
        """Return the rules that are on, in the order in which they are applied.

        Args:
            codec: The model's codec.
            prompts: Texts to continue.
            length: Largest number of new symbols.
            copied: Function that makes the rule against copying more than a number of symbols; ``None`` without the
                training text.

        Raises:
            ConfigError: The constraint cannot be fulfilled, or an option does not fit the model.
        """
        rules = self.plain(codec, length)
        table = self.table(codec, prompts, length)
        if table is not None:
            rules[Constraint.name] = Constraint(table, codec.end)
        if self.max_copy is not None:
            if copied is None:
                raise ConfigError(
                    "max-copy needs the training text, which is in a run folder and not in a model file; "
                    "give the run folder"
                )
            rules[MaxCopy.name] = copied(self.max_copy)
        return [rules[name] for name in self.names()]

    def table(self, codec: Codec, prompts: Sequence[str], length: int) -> SymbolTable | None:
        """Return the table of all constraints, checked; ``None`` where there is none. Arguments as of ``build``.

        Raises:
            ConfigError: The constraints cannot be fulfilled.
        """
        begun = [codec.normal(prompt).encode() for prompt in prompts]
        alone = self._given("constraint") == ["automaton"]
        if alone and isinstance(self.automaton, constraints.Remembered) and isinstance(codec, TokenCodec):
            table = self.automaton.table(codec.tokens, codec.size, codec.end, begun)
        else:
            walk = self.walk(codec)
            if walk is None:
                return None
            table = SymbolTable(walk, codec.size, codec.end, begun)
        table.check(length)
        return table

    def plain(self, codec: Codec, length: int) -> dict[str, Rule]:
        """Return the rules that are on, by name, except the constraint and the rule against copying.

        Raises:
            ConfigError: An option does not fit the model.
        """
        rules = self._without_codec()
        if self.bias is not None:
            rules[LogitBias.name] = LogitBias(_biases(self.bias, codec))
        if self.dry is not None:
            breakers = tuple(id_ for id_, piece in enumerate(codec.pieces) if b"\n" in piece)
            rules[Dry.name] = self._dry(breakers)
        if end := self._end_control(codec, length):
            rules[EndControl.name] = end
        return rules

    def _without_codec(self) -> dict[str, Rule]:
        """Return the rules that need no codec, by name."""
        window = {} if self.penalty_window is None else {"window": self.penalty_window}
        rate = {} if self.mirostat_rate is None else {"rate": self.mirostat_rate}
        rules: list[Rule] = []
        if self.repetition_penalty is not None:
            rules.append(RepetitionPenalty(self.repetition_penalty, **window))
        if self.presence_penalty is not None or self.frequency_penalty is not None:
            rules.append(CountPenalty(self.presence_penalty or 0.0, self.frequency_penalty or 0.0, **window))
        if self.dry is not None:
            rules.append(self._dry(()))
        if self.temperature is not None:
            rules.append(parse_temperature(self.temperature))
        if self.mirostat is not None:
            rules.append(Mirostat(self.mirostat, **rate))
        makers: dict[str, Callable[[Any], Rule]] = {
            "no_repeat": NoRepeat,
            "top_k": TopK,
            "top_p": TopP,
            "min_p": MinP,
            "typical": Typical,
            "epsilon": Epsilon,
            "eta": Eta,
        }
        rules += [make(vars(self)[name]) for name, make in makers.items() if vars(self)[name] is not None]
        return {rule.name: rule for rule in rules}

    def _dry(self, breakers: tuple[int, ...]) -> Dry:
        given = {"base": self.dry_base, "allowed": self.dry_allowed}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        assert self.dry is not None
        return Dry(self.dry, breakers=breakers, **options)

    def _end_control(self, codec: Codec, length: int) -> EndControl | None:
        asked = [name for name in _OPTIONS[EndControl.name] if name in self.on()]
        if not asked:
            return None
        if codec.end is None:
            raise ConfigError(f"{spelled(asked)}: this model writes running text, which has no end; use --length")
        if self.min_length is not None and not 1 <= self.min_length <= length:
            raise ConfigError(f"min-length must be from 1 to the length, {length}; got {self.min_length}")
        return EndControl(codec.end, None if self.no_end else self.min_length or 0, self.end_bias or 0.0)

    def _check_text(self) -> None:
        for text in (*self.ban, *(self.lexicon or ()), *(self.bias or ()), self.match or "", self.brackets or ""):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ConfigError(f"{text!r} has what is no character: {error.object[error.start]!r}") from error

    def _check_order(self) -> None:
        if self.order is None:
            return
        for name in self.order:
            if name not in DEFAULT_ORDER:
                raise unknown_name("rule", name, DEFAULT_ORDER, where="--rules")
        on = set(self.on())
        rules = [name for name in DEFAULT_ORDER if on & set(_OPTIONS[name])]
        if set(rules) - set(self.order) or len(set(self.order)) != len(self.order):
            raise ConfigError(
                f"--rules {','.join(self.order)} must name each rule that is on exactly once; on are: "
                f"{', '.join(rules)}"
            )


#: By which options each rule is turned on.
_OPTIONS: dict[str, tuple[str, ...]] = {
    Constraint.name: ("match", "lexicon", "brackets", "ban", "max_line", "automaton"),
    MaxCopy.name: ("max_copy",),
    EndControl.name: ("min_length", "no_end", "end_bias"),
    LogitBias.name: ("bias",),
    RepetitionPenalty.name: ("repetition_penalty",),
    CountPenalty.name: ("presence_penalty", "frequency_penalty"),
    NoRepeat.name: ("no_repeat",),
    Dry.name: ("dry",),
    Temperature.name: ("temperature",),
    TopK.name: ("top_k",),
    TopP.name: ("top_p",),
    MinP.name: ("min_p",),
    Typical.name: ("typical",),
    Epsilon.name: ("epsilon",),
    Eta.name: ("eta",),
    Mirostat.name: ("mirostat",),
}

#: And by which others, which alone turn nothing on.
_DETAILS: dict[str, tuple[str, ...]] = {
    RepetitionPenalty.name: ("penalty_window",),
    CountPenalty.name: ("penalty_window",),
    Dry.name: ("dry_base", "dry_allowed"),
    Mirostat.name: ("mirostat_rate",),
}


def _needs(on: set[str], options: Sequence[str], any_of: Sequence[str]) -> None:
    for option in options:
        if option in on and not on & set(any_of):
            raise ConfigError(f"{spelled([option])} is for {spelled(any_of)}, which is not given")


def spelled(names: Sequence[str]) -> str:
    """Return names of options as a command line spells them."""
    return ", ".join(name.replace("_", "-") for name in names)


def _biases(given: Mapping[str, float], codec: Codec) -> tuple[tuple[int, float], ...]:
    """Return pairs of id and nats added, from biases by the texts of symbols."""
    ids = {piece: id_ for id_, piece in reversed(list(enumerate(codec.pieces)))}
    biases: dict[int, float] = {}
    for text, value in ((codec.normal(text), value) for text, value in given.items()):
        if text.encode() not in ids or not text:
            raise ConfigError(
                f"bias: {text!r} is no symbol of this model's {codec.name} codec. Of words and subwords, give the "
                "space before as well; to ban what is longer than a symbol, use ban"
            )
        id_ = ids[text.encode()]  # two texts may be the same symbol once they are in its form
        biases[id_] = biases.get(id_, 0.0) + float(value)
    return tuple(biases.items())

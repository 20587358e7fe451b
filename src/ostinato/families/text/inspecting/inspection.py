"""Views of a language model while it reads a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Unknown
from ostinato.config import at_least
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.places import Places
from ostinato.errors import ConfigError
from ostinato.families.base import Progress
from ostinato.families.text.family import TextFamily
from ostinato.families.text.inspecting.ablation import Ablated, Tick, ablate, atlas
from ostinato.families.text.inspecting.comparing import compare, most_surprising
from ostinato.families.text.inspecting.expecting import named_symbols, places_in, removed_masses
from ostinato.families.text.inspecting.recording import check_single, ids_of, record_all, record_ids, symbols_of
from ostinato.families.text.inspecting.saliency import gradients, occlusions
from ostinato.families.text.inspecting.series import model_at, series_of, series_view
from ostinato.families.text.inspecting.views import (
    atlas_view,
    comparison_view,
    found_view,
    saliency_view,
    surprises_view,
)
from ostinato.families.text.results import Score, Unit
from ostinato.inspect.finding import find_in
from ostinato.inspect.guessing import ExpectedSymbol, guesses_view, text_facts
from ostinato.inspect.inspection import Inspection, Look
from ostinato.inspect.labels import Labels, labels_named
from ostinato.inspect.looking import cells
from ostinato.inspect.recording import Recording
from ostinato.inspect.views import MOST_ON_PAGE, View
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel
    from ostinato.inspect.finding import FoundUnit

GUESSES, UNITS = 5, 5
_MOST_SALIENT = 400
_STATES = ("hidden", "cell")
_ALL_GATES = "gates"


class TextInspection(Inspection):
    """A language model while it reads a text.

    Args:
        model: The model.
        text: The text, or several, each of which is read from a fresh state.
        unknown: Treatment of symbols that the model does not know.
        rules: Rules whose removed mass the guesses tell.
        notes: Remarks to be shown beside the views.

    Raises:
        ConfigError: The text is empty.
        UnknownSymbolError: The text has symbols that the model does not know.
    """

    usual = "guesses"
    on_page: tuple[str, ...] = ("cells", "guesses")

    def __init__(
        self,
        model: TextModel,
        text: str | Sequence[str],
        *,
        unknown: Unknown = "error",
        rules: RuleSettings | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.model, self._unknown = model, unknown
        self.texts = [text] if isinstance(text, str) else list(text)
        self._rules = rules if rules is not None and rules.on() else None
        self._ids = [ids_of(model, one, unknown) for one in self.texts]
        self.title, self.notes = f"Inside {model.saved.path.name}", notes
        self._known: list[FoundUnit] = []

    def looks(self) -> dict[str, Look]:
        return {
            "guesses": lambda count, _: self.guesses(GUESSES if count is None else count),
            "surprising": lambda count, given: self.surprising(
                GUESSES if count is None else count, given.get("per", "word")
            ),
            "compare": lambda other, given: self.compare(other, given.get("per", "word")),
            "find": lambda names, given: self.find(names, parts=given.get("parts", "")),
            "atlas": lambda names, given: self.atlas(names, progress=given.get("progress")),
            "saliency": lambda _, __: self.saliency(),
            "series": lambda names, given: self.series(names or "", progress=given.get("progress")),
            **super().looks(),
        }

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of the text.

        Raises:
            ConfigError: There are several, and a view of one is asked for.
        """
        if len(self._ids) > 1:
            raise ConfigError(f"this view shows one text, and there are {len(self._ids):,}; give one")
        return self._ids[0]

    @cached_property
    def recording(self) -> Recording:
        """Every state over the text, and what was expected."""
        return record_ids(self.model, self.ids)

    @cached_property
    def _beginning(self) -> list[ExpectedSymbol]:
        """The first symbols of the text, with as many guesses as pages tell."""
        beginning = self._ids[0][:MOST_ON_PAGE]
        return self._symbols(beginning, places_in(self.model, beginning, GUESSES))

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """Facts of these, for pages."""
        return text_facts(self._beginning)

    @cached_property
    def score(self) -> Score:
        """The log-probability of the text, and of each of its symbols."""
        return self._scored(self.ids, self.expected(1))

    @property
    def keeping(self) -> str:
        """Name of the gate by whose value a cell is multiplied from step to step; empty: there is none."""
        network: Any = self.model.network
        return str(network.core.layers[0].keeps)

    def expected(self, count: int = GUESSES) -> Places:
        """Return what was expected in the place of each symbol, with so many guesses."""
        at_least("--guesses", count, 1)
        if "recording" in vars(self):
            return self.recording.expected(count)
        return places_in(self.model, self.ids, count)

    def _scored(self, ids: NDArray[np.int64], places: Places) -> Score:
        engine = self.model.engines.to_score()
        bound = self.model.network.head.bound if engine is None else engine.bound
        return self.model.scored(self.texts[0], ids, places.log_probs, bound)

    def symbols(self, count: int = GUESSES) -> list[ExpectedSymbol]:
        """Return every symbol with its rank, the entropy, and the most probable symbols in its place."""
        return self._symbols(self.ids, self.expected(count))

    def _symbols(self, ids: NDArray[np.int64], places: Places) -> list[ExpectedSymbol]:
        removed = removed_masses(self.model, ids, self._rules) if self._rules else [None] * len(ids)
        names = [
            named_symbols(self.model.codec, *best) for best in zip(places.best, places.best_log_probs, strict=True)
        ]
        columns = (self._scored(ids, places).parts, places.ranks.tolist(), places.entropies.tolist(), names, removed)
        return [
            ExpectedSymbol(part.text, part.log_prob, rank, bits(entropy), alternatives, gone)
            for part, rank, entropy, alternatives, gone in zip(*columns, strict=True)
        ]

    def guesses(self, count: int = GUESSES) -> View:
        """Return the view of what was expected at every place.

        Raises:
            ConfigError: The count is under 1.
        """
        if count == GUESSES and len(self.ids) <= MOST_ON_PAGE:
            return guesses_view(self._beginning, self._facts)
        symbols = self.symbols(count)
        return guesses_view(symbols, text_facts(symbols[:MOST_ON_PAGE]))

    def surprising(self, count: int = GUESSES, per: Unit = "word") -> View:
        """Return the view of the most surprising parts, most surprising first."""
        at_least("--surprising", count, 1)
        return surprises_view(most_surprising(self.score, per, count))

    def cells(self, units: str = "") -> View:
        """Return the view of units, such as ``"1:37,cell:0:5"``; empty: of those that change most.

        Gates are named like states, ``"forget_gate:0:5"``; the word ``"gates"`` among them gives the page all gates.
        """
        check_single(self.model)
        words = [word.strip() for word in units.split(",") if word.strip()]
        named = {word.split(":")[0] for word in words if word.count(":") == 2}
        gates = sorted(({one.part for one in self._known} | named) - set(_STATES))
        if _ALL_GATES in words:
            gates, units = self._gates(), ",".join(word for word in words if word != _ALL_GATES)
        is_recorded = "recording" in vars(self) and not gates
        recording = self.recording if is_recorded else record_ids(self.model, self._ids[0], taps=gates, logits=False)
        return cells(recording, units, about=self._facts, known=self._known)

    def with_gates(self) -> Recording:
        """Return the recording with the gates.

        Raises:
            ConfigError: The core has none.
        """
        from ostinato.inspect.taps import check_gates

        check_gates(self.model.network)
        return record_all(self.model, self._ids, taps=("*gate",), logits=False)

    def saliency(self) -> View:
        """Return the view of what each earlier symbol does for the prediction of each later one.

        Raises:
            ConfigError: The text is long: the work grows with its square.
        """
        check_single(self.model)
        if len(self.ids) > _MOST_SALIENT:
            raise ConfigError(
                f"saliency looks at {_MOST_SALIENT} symbols at most, as its work grows with their square, and this "
                f"text has {len(self.ids):,}; give a part of it"
            )
        lost_bits = -bits(1.0) * np.asarray(self.expected(1).log_probs, dtype=np.float64)
        symbols, slopes = symbols_of(self.model, self.ids), gradients(self.model, self.ids)
        return saliency_view(symbols, lost_bits, slopes, occlusions(self.model, self.ids))

    def compare(self, other: TextModel | str | Path, per: Unit = "word") -> View:
        """Return the view of this model and another on the text, part by part.

        Args:
            other: A model, a run or model file, or ``RUN@STEP``: the weights that a run kept at a step.
            per: The parts that are compared.

        Raises:
            ConfigError: The models cut the text into different parts.
        """
        from ostinato.families.text.model import TextModel

        second = other if isinstance(other, TextModel) else model_at(Path(other), self.model.machine.device)
        scores = [self.score, second.inspect(self.texts[0], unknown=self._unknown).score]
        names = (
            self.model.saved.path.name,
            second.saved.path.name if isinstance(other, TextModel) else Path(other).name,
        )
        return comparison_view(compare(scores[0], scores[1], per), names)

    def find(self, names: str, *, count: int = UNITS, parts: str = "") -> View:
        """Return the view of the units that tell labels best, with controls, and of what is lost without them.

        Args:
            names: Names of labels with commas, and files of labellers.
            count: Number of units for each label.
            parts: Parts of the network with commas, such as ``"hidden,cell"``; empty: these and all gates.

        Raises:
            ConfigError: There is no such label, or it hardly changes in this text.
        """
        recording = self._recorded(parts)
        labels = self._labels(names, recording)
        best = find_in(recording, labels, count=count)
        self._known = best
        effects: Sequence[Ablated | None] = [None] * len(best)
        if self.model.engines.to_score() is not None:
            effects = ablate(self.model, recording, best, labels)
        return found_view(best, effects)

    def _labels(self, names: str, recording: Recording) -> dict[str, Labels]:
        """Return labels of each character of the texts that a recording's symbols spell."""
        family = self.model.recipe.family
        assert isinstance(family, TextFamily)
        whole = b"".join(self.model.codec.pieces[one] for ids in self._ids for one in ids.tolist()
                         if one != self.model.codec.end)  # fmt: skip
        if recording.text.encode() != whole:
            raise ConfigError("labels are of whole characters, and some symbols of this model are parts of one")
        texts = ["".join(part) for part in _cut(recording.symbols, recording.starts)]
        each = [labels_named(names, text, family.labellers()) for text in texts]
        return {name: np.concatenate([one[name] for one in each]) for name in each[0]}

    def _recorded(self, parts: str) -> Recording:
        """Return the recording of some parts of the network."""
        check_single(self.model)
        wanted = [part.strip() for part in parts.split(",") if part.strip()]
        taps = [part for part in wanted if part not in _STATES] if wanted else self._gates()
        recording = record_all(self.model, self._ids, taps=taps, logits=False)
        left_out = set(_STATES) - set(wanted or _STATES)
        if left_out >= set(recording.parts):
            raise ConfigError(f"--parts {parts}: nothing is left to look at; there are {', '.join(recording.parts)}")
        return recording.without(left_out)

    def _gates(self) -> list[str]:
        from ostinato.inspect.taps import has_gates

        return ["*gate"] if has_gates(self.model.network) else []

    def atlas(self, names: str, progress: Progress | None = None) -> View:
        """Return the view of what is lost without each unit, where labels are and elsewhere: a causal map.

        Raises:
            ConfigError: There is no such label, or compiled code does not have the model's core.
        """
        recording = self._recorded("hidden")
        labels = self._labels(names, recording)
        tick: Tick | None = None if progress is None else partial(progress, "holding units")
        return atlas_view(atlas(self.model, recording, labels, tick), list(labels))

    def series(self, names: str = "", progress: Progress | None = None) -> View:
        """Return the view of the model through all of its training.

        Args:
            names: Names of labels with commas, whose best units in the end are followed back; empty: none.
            progress: Told how far the work is.

        Raises:
            ConfigError: The run kept no series, or there is no such label.
        """
        tick: Tick | None = None if progress is None else partial(progress, "looking at training")
        labels = self._labels(names, record_ids(self.model, self.ids, logits=False)) if names else {}
        return series_view(series_of(self.model, self.ids, labels, tick), symbols_of(self.model, self.ids))


def _cut(symbols: Sequence[str], starts: Sequence[int]) -> list[Sequence[str]]:
    return [symbols[first:end] for first, end in zip(starts, [*starts[1:], len(symbols)], strict=True)]

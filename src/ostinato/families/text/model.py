"""A trained language model: generate, score, evaluate."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from ostinato import codecs, config
from ostinato.codecs import Unknown
from ostinato.data import Corpus, Encoded, cache_folder, encode_texts
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.copying import MaxCopy
from ostinato.decode.searching import By, SearchSettings
from ostinato.decode.shards import Shard, parse_shard
from ostinato.engine.engine import Engine
from ostinato.errors import ConfigError
from ostinato.families.base import Face, Progress, Sources
from ostinato.families.machine import Machine
from ostinato.families.text import gaps
from ostinato.families.text.adapting import adapted_weights, counts_of
from ostinato.families.text.choosing import GenerateOptions, WriterOptions, best_of, score_of, sort_options
from ostinato.families.text.engines import Engines
from ostinato.families.text.generation import Generation
from ostinato.families.text.inspecting.face import LooksInside
from ostinato.families.text.measuring import Measuring, encode_to_measure
from ostinato.families.text.members import Member, check_same_symbols
from ostinato.families.text.novelty import TrainingText
from ostinato.families.text.results import Filling, Sample, Score, ScoredPart
from ostinato.runs import SavedModel, export, read_model
from ostinato.runs.arrays import arrays_digest
from ostinato.training.adaptation import Adaptation, adaptation_of
from ostinato.units import Bound

# PyTorch is imported where it is first needed: compiled code can write, and score short texts, without it.
if TYPE_CHECKING:
    from ostinato.families.text.exact import ExactSampler
    from ostinato.models import SymbolModel
    from ostinato.training.evaluation import Evaluation, Losses, Protocol, Ticker

_INDEXES = 4  # against copying, that are kept
_SHORT, _EXACT = 10_000, ("length", "unknown")  # symbols scored without PyTorch at most; options of exact sampling


class TextModel(LooksInside, Face):
    """A trained language model.

    Args:
        saved: The contents of a run folder or a model file.
        others: More of them, for an ensemble; its probabilities are the mean of theirs.
        machine: The device and the number of threads.

    Raises:
        ConfigError: It is no language model, the device is not there, or the models do not have the same symbols.
        DamagedError: Weights and settings do not fit each other.
    """

    def __init__(self, saved: SavedModel, others: Sequence[SavedModel] = (), machine: Machine | None = None) -> None:
        self.saved, self.machine = saved, machine or Machine()
        check_same_symbols([saved, *others])
        self.codec = codecs.from_json(saved.codec)
        self.members = tuple(Member.of(one, self.codec.size) for one in (saved, *others))
        self.recipe, self.settings = self.members[0].recipe, self.members[0].settings
        self._device = self.machine.torch_device()
        self._options: dict[str, Any] = {
            "device": self._device,
            "threads": self.machine.threads,
            "compiling": self.machine.compiling,
        }
        self.engines = Engines(self.members, folder=cache_folder(), **self._options)
        self._copying: dict[int, MaxCopy] = {}

    @classmethod
    def open(cls, path: str | Path, *others: str | Path, device: str = "cpu", threads: int | None = None) -> TextModel:
        """Load a language model from a run folder or a file that ``export`` wrote, or an ensemble from several.

        Raises:
            ConfigError: It is no language model.
            RunError: There is none, it is damaged, or of another format version.
        """
        first, *more = (read_model(Path(one)) for one in (path, *others))
        return cls(first, more, Machine(device, threads))

    @property
    def all_saved(self) -> tuple[SavedModel, ...]:
        return tuple(member.saved for member in self.members)

    @cached_property
    def network(self) -> SymbolModel:
        """The PyTorch network, or the ensemble, in evaluation mode; built on first use."""
        if self.machine.prepare is not None:
            self.machine.prepare()
        from ostinato.models import Ensemble

        networks = [member.network(self._device) for member in self.members]
        return networks[0] if len(networks) == 1 else Ensemble(networks).eval()

    def generate(self, prompt: str = "", **options: Unpack[GenerateOptions]) -> Sample:
        """Write one text.

        Args:
            prompt: Text to continue; empty starts a new one.
            options: ``length`` (500 symbols at most), ``seed``, ``stop`` (strings before which the text ends),
                ``unknown``, ``engine`` (``"auto"``, ``"compiled"`` or ``"torch"``), ``precision`` (``"int8"`` or
                ``"fp32"``), and all fields of ``SearchSettings`` and ``RuleSettings`` by their names, such as
                ``temperature``, ``top_k``, ``greedy``, ``beam``, ``match`` or ``max_copy``.

        Raises:
            ConfigError: A value is out of range, options cancel each other, or there is no such option.
            UnknownSymbolError: The prompt has symbols that the model does not know.
        """
        samples = self.generate_all([prompt], **options)
        if len(samples) > 1:
            raise ConfigError(f"generate gives one text, and {len(samples)} are asked for; use generate_all")
        return samples[0]

    def stream(self, prompt: str = "", **options: Unpack[GenerateOptions]) -> Iterator[str]:
        """Write one text and yield it piece by piece, never half a character; options as for ``generate``.

        A beam search yields text as soon as all beginnings that can still win agree on it.
        """
        for pieces in self.generate_many([prompt], **options):
            if pieces[0]:
                yield pieces[0]

    def generate_all(self, prompts: Sequence[str], **options: Unpack[GenerateOptions]) -> list[Sample]:
        """Write texts to the end; options as for ``generate``, and ``samples`` for each prompt.

        ``n_best`` returns several texts for a prompt, ``best_of`` chooses among samples, ``exact`` draws from the
        model's own distribution given the constraint.
        """
        settings, rules, others = sort_options(options)
        if settings.exact:
            return self._sampler(rules, others).samples(prompts, others.pop("samples", 1), others.pop("seed", None))
        if settings.best_of is None:
            return self.generate_many(prompts, settings=settings, rules=rules, **others).finish()
        count, chosen = settings.best_of, replace(settings, best_of=None, by=None)
        samples = self.generate_many(
            prompts, settings=chosen, rules=rules, **{**others, "samples": count * others.get("samples", 1)}
        ).finish()
        return best_of(samples, count, settings.by or "total")

    def generate_many(self, prompts: Sequence[str], **options: Unpack[GenerateOptions]) -> Generation:
        """Set up texts to be written side by side; options as for ``generate`` or ``Generation``."""
        settings, rules, others = sort_options(options)
        if settings.best_of is not None or settings.exact:
            raise ConfigError("best_of and exact need whole texts; use generate_all")
        writer = self._writer(settings, rules, others)
        given = {"copied": self.against_copying, **others}
        return Generation(self.codec, writer, prompts, settings=settings, rules=rules, **given)

    def _writer(self, settings: SearchSettings, rules: RuleSettings, options: dict[str, Any]) -> Engine | SymbolModel:
        """Return the engine or network that writes; ``engine`` and ``precision`` are taken out of the options."""
        engine = self.engines.choose(settings, rules, options.pop("engine", "auto"), options.pop("precision", None))
        return self.network if engine is None else engine

    def written_by(self, **options: Unpack[WriterOptions]) -> tuple[str, str]:
        """Return the engine that writes with options of ``generate``, ``"compiled"`` or ``"torch"``, and its precision.

        Raises:
            ConfigError: Compiled code is asked for, and cannot do this.
        """
        settings, rules, others = sort_options(options)
        engine = self.engines.choose(settings, rules, others.get("engine", "auto"), others.get("precision"))
        return ("torch", "fp32") if engine is None else ("compiled", engine.model.precision)

    def training_text(self, progress: Callable[[int, int, int], None] | None = None) -> TrainingText:
        """Return the training text, to measure the novelty of other texts.

        Raises:
            ConfigError: This is a model file, which holds none.
        """
        return TrainingText(self.saved.path, self.codec, progress)

    def against_copying(self, most: int) -> MaxCopy:
        """Return the rule that copies at most so many symbols from the training text."""
        if most not in self._copying:  # making its index takes a second for a million symbols
            while len(self._copying) >= _INDEXES:
                self._copying.pop(next(iter(self._copying)))
            self._copying[most] = self.training_text().rule(most)
        return self._copying[most]

    def _sampler(self, rules: RuleSettings, options: dict[str, Any]) -> ExactSampler:
        from ostinato.families.text.exact import ExactSampler

        self._writer(SearchSettings(exact=True), rules, options)
        refused = sorted({name for name, value in options.items() if value} - {*_EXACT, "samples", "seed"})
        if refused:
            raise ConfigError(f"exact sampling cannot go with {', '.join(refused)}; leave it out")
        return ExactSampler(self.codec, self.network, rules, **{n: options[n] for n in _EXACT if n in options})

    def exact_method(self, prompt: str, **options: Unpack[GenerateOptions]) -> str:
        """Return the method by which ``exact`` would draw: ``"enumeration"`` of all texts, or ``"rejection"``."""
        _, rules, others = sort_options(options)
        return self._sampler(rules, others).method(prompt)

    def score(self, text: str, *, unknown: Unknown = "error") -> Score:
        """Return the log-probability of a text, and of each of its symbols.

        Raises:
            ConfigError: The text is empty.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        return self.score_many([text], unknown=unknown)[0]

    def score_many(self, texts: Sequence[str], *, unknown: Unknown = "error") -> list[Score]:
        """Score texts, each from a fresh state, many side by side."""
        adapted = [self.codec.adapt(text, unknown) for text in texts]
        if self.codec.end is None and not all(adapted):
            raise ConfigError("there is nothing to score: the text is empty")
        encoded = encode_texts(self.codec, adapted)
        scores: dict[int, Score] = {}
        rows, bound = self._log_probs(encoded)
        for number, values in rows:
            ids = encoded.ids[encoded.offsets[number] : encoded.offsets[number + 1]]
            scores[number] = self.scored(adapted[number], ids, values, bound)
        return [scores[number] for number in range(len(texts))]

    def _log_probs(self, texts: Encoded) -> tuple[Iterator[tuple[int, np.ndarray[Any, Any]]], Bound]:
        """Return the log-probabilities of every text's symbols, in float32, and whether they are exact.

        Few symbols are scored by compiled code, many by PyTorch.
        """
        engine = self.engines.to_score() if len(texts.ids) <= _SHORT else None
        if engine is not None:
            ids = texts.ids.astype(np.int64)
            parts = [ids[a:b] for a, b in zip(texts.offsets[:-1], texts.offsets[1:], strict=True)]
            return engine.log_probs(parts), engine.bound
        from ostinato.decode.scoring import log_probs_of

        return log_probs_of(self.network, texts), self.network.head.bound

    def rerank(
        self, texts: Sequence[str], *, context: str = "", by: By = "total", unknown: Unknown = "error"
    ) -> list[Filling]:
        """Order texts, the most probable first; equally probable ones stay in their order.

        Args:
            texts: Texts to order.
            context: Text before each of them.
            by: The log-probability of the whole, or its mean per symbol.
            unknown: Treatment of symbols that the model does not know.
        """
        return sorted(self.fill(context, "", texts, unknown=unknown), key=lambda found: -score_of(found, by))

    def fill(self, before: str, after: str, fillings: Sequence[str], *, unknown: Unknown = "error") -> list[Filling]:
        """Score texts for a gap: log P(filling, after | before), in the order given.

        Raises:
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        return gaps.fill(self.network, self.codec, before, after, fillings, unknown)

    def infill(
        self,
        before: str,
        after: str,
        *,
        samples: int = 64,
        length: int = 20,
        seed: int = 1,
        top: int = 10,
        unknown: Unknown = "error",
    ) -> list[Filling]:
        """Propose texts for a gap, best first: continuations of ``before``, scored with ``after``.

        Candidates are all beginnings, the empty one included, of ``samples`` texts of ``length`` symbols that are
        drawn after ``before``. In running text only the next 100 characters of ``after`` count.

        Raises:
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        config.at_least("top", top, 1)
        drawn = self.generate_many([before], samples=samples, length=length, seed=seed, unknown=unknown).finish()
        return gaps.propose(self.network, self.codec, before, after, [text.text for text in drawn], unknown)[:top]

    def score_pieces(self, pieces: Iterable[str], *, unknown: Unknown = "error") -> Iterator[ScoredPart]:
        """Score a running text that comes in pieces, and yield its symbols; memory does not grow with the text.

        Raises:
            ConfigError: The model is one of items.
            UnknownSymbolError: A piece has symbols that the model does not know.
        """
        from ostinato.decode.scoring import running_log_probs

        if self.codec.end is not None:
            raise ConfigError("a model of items scores each item by itself, not a running text; use score_many")
        ids: deque[int] = deque()

        def chunks() -> Iterator[Any]:
            for piece in pieces:
                encoded = self.codec.encode(self.codec.adapt(piece, unknown))
                ids.extend(encoded.tolist())
                yield encoded

        for values in running_log_probs(self.network, chunks()):
            for value in values.tolist():
                yield ScoredPart(self.codec.pieces[ids.popleft()], value, 1)

    def evaluate(
        self,
        texts: Sequence[str] | Corpus,
        *,
        protocol: Protocol | None = None,
        windows: int | None = None,
        seed: int | None = None,
        adaptation: Adaptation | None = None,
        unknown: Unknown = "error",
        tick: Ticker | None = None,
    ) -> Evaluation:
        """Measure the model on held-out text; arguments and errors as for ``measure``."""
        method = {"protocol": protocol, "windows": windows, "seed": seed, "adaptation": adaptation}
        return self.measure(texts, **method, unknown=unknown, tick=tick).evaluation()  # type: ignore[arg-type]

    def read(self, sources: Sources) -> Corpus:
        """Read texts of the model's own kind, running text or items, as its recipe does."""
        kind = "text" if self.codec.end is None else "items"
        corpus = super().read(replace(sources, options={**sources.options, "kind": kind}, to_learn=False))
        return replace(corpus, notes=())  # they tell what kind it is taken for

    def evaluate_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> Evaluation | Losses:
        """Measure the model on held-out text; with ``shard``, on a part of it, whose losses ``join`` joins."""
        if options.get("hold"):
            return self._held(options).evaluate_on(corpus, {**options, "hold": []}, progress)
        protocol, shard = options.get("protocol"), options.get("shard")
        losses = self.measure(
            corpus,
            protocol=protocol,
            windows=options.get("windows"),
            seed=options.get("seed"),
            adaptation=adaptation_of(options, asked=protocol == "dynamic", hint="--protocol dynamic"),
            unknown=options.get("unknown", "error"),
            shard=None if shard is None else parse_shard(shard),
            encoding=lambda done, total: progress("encoding the text", done, total),
            tick=lambda done, total: progress("evaluating", done, total),
        )
        return losses.evaluation() if shard is None else losses

    def _held(self, options: Mapping[str, Any]) -> TextModel:
        """Return the model with the units held that options of a command name.

        Raises:
            ConfigError: There is no such unit, or the protocol changes the weights.
        """
        from ostinato.inspect.clamps import parse_clamp

        if options.get("protocol") == "dynamic":
            raise ConfigError("--hold holds units of the model as it was trained; choose a protocol other than dynamic")
        return self.clamped(*map(parse_clamp, options["hold"]))

    def measure(
        self,
        texts: Sequence[str] | Corpus,
        *,
        protocol: Protocol | None = None,
        windows: int | None = None,
        seed: int | None = None,
        adaptation: Adaptation | None = None,
        unknown: Unknown = "error",
        shard: Shard | None = None,
        cache: Path | None = None,
        encoding: Ticker | None = None,
        tick: Ticker | None = None,
    ) -> Losses:
        """Measure the losses on held-out text, or one shard of them.

        Args:
            texts: One running text, or items; or a corpus, which may be larger than memory.
            protocol: ``"contiguous"`` or ``"windows"`` for a model of running text, ``"items"`` for one
                of items, ``"dynamic"`` for both; ``None`` takes the first that fits.
            windows: Number of windows to draw, for the windows protocol (2,000).
            seed: Seed of these windows (1).
            adaptation: Adaptation to the text while it is read, for the dynamic protocol.
            unknown: Treatment of symbols that the model does not know.
            shard: Part to measure; ``None``: all.
            cache: Folder where a corpus too large for memory is encoded; ``None`` is the usual one.
            encoding: Called with the number of its characters encoded so far, and in all.
            tick: Called with the number of symbols measured so far, and in all.

        Raises:
            ConfigError: The protocol does not fit the model, or cannot be cut into shards.
        """
        method = Measuring.of(self.codec, protocol, windows=windows, seed=seed, shard=shard, adaptation=adaptation)
        counts = counts_of(self.members, self.codec, adaptation, compiling=self._options["compiling"])
        held = encode_to_measure(self.saved, self.codec, texts, unknown, cache, encoding)
        losses = method.measure(
            self.network, held.encoded, held.characters, tick, counts, items=self.codec.end is not None
        )
        saved = [(arrays_digest(member.saved.weights), member.saved.config) for member in self.members]
        job = repr((held.sha256, saved, self.saved.codec, windows, seed))
        job = hashlib.sha256(job.encode()).hexdigest()
        return replace(held.counted(losses, self.codec), job=job, bound=self.network.head.bound)

    def adapted(
        self,
        texts: Sequence[str] | Corpus,
        adaptation: Adaptation | None = None,
        *,
        unknown: Unknown = "error",
        tick: Ticker | None = None,
    ) -> TextModel:
        """Return a model adapted to texts; this one, and the run, stay as they are.

        ``adaptation`` sets method and rates; ``tick`` is called with the number of symbols read so far, and in all.

        Raises:
            ConfigError: There is no text.
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        if self.machine.prepare is not None:
            self.machine.prepare()
        method, device = adaptation or Adaptation(), self._device
        saved, *others = (
            adapted_weights(member, self.codec, texts, method, device=device, unknown=unknown, tick=tick)
            for member in self.members
        )
        return TextModel(saved, others, self.machine)

    def export(self, path: str | Path) -> None:
        """Write the model into one file that ``load`` reads.

        Raises:
            ConfigError: This is an ensemble.
            RunError: The file exists, or cannot be written.
        """
        if len(self.members) > 1:
            raise ConfigError("a file holds one model; export the members of an ensemble one by one")
        export(self.saved, Path(path))

    def scored(self, text: str, ids: np.ndarray[Any, Any], values: np.ndarray[Any, Any], bound: Bound) -> Score:
        """Return the score of a text whose symbols have these ids and log-probabilities."""
        pieces, end = self.codec.pieces, self.codec.end
        parts = [ScoredPart(pieces[i], v, 1, i == end) for i, v in zip(ids.tolist(), values.tolist(), strict=True)]
        return Score(text, float(values.sum(dtype=np.float64)), len(ids), parts, bound)

"""The seam: what training, loading and the command line ask of a family of models."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from ostinato.codecs import Codec, Unknown
from ostinato.data import Corpus, Encoded, Reading, Stream, encode_texts
from ostinato.errors import ConfigError
from ostinato.families.machine import Machine
from ostinato.families.options import OptionGroup
from ostinato.runs import RunFolder, SavedModel
from ostinato.units import bits

if TYPE_CHECKING:
    from torch import nn

    from ostinato.data.documents import Tick
    from ostinato.data.fetching import Fetched
    from ostinato.families.recipe import Recipe
    from ostinato.families.report import Report
    from ostinato.inspect.inspection import Inspection
    from ostinato.models import Task
    from ostinato.training.ranks import Ranks
    from ostinato.training.snapshot import Arrays
    from ostinato.training.validation import Measured


@dataclass(frozen=True)
class Sources:
    """Sources of a corpus, and options of reading them.

    Attributes:
        names: Files, folders, globs, ``-``, or the names of corpora and data sets.
        reading: Encoding, errors and column.
        options: The family's own options, by name; only those that are given.
        part: The part to read of a file with several, ``"train"`` or ``"test"``.
        to_learn: Whether it is for learning from, which takes more than one symbol.
        tick: Called with the number of bytes just read.
        fetching: Called with how far the download of a data set is.
    """

    names: Sequence[str]
    reading: Reading = field(default_factory=Reading)
    options: Mapping[str, Any] = field(default_factory=dict)
    part: str = "train"
    to_learn: bool = True
    tick: Tick | None = None
    fetching: Fetched | None = None


class Measure(Protocol):
    """Measures a task on a part of the held-out data.

    Attributes:
        symbols: Number of targets in that part.
        sha256: Digest of that part: losses of runs can be compared where it is the same.
    """

    @property
    def symbols(self) -> int: ...
    @property
    def sha256(self) -> str: ...

    def __call__(self, task: Task) -> Measured:
        """Return the mean loss."""


Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


class Result(Protocol):
    """Result of a verb.

    Attributes:
        notes: Remarks to be shown beside it.
    """

    @property
    def notes(self) -> tuple[str, ...]: ...

    def plain(self) -> dict[str, Any]:
        """Return it as plain data: what ``--json`` prints."""

    def describe(self) -> str:
        """Return it for people, in a few lines."""


class Evaluates(Protocol):
    """Models that can be measured on held-out data."""

    def evaluate_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> Result:
        """Measure the model.

        Args:
            corpus: As ``Face.read`` gives it.
            options: The family's options for this verb, by name; only those that are given.
            progress: Told how far the work is.

        Raises:
            ConfigError: Options do not go together, or not with this model.
        """


class Inspects(Protocol):
    """Models that can be looked into."""

    def inspect_on(self, text: str | None, options: Mapping[str, Any]) -> Inspection:
        """Look inside the model while it reads a sequence.

        Args:
            text: The sequence as it is typed: a text, or of families that take files the name of one; ``None``: what
                the run held out.
            options: The family's options for this verb, by name, only those that are given; and ``unknown``.

        Raises:
            ConfigError: Options do not go together, or there is no such sequence.
        """


class Face(abc.ABC):
    """A trained model in the hand: what ``ostinato.load`` returns.

    Attributes:
        saved: The contents of the run folder or model file.
        recipe: The recipe that it was trained with.
        codec: The codec.
    """

    saved: SavedModel
    recipe: Recipe
    codec: Codec

    def __repr__(self) -> str:
        settings = self.recipe.parse(self.saved.config["settings"], where=f"{self.saved.path}/config.json")
        best, unit = self.saved.best, self.recipe.family.unit
        loss = f", {bits(best['nats_per_symbol']):.3f} bits per {unit}" if "nats_per_symbol" in best else ""
        return (
            f"<{type(self).__name__} {self.saved.path}: {self.recipe.name}, "
            f"{self.recipe.family.describe_network(settings)}, {self.codec.symbols}{loss}>"
        )

    @property
    def verbs(self) -> tuple[str, ...]:
        """The commands that work with it, besides those that work with every model."""
        return self.recipe.family.verbs

    @property
    def all_saved(self) -> tuple[SavedModel, ...]:
        """The saved models that it consists of: several in an ensemble."""
        return (self.saved,)

    @property
    def parameters(self) -> int:
        """Number of learned weights."""
        return sum(weight.size for saved in self.all_saved for weight in saved.weights.values())

    def read(self, sources: Sources) -> Corpus:
        """Read a corpus as the model's recipe does.

        Raises:
            CorpusError: It cannot be read.
        """
        return self.recipe.family.read(sources, self.recipe, self.saved.config["settings"])

    def check_verb(self, verb: str) -> None:
        """Check that a command works with this model.

        Raises:
            ConfigError: It does not; the error names those that do.
        """
        if verb not in self.verbs:
            raise refused(self.saved, self.recipe, verb)

    def report(self, *, doing: Callable[[str], None] | None = None) -> Report:
        """Report on the run: figures beside baselines, the learning curve, examples, and what to change next.

        Args:
            doing: Called with what is being done.

        Raises:
            ConfigError: It is a model file, which holds no data.
            RunError: The run's data are no longer in the cache.
        """
        self.check_verb("report")
        return self.recipe.family.report(self, doing or (lambda what: None))

    if not TYPE_CHECKING:  # so that mypy refuses a wrong name

        def __getattr__(self, name: str) -> Any:
            """Say which verbs there are where another family's is asked for.

            Raises:
                ConfigError: It is a verb of another family.
                AttributeError: It is none.
            """
            from ostinato.families import verbs_of_all

            if "recipe" in self.__dict__ and name in verbs_of_all():
                raise refused(self.saved, self.recipe, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def not_of(saved: SavedModel, recipe: Recipe, wanted: str) -> ConfigError:
    """Return the error for a model that is not what is wanted, such as ``"a language model"``."""
    return ConfigError(f"{saved.path} is not {wanted}: {_what_it_is(recipe)}")


def refused(saved: SavedModel, recipe: Recipe, verb: str) -> ConfigError:
    """Return the error for a verb that a model does not have."""
    return ConfigError(f"{verb!r} does not work with {saved.path}: {_what_it_is(recipe)}")


def _what_it_is(recipe: Recipe) -> str:
    verbs = ", ".join((*recipe.family.verbs, "info", "resume", "export"))
    return f"it is {recipe.family.article} ({recipe.name}: {recipe.summary}). What works with it: {verbs}"


def check_width(width: int, weights: Arrays) -> None:
    """Check that some weight has a width.

    Raises:
        ValueError: None has.
    """
    if width not in {size for array in weights.values() for size in array.shape}:
        raise ValueError(f"the settings have {width:,} units, and no weight in the file has")


def check_single(saved: SavedModel, others: Sequence[SavedModel]) -> None:
    """Check that no ensemble is asked for.

    Raises:
        ConfigError: One is.
    """
    if others:
        raise ConfigError(f"only language models work together, and {saved.path} is none; give one run")


class Family(abc.ABC):
    """A family of models: how its corpora are read and batched, what is built of them, and how it is used.

    Settings are of the recipe's own class. Nothing of PyTorch is imported before a network is asked for.

    Attributes:
        name: The name of its folder.
        article: The name of its models, with an article, such as ``"a language model"``.
        unit: The unit of losses, such as ``"symbol"``.
        verbs: The commands that work with its models, besides those that work with every model.
        options: The options that it has for a verb, besides those that all have.
        report_seconds: Seconds that its report takes, roughly.
        reads_series: Whether ``inspect`` looks at the weights that ``train --series`` keeps.
        takes_files: Whether ``score`` and ``inspect`` take files of its own kind in place of texts, by ``score_on`` and
            ``inspect_on`` of its face.
    """

    name: ClassVar[str]
    article: ClassVar[str]
    unit: ClassVar[str]
    verbs: ClassVar[tuple[str, ...]]
    options: ClassVar[Mapping[str, tuple[OptionGroup, ...]]] = {}
    report_seconds: ClassVar[float] = 0.0
    takes_files: ClassVar[bool] = False
    reads_series: ClassVar[bool] = False

    @abc.abstractmethod
    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        """Read a corpus to learn from, or to measure with.

        Args:
            sources: Names and options of reading.
            recipe: The recipe that is to learn from it.
            given: Its settings as plain data, as far as they are known.

        Raises:
            CorpusError: It cannot be read.
        """

    def remembered(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that options of reading imply, so that a run remembers them."""
        return {}

    @abc.abstractmethod
    def learn_codec(self, settings: Any, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        """Learn how a corpus becomes ids; ``alphabet`` has every character of both parts."""

    def check(self, codec: Codec, corpora: Sequence[Corpus]) -> None:
        """Check that corpora are what a codec knows.

        Raises:
            ConfigError: They are of another kind.
            CorpusError: They hold something that it does not know.
        """
        return

    def encode(self, codec: Codec, corpus: Corpus, unknown: Unknown) -> Encoded:
        """Encode a corpus that is in memory; unknown symbols are replaced or left out as ``unknown`` says.

        Raises:
            UnknownSymbolError: There are some, and ``unknown`` is ``"error"``.
        """
        adapted = [codec.adapt(text, unknown) for text in corpus.texts]
        return replace(encode_texts(codec, adapted), columns=corpus.columns)

    @abc.abstractmethod
    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        """Return batches to train on, from their beginning."""

    @abc.abstractmethod
    def network(self, settings: Any, codec: Codec) -> nn.Module:
        """Build the network, with weights drawn from PyTorch's present random state."""

    def compiled_core(self, settings: Any) -> tuple[str, int] | None:
        """Return the core and width whose compiled scans train the network, where there are any; ``None``: none."""
        return None

    def check_weights(self, settings: Any, weights: Arrays) -> None:
        """Check that saved weights have the width of the settings, before a network of that width takes memory.

        Raises:
            ValueError: They have not.
        """
        return

    def check_columns(self, codec: Codec, data: Encoded) -> None:
        """Check that the columns that a run stores are those of the family, and made of the codec's ids.

        Raises:
            ValueError: They are not.
        """
        return

    @abc.abstractmethod
    def task(self, settings: Any, network: Any) -> Task:
        """Build the task of training a network."""

    @abc.abstractmethod
    def measure(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Measure:
        """Return the measure of a task on a part of the held-out data that the seed chooses."""

    @abc.abstractmethod
    def targets(self, codec: Codec, data: Encoded) -> int:
        """Count the targets that an epoch learns to predict, by which losses are averaged."""

    @abc.abstractmethod
    def size(self, codec: Codec, data: Encoded) -> int:
        """Count the places that a network runs over: budgets, speeds and evaluations are planned by this number."""

    @abc.abstractmethod
    def describe_data(self, codec: Codec, data: Encoded) -> str:
        """Describe how much data there are."""

    @abc.abstractmethod
    def describe_network(self, settings: Any) -> str:
        """Describe the network in a few words."""

    def next_commands(self, run: str) -> tuple[str, ...]:
        """Return commands to try with a trained model, as they are typed, the most usual one first.

        Args:
            run: The run, as it is typed.
        """
        return (f"ostinato info {run}",)

    @abc.abstractmethod
    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> Face:
        """Return a trained model in the hand.

        Args:
            saved: The contents of a run folder or model file.
            others: More of them, for an ensemble.
            machine: Where to run.

        Raises:
            ConfigError: The device is not there, or the family has no ensembles.
            DamagedError: Weights and settings do not fit each other.
        """

    @abc.abstractmethod
    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        """Return a short sample of what a network in training does.

        Args:
            network: The network; its mode is left as it was.
            codec: The codec.
            data: The validation data.
            seed: Seed of random draws.
        """

    def figures(self, network: Any, codec: Codec, data: Encoded) -> dict[str, float]:
        """Return shares by which people judge a network besides its loss, such as ``{"accuracy": 0.9}``.

        They are taken at every evaluation during training, so they have to be quick.

        Args:
            network: The network; its mode is left as it was.
            codec: The codec.
            data: The validation data, of which the first examples do.
        """
        return {}

    def closing_seconds(
        self, codec: Codec, train: Encoded, valid: Encoded, *, seconds_per_symbol: float, minutes: float, report: bool
    ) -> float:
        """Estimate how long takes what follows the last evaluation of a run.

        Args:
            codec: The codec.
            train: The training data.
            valid: The validation data.
            seconds_per_symbol: Time that an evaluation during training takes per place (``size``).
            minutes: The budget.
            report: Whether there is to be a report.
        """
        return min(self.report_seconds, 15 * minutes) if report else 0.0  # a quarter of the budget at most

    def label_names(self) -> Sequence[str]:
        """Return the labels that ``inspect --find`` knows."""
        return ()

    def compose(self, model: Any, options: Mapping[str, Any]) -> Sequence[Result]:
        """Compose as options ask for: ``tunes``, ``seed``, ``temperature`` and the family's own, which are checked."""
        raise TypeError(f"{type(self).__name__} has 'compose' among its verbs, and does not compose")

    def report(self, model: Any, doing: Callable[[str], None]) -> Report:
        """Return the report on a model of a run folder; asked for only if ``"report"`` is among the verbs."""
        raise TypeError(f"{type(self).__name__} has 'report' among its verbs, and makes none")

    def finish(self, run: RunFolder, train: Encoded) -> None:
        """Do what a finished run has done to it once."""
        return

    def check_teachers(self, recipe: Recipe, teachers: Sequence[SavedModel], base: SavedModel | None) -> None:
        """Check that a recipe can learn from other models.

        Raises:
            ConfigError: It cannot, or not from these.
        """
        if teachers:
            raise ConfigError(
                f"only language models learn from teachers, and {recipe.name} is none; leave --teacher out"
            )

    def taught(self, task: Task, teachers: Sequence[SavedModel], codec: Codec, device: str) -> Task:
        """Return the task of learning from teachers as well."""
        return task

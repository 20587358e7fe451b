"""From what a user asks for to what can be built: the split of the corpus, settings, codec and encoded texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from ostinato import codecs, config
from ostinato.codecs import Unknown
from ostinato.config import at_least
from ostinato.data import Cache, Corpus, Encoded, cache_folder, split
from ostinato.engine.cpu import trains_fast
from ostinato.errors import ConfigError, CorpusError
from ostinato.families import Budget, Family, Recipe, find_recipe
from ostinato.families.settings import TrainingSettings
from ostinato.runs import SavedModel
from ostinato.runs.folder import Pin
from ostinato.workshop.plan import Amount

Reader: TypeAlias = Callable[[Corpus, Mapping[str, Any]], Corpus]
#: What is trained where nobody says what.
DEFAULT_RECIPE = "char-lm"
#: Seed of the corpora that recipes make, and of what is set apart and validated on: the same for runs of every seed, so
#: that their losses can be compared.
DATA_SEED = 1
_FEWEST = 2  # steps whose weights a series keeps

Watch: TypeAlias = Callable[[str, int, int], None]  # what is being done, how much of it, of how much


@dataclass(frozen=True)
class RunRequest:
    """A user's request for a new run.

    Attributes:
        out: Where the run folder shall be.
        recipe: Name of the recipe; ``None``: that of the base, or the usual one.
        amount: Amount of training.
        settings: Settings that are not to be chosen, as plain data.
        seed: Where the randomness of training comes from. What is set apart for validation does not depend on it.
        valid: A share of the corpus to set apart for validation, or another corpus, or how to get that
            for the corpus.
        base: A run or model file to start from.
        teachers: Runs or model files to learn from as well.
        unknown: Treatment of symbols that the base's codec does not know.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        threads: Number of processor threads that train; ``None``: a trial chooses, again when the machine gets busy.
        command: The command line, for the record.
        started: When the process began, by ``time.monotonic()``; a time budget counts from there.
        cache: Where corpora too large for memory are encoded; ``None`` is the usual place.
        watch: Told of long work while setting up.
        report: Whether a time budget shall leave time for a report.
        series: Number of steps whose weights are kept, for looking at training afterwards; ``None``: none.
    """

    out: Path
    recipe: str | None = None
    amount: Amount = field(default_factory=Amount)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 1
    valid: float | Corpus | Callable[[Corpus], Corpus] = 0.1
    base: Path | None = None
    teachers: tuple[Path, ...] = ()
    unknown: Unknown = "error"
    device: str = "auto"
    threads: int | None = None
    command: str = ""
    started: float | None = None
    cache: Path | None = None
    watch: Watch | None = None
    report: bool = False
    series: int | None = None

    def __post_init__(self) -> None:
        if self.series is not None:
            at_least("series", self.series, _FEWEST)


class RunOptions(TypedDict, total=False):
    """Options of ``ostinato.train``, as of ``RunRequest``."""

    recipe: str | None
    settings: Mapping[str, Any]
    seed: int
    valid: float | Corpus | Callable[[Corpus], Corpus]
    teachers: tuple[Path, ...]
    unknown: Unknown
    device: str
    threads: int | None
    command: str
    started: float | None
    cache: Path | None
    watch: Watch | None
    report: bool
    series: int | None


@dataclass(frozen=True)
class Prepared:
    """Encoded training data with the codec and the settings.

    Attributes:
        settings: As given and chosen; the precision may still be ``"auto"``.
        codec: The codec's description.
        train: The encoded training texts.
        valid: The encoded validation texts.
        pin: Where the two lie in the cache; ``None``: they are in memory.
        notes: Decisions that were made while reading, to be shown.
        budget: The budget that sizes were chosen by; ``None``: they are those of the base.
    """

    settings: TrainingSettings
    codec: dict[str, Any]
    train: Encoded
    valid: Encoded
    pin: Pin | None
    notes: tuple[str, ...]
    budget: Budget | None = None


def prepare(
    corpus: Corpus, request: RunRequest, base: SavedModel | None, teacher: SavedModel | None = None
) -> Prepared:
    """Split, choose settings, learn the codec, or take that of the base or of a teacher, and encode.

    Raises:
        ConfigError: A setting is unknown or out of range.
        CorpusError: The corpus is too little, has changed, or cannot be encoded.
    """
    train_part, valid_part = _parts(corpus, request, base)
    budget = None if base is not None else _budget(train_part, request)
    settings = _settings(budget, request, base, base or teacher)
    known, recipe = base or teacher, _recipe(request, base)
    if known is None:
        alphabet = corpus.alphabet | (request.valid.alphabet if isinstance(request.valid, Corpus) else frozenset())
        codec = recipe.family.learn_codec(settings, train_part, valid_part, alphabet)
    else:
        codec = _known_codec(known, train_part)
    recipe.family.check(codec, (train_part, valid_part))
    train, valid, pin = encode_parts(recipe.family, codec, (train_part, valid_part), request)
    if not len(valid.ids):
        raise CorpusError("nothing is left to validate on: the validation part has no symbol that the model knows")
    notes = (*train_part.notes, *_changed(codec, request))
    return Prepared(settings, codec.to_json(), train, valid, pin, notes, budget)


def _changed(codec: codecs.Codec, request: RunRequest) -> list[str]:
    """Say how many symbols of the corpus were not known to the base's codec."""
    changed, symbols = codec.changes.changed, codec.changes.symbols
    if not changed:
        return []
    return [f"--unknown {request.unknown} changed {changed:,} of {symbols:,} symbols ({changed / symbols:.1%})"]


def encode_parts(
    family: Family, codec: codecs.Codec, parts: tuple[Corpus, Corpus], request: RunRequest
) -> tuple[Encoded, Encoded, Pin | None]:
    """Encode the two parts of a corpus: in memory what is in memory, and all else in the cache."""
    if all(part.is_held for part in parts):
        train, valid = (family.encode(codec, part, request.unknown) for part in parts)
        return train, valid, None
    watch = request.watch or (lambda what, done, total: None)
    pinned = Cache(request.cache or cache_folder()).encoded(
        codec,
        {"train": parts[0], "valid": parts[1]},
        unknown=request.unknown,
        progress=lambda done, total: watch("encoding the corpus", done, total),
        waiting=lambda: watch("waiting for another process that encodes the same corpus", 0, 1),
    )
    return pinned.parts["train"], pinned.parts["valid"], Pin(pinned.key, pinned.sha256)


def _parts(corpus: Corpus, request: RunRequest, base: SavedModel | None) -> tuple[Corpus, Corpus]:
    recipe = _recipe(request, base)
    settings = request.settings if base is None else {**base.config["settings"], **request.settings}
    as_is: Reader = lambda corpus, settings: corpus  # noqa: E731
    prepare, augment = recipe.prepare or as_is, recipe.augment or as_is
    if isinstance(request.valid, Corpus):
        train_part, valid_part = prepare(corpus, settings), prepare(request.valid, settings)
    else:
        assert not callable(request.valid)
        train_part, valid_part = split(prepare(corpus, settings), share=request.valid, seed=DATA_SEED)
    return augment(train_part, settings), valid_part


def recipe_of(asked: str | None, base: str | None) -> Recipe:
    """Return the recipe that is asked for, which has to be that of the base, if there is one.

    Raises:
        ConfigError: It is another one, or there is none of this name.
    """
    if base is not None and asked not in (None, base):
        raise ConfigError(
            f"the model to start from is one of recipe {base}, so it cannot go on as {asked}; leave that out"
        )
    return find_recipe(base or asked or DEFAULT_RECIPE)


def _recipe(request: RunRequest, base: SavedModel | None) -> Recipe:
    return recipe_of(request.recipe, None if base is None else base.config["recipe"])


def _budget(train_part: Corpus, request: RunRequest) -> Budget:
    minutes, items = request.amount.expected_minutes, train_part.kind == "items"
    texts = len(train_part.texts) if isinstance(train_part.texts, tuple) else 1
    return Budget(train_part.size, items, minutes, request.device, compiled=trains_fast(), texts=texts)


def _settings(
    budget: Budget | None, request: RunRequest, base: SavedModel | None, known: SavedModel | None
) -> TrainingSettings:
    recipe = _recipe(request, base)
    codec_settings = recipe.settings.codec_settings
    fixed = [name for name in codec_settings if name in request.settings]
    if known is not None and fixed:
        way = "--teacher" if base is None else "--from"
        raise ConfigError(f"with {way} the symbols are those of {known.path}; {', '.join(fixed)} cannot be set")
    if known is None and request.unknown != "error":
        raise ConfigError("--unknown is for a model that exists; it needs --from")
    if base is not None:
        chosen = base.config["settings"]
    else:
        assert budget is not None
        chosen = recipe.sizes_for(budget, request.settings)
    if base is None and known is not None:
        chosen = {
            **chosen,
            **{name: known.config["settings"][name] for name in codec_settings if name in known.config["settings"]},
        }
    return config.read(recipe.settings, {**chosen, **request.settings}, where="the settings given")


def _known_codec(known: SavedModel, train_part: Corpus) -> codecs.Codec:
    """The codec of a saved model, if the corpus is of its kind."""
    codec = codecs.from_json(known.codec)
    if (codec.end is not None) != (train_part.kind == "items"):
        kinds = {True: "items", False: "running text"}
        raise ConfigError(
            f"{known.path} is a model of {kinds[codec.end is not None]}, the corpus is "
            f"{kinds[train_part.kind == 'items']}; force its kind with --as"
        )
    return codec

"""Which trials are made: what the literature says, one by one; and what the recipe's rule is learned from."""

from __future__ import annotations

from typing import Any

Trial = dict[str, Any]

_EQUAL_STEPS = 4000  # for what is too slow here for equal minutes: a minute of the usual core


def timed(
    cell: str, minutes: float, changed: dict[str, Any] | None = None, tricks: tuple[str, ...] = (), seed: int = 1
) -> Trial:
    """A trial of some minutes on an undisturbed machine."""
    # The core is always named: what the recipe takes by itself changes with what is found here.
    changed = {"core": "lstm", **(changed or {})}
    return {"cell": cell, "minutes": minutes, "changed": changed, "tricks": list(tricks), "seed": seed}


def stepped(changed: dict[str, Any] | None = None, *tricks: str) -> Trial:
    """A trial of as many steps as the usual core makes in a minute."""
    return {**timed("text-1", 1, changed, _shaped(changed, tricks)), "asked_steps": _EQUAL_STEPS}


def _shaped(changed: dict[str, Any] | None, tricks: tuple[str, ...]) -> tuple[str, ...]:
    """All that say nothing of the rate's course were tried with a cosine."""
    said = "cooldown" in (changed or {}) or any(trick.startswith("cosine") for trick in tricks)
    return tricks if said else (*tricks, "cosine")


_BASE = {"core": "capped-lstm"}


def _one(changed: dict[str, Any] | None = None, *tricks: str, seed: int = 1) -> Trial:
    return timed("text-1", 3, {**_BASE, **(changed or {})}, _shaped(changed, tricks), seed)


LITERATURE = [
    stepped(_BASE),
    {**_one(), "name": "capped3"},
    {**_one({"core": "lstm"}), "name": "base3"},
    _one({"cooldown": 0.4}),
    _one(None, "beta1=0"),
    _one(None, "embedding-dropout=0.1"),
    _one({"recurrent_dropout": 0.2}),
    stepped(None, "muon"),
    stepped({"core": "norm-lstm"}),
    stepped(),
    stepped(None, "tied-gates"),
    stepped(None, "loop"),
    _one(seed=2),
    _one({"cooldown": 0.4}, seed=2),
    _one(None, "growing-window"),
    _one({"layers": 2, "hidden_size": 384}),
    _one({"average": 0.0}),
    stepped({**_BASE, "cooldown": 0.4}),
    stepped({**_BASE, "cooldown": 1.0}),
    stepped(_BASE, "cosine-power=1.5"),
    stepped(_BASE, "growing-batch"),
    stepped(_BASE, "random-window"),
    stepped({**_BASE, "tied": True, "embedding_size": 512}),
    _one({"variational": False}),
    _one(None, "ar=2"),
    _one(None, "tar=1"),
    _one(None, "tail-average=0.15"),
    _one({"layers": 2, "hidden_size": 384, "residual": True}),
    stepped({"core": "min-gru", "layers": 3, "residual": True}),
    stepped({"core": "min-lstm", "layers": 3, "residual": True}),
    stepped({"core": "gru"}),
    stepped({"core": "mogrifier"}),
]

# Later the rule had come to take dropout in a minute; those above had none.
_WHOLE = {"dropout": 0.0}
LATER = [
    stepped({**_BASE, **_WHOLE}),
    stepped({**_BASE, **_WHOLE}, "soap"),
    stepped({"core": "norm-lstm", **_WHOLE}),
    stepped({"core": "norm-lstm", **_WHOLE}, "capped-norm"),
]


# What gained alone, together.
COMBINED = [
    _one({"cooldown": 0.4}, "ar=2"),
    _one({"cooldown": 0.4}, "tar=1"),
    _one({"cooldown": 0.4, "dropout": 0.5}),
]

Size = tuple[int, int, float, dict[str, Any]]  # layers, width, dropout, what else is changed


def _sizes(cell: str, minutes: float, *sizes: Size) -> list[Trial]:
    """Trials of sizes, an eighth of the dropout at the input; with much of it, what the table found good there."""
    found = []
    for layers, width, dropout, more in sizes:
        shape = {"layers": layers, "hidden_size": width, "dropout": dropout, "input_dropout": dropout / 8}
        # Named, as what the rule takes by itself changes with what is found here.
        shape |= {"weight_decay": _DECAY, "learning_rate": _RATES.get(cell, _RATE)}
        much = dropout > _LITTLE
        course = {"cooldown": 0.4 if much else 1.0, "activation_penalty": 2.0 if much else 0.0}
        found.append(timed(cell, minutes, {**_BASE, **shape, **course, **more}))
    return found


_LITTLE = 0.15  # dropout
_DECAY = 0.03  # of weights
_RATE, _RATES = 6e-3, {"text-0.1": 4e-3, "names": 4e-3}
_FASTER, _HEAVIER, _WIDER, _LONGER, _FREE = (
    {"learning_rate": 8e-3}, {"weight_decay": 0.1}, {"batch_size": 32}, {"window": 96}, {"activation_penalty": 0.0},
)  # fmt: skip

MINUTE = [
    *_sizes("text-0.1", 1, (1, 256, 0.5, {})),
    *_sizes("text-1", 1, (1, 512, 0.0, {}), (1, 512, 0.1, {}), (1, 640, 0.1, {}), (1, 384, 0.0, {})),
    *_sizes(
        "text-1", 1, (1, 512, 0.1, _FASTER), (1, 512, 0.1, _HEAVIER), (1, 512, 0.1, _LONGER), (1, 512, 0.1, _WIDER)
    ),
    *_sizes("code-1", 1, (1, 512, 0.0, {}), (1, 512, 0.1, {}), (1, 640, 0.1, {}), (1, 512, 0.1, _LONGER)),
    *_sizes("code-10", 1, (1, 512, 0.0, {}), (1, 384, 0.0, {}), (1, 256, 0.0, {})),
    *_sizes("names", 1, (1, 256, 0.3, {}), (1, 384, 0.4, {}), (1, 512, 0.5, {}), (1, 384, 0.4, _FREE)),
    *_sizes("abc", 1, (1, 512, 0.0, {}), (1, 512, 0.1, {}), (1, 384, 0.0, {})),
]

_SPARING = {"weight_decay": 0.3}
_MUCH = {**_SPARING, "embedding_size": 32}  # of what keeps a network from learning by heart
_STEPS_OF_A_PASS = 130  # over text-0.1


def _passes(passes: int, *sizes: Size, minutes: float = 1) -> list[Trial]:
    """Trials on the smallest text, which is learned by heart long before the minutes are over: so many passes only."""
    return [{**trial, "asked_steps": passes * _STEPS_OF_A_PASS} for trial in _sizes("text-0.1", minutes, *sizes)]


SMALL = [
    *_passes(12, (1, 256, 0.5, {}), (1, 384, 0.5, {}), (1, 512, 0.6, {})),
    *_passes(24, (1, 256, 0.5, {}), (1, 384, 0.6, {}), (1, 512, 0.7, {}), (1, 384, 0.6, _HEAVIER)),
    *_passes(24, (1, 384, 0.6, {"weight_decay": 0.3}), (1, 384, 0.6, {"embedding_size": 32}), (1, 384, 0.6, _FREE)),
    *_passes(40, (1, 512, 0.7, {"weight_decay": 0.1}), (1, 512, 0.7, {"activation_penalty": 6.0})),
    *_passes(24, (1, 384, 0.6, {"weight_decay": 0.8}), (1, 384, 0.6, {"weight_decay": 0.3, "embedding_size": 16})),
    *_passes(24, (1, 512, 0.6, {"weight_decay": 0.3, "embedding_size": 32})),
    *_passes(16, (1, 512, 0.6, {"weight_decay": 0.8, "embedding_size": 16})),
    *_passes(15, (1, 512, 0.5, _SPARING)),
]

THREE = [
    *_passes(20, (1, 768, 0.65, _MUCH), (1, 512, 0.6, _MUCH), minutes=3),
    *_passes(15, (1, 512, 0.5, _SPARING), minutes=3),
    *_sizes("text-1", 3, (1, 512, 0.25, {}), (1, 512, 0.35, {}), (1, 768, 0.4, {})),
    *_sizes("code-1", 3, (1, 512, 0.1, {}), (1, 512, 0.25, {}), (1, 512, 0.35, {}), (1, 768, 0.35, {})),
    *_sizes("code-10", 3, (1, 512, 0.0, {}), (1, 384, 0.0, {}), (1, 640, 0.0, {})),
    *_sizes("names", 3, (1, 384, 0.4, {}), (1, 512, 0.55, {})),
    *_sizes("abc", 3, (1, 512, 0.1, {}), (1, 512, 0.25, {}), (1, 512, 0.35, {}), (1, 768, 0.2, {})),
]

TEN = [
    *_sizes("code-1", 10, (1, 768, 0.4, {}), (1, 768, 0.5, {})),
    *_sizes("abc", 10, (1, 512, 0.35, {}), (1, 768, 0.35, {})),
    *_sizes("code-10", 10, (1, 512, 0.1, {}), (1, 512, 0.0, {})),
]


def _on(kind: str, *trials: Trial) -> list[Trial]:
    """Trials on another kind of machine, in its own minutes."""
    return [{**trial, "on": kind} for trial in trials]


# Minutes of a usual laptop: ten of them are two of the machine above.
LAPTOP = _on(
    "avx2",
    *_sizes("text-0.1", 1, (1, 384, 0.6, _SPARING), (1, 256, 0.5, _SPARING)),
    *_sizes("text-0.1", 1, (1, 256, 0.3, _SPARING), (1, 256, 0.2, _SPARING)),
    *_sizes("text-1", 1, (1, 384, 0.0, {}), (1, 256, 0.0, {}), (1, 512, 0.0, {}), (1, 192, 0.0, {})),
    *_sizes("code-1", 1, (1, 384, 0.0, {}), (1, 256, 0.0, {}), (1, 192, 0.0, {})),
    *_sizes("code-10", 1, (1, 256, 0.0, {}), (1, 384, 0.0, {}), (1, 128, 0.0, {}), (1, 192, 0.0, {})),
    *_sizes("names", 1, (1, 384, 0.4, {}), (1, 256, 0.3, {}), (1, 256, 0.2, {}), (1, 256, 0.1, {})),
    *_sizes("abc", 1, (1, 384, 0.0, {}), (1, 256, 0.0, {}), (1, 192, 0.0, {})),
    *_sizes("names", 3, (1, 384, 0.4, {}), (1, 256, 0.2, {}), (1, 256, 0.3, {}), (1, 384, 0.3, {})),
    *_sizes("text-1", 3, (1, 384, 0.0, {}), (1, 512, 0.0, {}), (1, 256, 0.0, {})),
    *_sizes("code-1", 3, (1, 384, 0.0, {}), (1, 512, 0.0, {}), (1, 384, 0.1, {})),
    *_sizes("code-10", 3, (1, 256, 0.0, {}), (1, 384, 0.0, {})),
    *_sizes("abc", 3, (1, 384, 0.0, {}), (1, 256, 0.0, {}), (1, 512, 0.0, {})),
    *_passes(18, (1, 256, 0.3, _SPARING), minutes=3),
    *_passes(15, (1, 384, 0.4, _SPARING), minutes=3),
    *_passes(24, (1, 384, 0.6, _SPARING), minutes=3),
    *_sizes("text-1", 10, (1, 512, 0.35, {}), (1, 512, 0.2, {})),
    *_sizes("code-1", 10, (1, 512, 0.35, {}), (1, 512, 0.2, {})),
    *_sizes("code-1", 10, (1, 512, 0.275, {})),
    *_sizes("text-1", 10, (1, 512, 0.275, {})),
    *_passes(18, (1, 256, 0.3, _SPARING), minutes=10),
    *_passes(15, (1, 512, 0.5, _SPARING), minutes=10),
    *_sizes("names", 10, (1, 512, 0.55, {}), (1, 384, 0.4, {})),
    *_sizes("code-10", 10, (1, 384, 0.0, {}), (1, 512, 0.0, {})),
    *_sizes("abc", 10, (1, 512, 0.1, {}), (1, 512, 0.0, {})),
)


def _seeds(*trials: Trial) -> list[Trial]:
    """The same with two seeds more."""
    return [{**trial, "seed": seed} for trial in trials for seed in (2, 3)]


# What a minute there is best used for: rate, rows, window.
SHORT = _on(
    "avx2",
    *_seeds(*_sizes("text-1", 1, (1, 256, 0.0, {}), (1, 256, 0.0, _FASTER))),
    *_sizes("text-1", 1, (1, 256, 0.0, _FASTER), (1, 256, 0.0, {"learning_rate": 0.011})),
    *_sizes("text-1", 1, (1, 256, 0.0, {"batch_size": 8}), (1, 256, 0.0, {"window": 32})),
    *_sizes("code-1", 1, (1, 256, 0.0, _FASTER)),
    *_sizes("code-10", 1, (1, 256, 0.0, _FASTER)),
    *_sizes("abc", 1, (1, 256, 0.0, _FASTER)),
    *_sizes("code-10", 3, (1, 256, 0.0, _FASTER)),
)

# Inputs that nothing is dropped of are looked up in a table of products, which saves a tenth of a step. What does
# dropping them gain in as many steps?
_STEPS_OF_THREE_MINUTES = 3200
_LITTLE_DROPPED = _sizes("text-1", 3, (1, 512, 0.1, {}), (1, 512, 0.1, {"input_dropout": 0.0}))
INPUTS = _on("avx2", *({**trial, "asked_steps": _STEPS_OF_THREE_MINUTES} for trial in _LITTLE_DROPPED))

# Names are known by heart before ten minutes are over: more decay, and an end after fewer passes.
_STEPS_OF_NAMES = 411  # a pass
ITEMS = [
    {**trial, "asked_steps": 20 * _STEPS_OF_NAMES}
    for decay in (_DECAY, 0.1, 0.3)
    for trial in _sizes("names", 3, (1, 384, 0.4, {"weight_decay": decay}), (1, 512, 0.55, {"weight_decay": decay}))
]

# Half an hour there is more than a megabyte of text bears: the rate's fall at the end only learns it by heart. What
# keeps a network from that for 24 passes, and what would fewer of them come to?
_STEPS_OF_A_MEGABYTE = 1177  # a pass over text-1


def _many(passes: int, size: Size) -> Trial:
    layers, width, dropout, more = size
    (trial,) = _sizes("text-1", 30, (layers, width, dropout, {"recurrent_dropout": 0.0, **more}))
    return {**trial, "asked_steps": passes * _STEPS_OF_A_MEGABYTE}


MANY = [
    _many(24, (1, 768, 0.65, {})),
    _many(24, (1, 768, 0.5, {"recurrent_dropout": 0.2})),
    _many(16, (1, 768, 0.5, {})),
    _many(16, (1, 768, 0.5, {"recurrent_dropout": 0.2})),
    _many(24, (1, 768, 0.5, {"recurrent_dropout": 0.35})),
    _many(24, (1, 512, 0.4, {"recurrent_dropout": 0.3})),
]

PLANS = {
    "literature": LITERATURE, "combined": COMBINED, "small": SMALL, "one": MINUTE, "three": THREE, "ten": TEN,
    "laptop": LAPTOP, "short": SHORT, "inputs": INPUTS, "later": LATER, "items": ITEMS, "many": MANY,
}  # fmt: skip

"""The law of constraints: every finished text matches, by every search and engine, with and without an end symbol.

Random small patterns are held against enumeration: all texts over the alphabet, and Python's own matcher.
"""

import itertools
import random
import re

import pytest
import torch

from ostinato.codecs import ByteCodec, CharacterCodec, SubwordCodec
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.engine.engine import Engine
from ostinato.engine.packing import pack
from ostinato.errors import ConfigError
from ostinato.families.text.exact import ExactSampler
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel

ALPHABET, LENGTH, PATTERNS = "ab\n", 5, 220
FINISHED = {"end", "complete", "length"}
CODECS = {
    "characters": lambda end: CharacterCodec(ALPHABET, end=end),
    "bytes": lambda end: ByteCodec(end=end),
    "subwords": lambda end: SubwordCodec.learn(["ab\naab\nbba\nab ab" * 20], vocabulary=262, end=end),
}
SEARCHES = {
    "sample": ({}, {}),
    "greedy": ({"greedy": True}, {}),
    "beam": ({"beam": 4, "n_best": 4}, {}),
    "diverse": ({"beam": 4, "diverse": 2, "n_best": 3}, {}),
    "draw": ({"beam": 3, "draw": True, "n_best": 3}, {}),
    "stochastic": ({"beam": 3, "stochastic": True}, {}),
    "truncated": ({}, {"temperature": 0.7, "top_k": 3, "top_p": 0.9, "min_p": 0.02}),
    "typical": ({}, {"typical": 0.8, "repetition_penalty": 1.3}),
    "mirostat": ({}, {"mirostat": 2.0}),
    "dry": ({}, {"dry": 0.8}),
}
COMPILED = {"sample", "greedy", "beam", "truncated", "typical"}


def random_pattern(source, depth=3):
    """A pattern over the alphabet: letters, classes, sequences, choices and repetitions."""
    kind = source.choice(["letter", "class"] if depth == 0 else ["letter", "class", "join", "join", "choice", "repeat"])
    if kind == "letter":
        return source.choice(["a", "b", r"\n"])
    if kind == "class":
        return source.choice(["[ab]", r"[a\n]", "[^a]", r"[b\n]"])
    parts = [random_pattern(source, depth - 1) for _ in range(source.choice([2, 3]))]
    if kind == "join":
        return "".join(parts)
    if kind == "choice":
        return f"({'|'.join(parts)})"
    return f"({parts[0]}){source.choice(['*', '+', '?', '{2}', '{1,3}', '{2,}'])}"


def all_texts():
    return ["".join(letters) for n in range(LENGTH + 1) for letters in itertools.product(ALPHABET, repeat=n)]


TEXTS = all_texts()


def matching(pattern):
    """All texts that match, within the length."""
    return {text for text in TEXTS if re.fullmatch(pattern, text)}


def final(texts):
    """Those at which a model without an end symbol stops: no longer text that matches goes on from them."""
    return {text for text in texts if not any(other != text and other.startswith(text) for other in texts)}


@pytest.fixture(scope="module")
def models(kernels):
    """For each codec and kind of end a network, and the same one compiled."""
    found = {}
    for (name, make), end in itertools.product(CODECS.items(), (False, True)):
        codec = make(end)
        torch.manual_seed(3)
        network = LanguageModel(codec.size, core="lstm", layers=1, hidden_size=16, embedding_size=8).eval()
        weights = {name: value.detach().numpy() for name, value in network.named_parameters()}
        packed = pack(weights, core="lstm", layers=1, symbols=codec.size, precision="fp32")
        found[name, end] = codec, network, Engine(packed, folder=kernels, threads=1)
    return found


def generated(model, pattern, search, compiled, seed):
    codec, network, engine = model
    settings, rules = SEARCHES[search]
    return Generation(
        codec,
        engine if compiled else network,
        [""] if "beam" in settings else ["", ""],
        settings=SearchSettings(**settings),
        rules=RuleSettings(match=pattern, **rules),
        length=LENGTH,
        seed=None if settings.get("greedy") or search in ("beam", "diverse") else seed,
    ).finish()


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("end", [False, True])
def test_every_finished_text_matches_and_none_gets_stuck(models, search, end):
    for number in range(PATTERNS):
        pattern = random_pattern(random.Random(number))
        texts = matching(pattern)
        allowed = texts if end else final(texts)
        for compiled in [False, *[True] * (search in COMPILED)]:
            model = models["characters", end]
            if not texts:
                with pytest.raises(ConfigError, match="constraint"):
                    generated(model, pattern, search, compiled, number)
                continue
            samples = generated(model, pattern, search, compiled, number)
            assert samples, pattern
            for sample in samples:
                assert sample.ending in FINISHED, (pattern, sample)
                assert sample.text in allowed, (pattern, sample)


@pytest.mark.parametrize("codec", ["bytes", "subwords"])
@pytest.mark.parametrize("end", [False, True])
def test_symbols_that_are_not_characters_match_too(models, codec, end):
    for number in range(0, PATTERNS, 4):
        pattern = random_pattern(random.Random(number))
        for search, compiled in itertools.product(["sample", "greedy", "beam", "mirostat"], (False, True)):
            if compiled and search not in COMPILED:
                continue
            if not matching(pattern):
                continue
            samples = generated(models[codec, end], pattern, search, compiled, number)
            assert samples
            for sample in samples:
                assert sample.ending in FINISHED, (pattern, sample)
                assert re.fullmatch(pattern, sample.text), (pattern, sample)


@pytest.mark.parametrize("end", [False, True])
def test_exact_samples_match_and_a_beam_wide_enough_finds_every_text(models, end):
    codec, network, _ = models["characters", end]
    for number in range(0, PATTERNS, 5):
        pattern = random_pattern(random.Random(number))
        texts = matching(pattern)
        if not texts:
            continue
        rules = RuleSettings(match=pattern)
        allowed = texts if end else final(texts)
        sampler = ExactSampler(codec, network, rules, length=LENGTH)
        if sampler.method("") == "enumeration":
            assert {sample.text for sample in sampler.samples([""], 4, number)} <= allowed
        settings = SearchSettings(beam=400, n_best=400)
        everything = Generation(codec, network, [""], settings=settings, rules=rules, length=LENGTH).finish()
        assert {sample.text for sample in everything} == allowed, pattern


def test_a_text_may_end_before_the_length_where_nothing_longer_would_match(models):
    for compiled, search in itertools.product((False, True), ("sample", "greedy", "beam")):
        samples = generated(models["characters", False], "(ab)*", search, compiled, 1)
        assert {sample.text for sample in samples} == {"abab"}
        assert {sample.ending for sample in samples} == {"complete"}

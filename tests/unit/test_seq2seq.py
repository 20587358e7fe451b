"""Models of pairs: loss, search and feedback, against what can be counted or worked out by hand."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ostinato.data.pair_streams import Pairs
from ostinato.data.pairs import corpus_of_pairs
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.pairs.settings import PairSettings, build_pair_model, build_pair_task, learn_pair_codec
from ostinato.families.pairs.translator import best_targets
from ostinato.families.sources import encode_pairs
from ostinato.models import Feedback, Randomness
from ostinato.models.feedback import run_fed_back
from ostinato.models.task import Context

PAIRS = [("ab", "xy"), ("b", "y"), ("aab", "yxx"), ("bbbba", "x")]
SIDES = tuple(map(list, zip(*PAIRS, strict=True)))
SYSTEMS = [
    {"encoder": "both-ways", "decoder": "additive"},
    {"encoder": "both-ways", "decoder": "multiplicative", "core": "lstm", "layers": 2},
    {"encoder": "forwards", "decoder": "summary"},
    {"encoder": "backwards", "decoder": "last-state", "core": "lstm"},
    {"encoder": "convolutional", "decoder": "convolutional", "layers": 2},
]


@pytest.fixture(params=SYSTEMS, ids=lambda system: system["decoder"])
def case(request):
    torch.manual_seed(0)
    small = {"hidden_size": 6, "embedding_size": 4, "attention_size": 5, "precision": "float32", "codec": "characters"}
    settings = PairSettings(**small, **request.param)
    codec = learn_pair_codec(settings, *SIDES)
    model = build_pair_model(settings, codec)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.5)
    return settings, codec, model.eval()


def batch_of(codec, pairs):
    rows = Pairs(encode_pairs(codec, corpus_of_pairs(pairs), "error"), codec.begin)
    return rows.batch(np.arange(len(rows)))


def log_prob(case, source, target):
    """By the decoder's steps, one after the other."""
    _, codec, model = case
    ids = torch.from_numpy(codec.encode_source(source).astype(np.int64))[None]
    state = model.begin(model.encode(ids, torch.tensor([ids.shape[1]])))
    total, symbol = 0.0, model.symbols
    for after in target:
        log_probs, state = model.step(torch.tensor([symbol]), state)
        total, symbol = total + float(log_probs[0, after]), after
    return total


@torch.no_grad()
def test_the_loss_of_a_batch_is_that_of_each_pair_alone(case):
    settings, codec, model = case
    task = build_pair_task(settings, model)
    together = task.loss(batch_of(codec, PAIRS), (), Context())[0]
    alone = [task.loss(batch_of(codec, [pair]), (), Context())[0] for pair in PAIRS]
    assert together.count == sum(one.count for one in alone) == 3 + 2 + 4 + 2
    assert float(together.total) == pytest.approx(sum(float(one.total) for one in alone), abs=1e-4)


@torch.no_grad()
def test_the_loss_is_minus_the_log_probability_that_the_search_adds_up(case):
    settings, codec, model = case
    task = build_pair_task(settings, model)
    for source, target in PAIRS:
        loss = task.loss(batch_of(codec, [(source, target)]), (), Context())[0]
        ids = [*codec.target.encode(target).tolist(), codec.end]
        assert float(loss.total) == pytest.approx(-log_prob(case, source, ids), abs=1e-4)


@torch.no_grad()
def test_a_wide_beam_finds_the_best_of_all_targets(case):
    _, codec, model = case
    letters = [i for i in range(codec.size) if i != codec.end]
    every = {
        (*symbols, codec.end): log_prob(case, "ab", (*symbols, codec.end))
        for length in range(5)
        for symbols in itertools.product(letters, repeat=length)
    }
    source = codec.encode_source("ab").tolist()
    (found,) = best_targets(model, codec, [source], SearchSettings(beam=32, n_best=5))
    best = sorted(every, key=lambda symbols: -every[symbols])
    # Only targets that were enumerated can be compared; longer ones may be found as well.
    among = [one.symbols for one in found if len(one.symbols) <= 5]
    assert among == best[: len(among)]
    assert len(among) >= 1
    for one in found:
        assert one.score == pytest.approx(log_prob(case, "ab", one.symbols), abs=1e-4)


@torch.no_grad()
def test_sources_side_by_side_are_translated_as_each_alone(case):
    _, codec, model = case
    sources = [codec.encode_source(source).tolist() for source, _ in PAIRS]
    for search in (SearchSettings(greedy=True), SearchSettings(beam=3)):
        together = best_targets(model, codec, sources, search)
        for source, best in zip(sources, together, strict=True):
            (alone,) = best_targets(model, codec, [source], search)
            assert alone[0].symbols == best[0].symbols


def fed_back(case, feedback, step=0):
    _, codec, model = case
    batch = batch_of(codec, PAIRS)
    source = model.encode(torch.from_numpy(batch.sources), torch.from_numpy(batch.source_lengths))
    lengths = torch.from_numpy(batch.lengths)
    inputs = torch.from_numpy(batch.inputs)
    options = {"lengths": lengths, "masks": None, "feedback": feedback, "random": Randomness(1, step)}
    ys, _ = run_fed_back(model.decoder, model.head, model.embed, inputs, model.begin(source), **options)
    return ys, model.output(inputs, model.begin(source), lengths=lengths)[0]


def test_fed_the_truth_a_model_is_teacher_forced(case):
    ys, expected = fed_back(case, Feedback("linear", k=1.0))
    torch.testing.assert_close(ys, expected, rtol=0, atol=1e-5)


def test_always_fed_back_a_model_reads_what_greedy_search_writes(case):
    _, codec, model = case
    ys, _ = fed_back(case, Feedback("always", choice="argmax"))
    chosen = model.head.log_probs(ys).argmax(dim=-1)
    for row, (source, target) in enumerate(PAIRS):
        ids = codec.encode_source(source).tolist()
        (found,) = best_targets(model, codec, [ids], SearchSettings(greedy=True))
        length = min(len(target) + 1, len(found[0].symbols))
        assert chosen[row, :length].tolist() == list(found[0].symbols[:length])


def test_no_gradient_goes_through_the_choice(case):
    model = case[2]
    ys, _ = fed_back(case, Feedback("always", choice="sample"))
    assert ys.requires_grad
    model.zero_grad()
    ys[:, 0].sum().backward(retain_graph=True)
    assert model.head.weight.grad is None  # which chose what was read


def test_a_coin_for_each_sequence_reads_all_truth_or_none(case):
    feedback = Feedback("linear", k=0.5, choice="argmax", per="sequence")
    forced, free = (fed_back(case, one)[0] for one in (Feedback("linear", k=1.0), Feedback("always", choice="argmax")))
    for step in range(6):
        ys, _ = fed_back(case, feedback, step)
        for row in range(len(PAIRS)):
            assert any(torch.allclose(ys[row], whole[row], atol=1e-5) for whole in (forced, free))


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        (Feedback(), [1, 1, 1]),
        (Feedback("always"), [0, 0, 0]),
        (Feedback("linear", k=1.0, slope=0.01, least=0.25), [1, 0.9, 0.25]),
        (Feedback("exponential", k=0.99), [1, 0.99**10, 0.99**1000]),
        (Feedback("inverse-sigmoid", k=50.0), [50 / 51, 50 / (50 + math.exp(10 / 50)), 50 / (50 + math.exp(20))]),
    ],
)
def test_schedules_are_as_published(feedback, expected):
    assert [feedback.truth(step) for step in (0, 10, 1000)] == pytest.approx(expected)
    assert Feedback("inverse-sigmoid", k=1.0).truth(10**9) < 1e-200  # and no overflow


def test_a_source_that_is_too_long_or_empty_is_refused_with_the_reason():
    settings = PairSettings(
        encoder="convolutional", decoder="convolutional", longest=3, hidden_size=4, embedding_size=4
    )
    codec = learn_pair_codec(settings, *SIDES)
    task = build_pair_task(replace(settings, precision="float32"), build_pair_model(settings, codec))
    with pytest.raises(ConfigError, match="a source has 5 symbols, and this encoder reads 3"):
        task.loss(batch_of(codec, PAIRS), (), Context())
    with pytest.raises(CorpusError, match="pair 2 has a source without any symbol"):
        Pairs(encode_pairs(codec, corpus_of_pairs([("ab", "xy"), ("zz", "y")]), "skip"), codec.begin)

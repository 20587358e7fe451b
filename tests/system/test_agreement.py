"""One probability: search, teacher forcing, loss and enumeration say the same."""

import itertools
import math

import numpy as np
import pytest
import torch

from ostinato import codecs
from ostinato.batch import SymbolBatch
from ostinato.cores.products import Packed
from ostinato.cores.state import tensors
from ostinato.cores.table import CORES
from ostinato.data import encode_texts
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.scoring import log_probs_of
from ostinato.decode.searching import SearchSettings
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
from ostinato.models import Context
from ostinato.training import evaluation

LONGEST = 4


def random_model(core, codec, layers=2, **options):
    torch.manual_seed(0)
    model = LanguageModel(codec.size, core=core, layers=layers, hidden_size=6, embedding_size=4, **options)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Far from uniform, but not exploding: with large gains a norm-lstm is chaotic, and rounding grows.
            parameter.mul_(1.0 if name.endswith(("weight_hh", "_gain")) else 3.0)
    return model.eval()


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("residual", [False, True])
def test_all_strings_sum_to_one(core, residual):
    codec = codecs.CharacterCodec("ab", end=True)
    model = random_model(core, codec, residual=residual)
    total = 0.0
    for length in range(LONGEST + 1):
        ids = np.array(list(itertools.product(range(2), repeat=length)), dtype=np.int64).reshape(2**length, length)
        inputs = np.concatenate([np.full((len(ids), 1), codec.begin), ids], axis=1)
        with torch.inference_mode():
            log_probs, _ = model.log_probs(torch.from_numpy(inputs))
        own = log_probs[:, :-1].gather(2, torch.from_numpy(ids)[:, :, None]).sum(dim=(1, 2))
        # Strings of the full length stand for all that go on from them.
        ended = log_probs[:, -1, codec.end] if length < LONGEST else torch.zeros(len(ids))
        total += (own + ended).exp().sum().item()
    assert total == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("end", [False, True])
def test_search_scoring_and_loss_give_one_number(core, end):
    codec = codecs.CharacterCodec("abcd", end=end)
    model = random_model(core, codec)
    run = Generation(codec, model, ["", "ab", "abcdabcd"], samples=5, length=12, seed=3, rules=RuleSettings(top_k=3))
    for sample in run.finish():
        whole = sample.prompt + sample.text
        encoded = encode_texts(codec, [whole])
        ((_, values),) = log_probs_of(model, encoded)
        ended = end and sample.finished
        new = values[len(sample.prompt) :] if ended or not end else values[len(sample.prompt) : -1]
        assert len(new) == sample.symbols
        assert new.sum() == pytest.approx(sample.log_prob, abs=1e-4)
        ids = encoded.ids.astype(np.int64)[None]
        batch = SymbolBatch(np.concatenate([[[codec.begin]], ids[:, :-1]], axis=1), ids, None, np.array([True]))
        loss, _ = LanguageModelTask(model, Dropout()).loss(batch, model.core.initial_state(1), Context())
        assert -loss.total.item() == pytest.approx(values.sum(), abs=1e-4)


def test_texts_of_any_lengths_score_together_as_alone():
    codec = codecs.CharacterCodec("ab", end=True)
    model = random_model("lstm", codec)
    texts = ["", "a", "ab" * 700, "b" * 9, "ba" * 1100]
    together = dict(log_probs_of(model, encode_texts(codec, texts)))
    for number, text in enumerate(texts):
        ((_, alone),) = log_probs_of(model, encode_texts(codec, [text]))
        np.testing.assert_allclose(together[number], alone, atol=2e-5)


@pytest.mark.parametrize("length", [1, 5, 3000])
def test_a_prompt_of_any_length_leads_to_the_state_that_its_symbols_lead_to(length):
    codec = codecs.CharacterCodec("ab")
    model = random_model("gru", codec)
    prompt = ("ab" * length)[:length]
    (sample,) = Generation(codec, model, [prompt], length=1, settings=SearchSettings(greedy=True)).finish()
    (_, values), *_ = log_probs_of(model, encode_texts(codec, [prompt + sample.text]))
    assert sample.log_prob == pytest.approx(values[-1], abs=1e-4)


def test_contiguous_evaluation_is_the_mean_of_the_scored_symbols():
    codec = codecs.CharacterCodec("ab")
    model = random_model("lstm", codec)
    text = "abbaabab" * 700
    encoded = encode_texts(codec, [text])
    result = evaluation.contiguous(model, encoded, characters=len(text)).evaluation()
    ((_, values),) = log_probs_of(model, encoded)
    assert result.symbols == len(text)
    assert result.nats_per_symbol == pytest.approx(-values.mean(), abs=1e-5)
    assert result.bits_per_symbol == pytest.approx(result.nats_per_symbol / math.log(2))
    assert result.perplexity == pytest.approx(math.exp(result.nats_per_symbol))


def test_the_windows_protocol_averages_fresh_windows():
    codec = codecs.CharacterCodec("ab")
    model = random_model("lstm", codec)
    text = "abbaabab" * 33  # 264 symbols: eight places for a window
    encoded = encode_texts(codec, [text])
    result = evaluation.windows(model, encoded, characters=len(text), count=400, seed=1).evaluation()
    means = []
    for start in range(8):
        ((_, values),) = log_probs_of(model, encode_texts(codec, [text[start : start + 257]]))
        means.append(-values[1:].mean())
    assert min(means) - 1e-4 < result.nats_per_symbol < max(means) + 1e-4
    assert result.nats_per_symbol == pytest.approx(float(np.mean(means)), abs=float(np.std(means)) / 5 + 1e-4)
    assert result == evaluation.windows(model, encoded, characters=len(text), count=400, seed=1).evaluation()
    # Each symbol is read 400 * 256 / 264 times, so the windows say no more of it than so many times fewer would.
    assert result.standard_error == pytest.approx(np.std(means) / 20 * math.sqrt(400 * 256 / 264), rel=0.3)


def test_the_standard_error_of_independent_losses_is_the_textbook_one():
    losses = np.random.default_rng(1).normal(2.0, 0.5, size=4000)
    assert evaluation._bootstrap(losses, np.ones(4000)) == pytest.approx(0.5 / math.sqrt(4000), rel=0.1)


def test_items_are_scored_each_from_a_fresh_state_with_their_end():
    codec = codecs.CharacterCodec("ab", end=True)
    model = random_model("gru", codec)
    texts = ["a", "bb", "abab", "a"]
    result = evaluation.items(model, encode_texts(codec, texts), characters=8 + 4).evaluation()
    values = [log_probs for _, log_probs in log_probs_of(model, encode_texts(codec, texts))]
    assert result.symbols == 8 + 4
    assert result.nats_per_symbol == pytest.approx(-sum(v.sum() for v in values) / 12, abs=1e-5)


CODECS = {
    "characters": lambda end: codecs.CharacterCodec("abcd ", end=end),
    "bytes": lambda end: codecs.ByteCodec(end=end),
    "words": lambda end: codecs.WordCodec(["ab", " cd", " a"], end=end),
    "subwords": lambda end: codecs.SubwordCodec.learn(["ab cd abcd ab "], vocabulary=260, end=end),
}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("end", [False, True])
def test_every_search_gives_the_scores_of_teacher_forcing(core, codec, end):
    codec = CODECS[codec](end)
    model = random_model(core, codec)
    searches = [{"beam": 3, "n_best": 3}, {"beam": 4, "diverse": 2}, {"beam": 3, "stochastic": True}, {"greedy": True}]
    for search in searches:
        run = Generation(codec, model, ["", "ab cd"], length=7, settings=SearchSettings(**search))
        run.finish()
        for row, prompt in enumerate(["", "ab cd"]):
            before = codec.encode(prompt).tolist()
            assert run.hypotheses(row)
            for hypothesis in run.hypotheses(row):
                ids = np.array([[codec.begin, *before, *hypothesis.symbols]])
                with torch.inference_mode():
                    log_probs, _ = model.log_probs(torch.from_numpy(ids[:, :-1]))
                new = log_probs[0, len(before) :].gather(1, torch.tensor(hypothesis.symbols)[:, None])
                assert hypothesis.score == pytest.approx(new.sum().item(), abs=2e-4)


def test_the_packed_products_of_stepping_are_the_plain_ones():
    codec = codecs.CharacterCodec("abcd", end=True)
    torch.manual_seed(0)
    for core in CORES:
        model = LanguageModel(codec.size, core=core, layers=2, hidden_size=96, embedding_size=96).eval()
        product = Packed(model)
        assert product._packed or core == "jordan"
        for rows in (1, 3, 8, 33):
            state = model.core.initial_state(rows)
            symbols = torch.arange(rows) % codec.size
            with torch.inference_mode():
                packed, packed_state = model.step(symbols, state, product=product)
                plain, plain_state = model.step(symbols, state)
            torch.testing.assert_close(packed, plain, atol=1e-5, rtol=0)
            for a, b in zip(tensors(packed_state), tensors(plain_state), strict=True):
                torch.testing.assert_close(a, b, atol=1e-5, rtol=0)

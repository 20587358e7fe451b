"""Dynamic evaluation beside its equations, and what must stay as it was."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

import ostinato
from ostinato.data import Encoded
from ostinato.engine.counting import CountModel
from ostinato.errors import ConfigError
from ostinato.families.text.network import LanguageModel
from ostinato.training.adaptation import Adaptation
from ostinato.training.adapting import Adapter
from ostinato.training.dynamic import adapted_log_probs, dynamic
from ostinato.training.evaluation import contiguous


@pytest.fixture
def network():
    torch.manual_seed(0)
    return LanguageModel(5, core="lstm", layers=1, hidden_size=8, embedding_size=4).eval()


def ids_of(count, symbols=5, seed=0):
    return np.random.default_rng(seed).integers(0, symbols, size=count)


def slow_loss(network, inputs, targets, state):
    y, state = network.output(torch.tensor([inputs]), state)
    return -network.head.log_prob(y[0], torch.tensor(targets)).mean(), state


@pytest.mark.parametrize("method", ["sgd", "rms"])
def test_weights_move_as_the_equations_say(network, method):
    how = Adaptation(method=method, rate=0.05, decay=0.02, segment=4)
    ids = ids_of(4 * 30)
    adapter = Adapter(network, how)
    for _ in adapter.read(ids):
        pass
    slow, state, before = copy.deepcopy(network), None, 5
    trained = [weight.detach().clone() for weight in slow.parameters()]
    squares, weights = [0.0] * len(trained), list(slow.parameters())
    for number in range(30):
        targets = ids[4 * number : 4 * number + 4].tolist()
        loss, state = slow_loss(slow, [before, *targets[:-1]], targets, state)
        before, state = targets[-1], tuple(type(s)(*(leaf.detach() for leaf in s)) for s in state)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            squares = [m + (g**2 - m) / (number + 1) for m, g in zip(squares, gradients, strict=True)]
            sizes = [m**0.5 for m in squares]
            mean = torch.cat([size.flatten() for size in sizes]).mean()
            for weight, first, g, size in zip(weights, trained, gradients, sizes, strict=True):
                if method == "sgd":
                    weight -= 0.05 * g
                    weight += 0.02 * (first - weight)
                elif number >= 20:
                    weight -= 0.05 * g / (size + 0.3 * mean)
                    weight += (0.02 * size / mean).clamp(max=1) * (first - weight)
    for found, expected, first in zip(adapter.network.parameters(), weights, trained, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
        assert not torch.equal(found, first)


def test_without_a_rate_it_is_the_contiguous_protocol(network):
    text = Encoded(ids_of(2500), np.array([0, 2500]))
    static = contiguous(network, text, characters=2500)
    found = dynamic(network, text, Adaptation(rate=0.0), counts=None, items=False, characters=2500)
    np.testing.assert_allclose(found.totals, static.totals, rtol=1e-5)
    np.testing.assert_array_equal(found.counts, static.counts)


def test_a_prediction_does_not_know_its_own_segment(network):
    how, ids = Adaptation(method="sgd", rate=0.5, segment=4), ids_of(12)
    other = ids.copy()
    other[9:] = (ids[9:] + 1) % 5
    runs = [[segment.log_probs for segment in Adapter(network, how).read(text)] for text in (ids, other)]
    for first, second in zip(runs[0][:2], runs[1][:2], strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(runs[0][2][:2], runs[1][2][:2])  # up to the place after the first that differs
    assert not np.array_equal(runs[0][2][2:], runs[1][2][2:])


def test_the_network_that_was_given_stays_as_it_was(network):
    before = copy.deepcopy(network.state_dict())
    for _ in Adapter(network, Adaptation(method="sgd")).read(ids_of(100)):
        pass
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_text_that_repeats_itself_is_learned(network):
    text = Encoded(np.tile(ids_of(25), 60), np.array([0, 1500]))
    losses = {}
    for name, how in {
        "static": Adaptation(rate=0.0),
        "sgd": Adaptation(method="sgd", rate=0.3),
        "rms": Adaptation(rate=0.01),
        "cache": Adaptation(rate=0.0, cache=200),
    }.items():
        losses[name] = dynamic(network, text, how, counts=None, items=False, characters=1500).evaluation()
    static = losses.pop("static").nats_per_symbol
    for name, found in losses.items():
        assert found.nats_per_symbol < static - 0.1, name
        assert found.protocol == "dynamic"


def test_items_begin_anew_and_are_counted_one_by_one(network):
    texts = Encoded(np.array([1, 2, 4, 3, 4, 0, 0, 1, 4]), np.array([0, 3, 5, 9]))  # 4 ends an item
    alone = [
        Adapter(network, Adaptation(rate=0.0)).read(texts.part(n, n + 1).ids).__next__().of_ids.sum() for n in range(3)
    ]
    found = dynamic(network, texts, Adaptation(rate=0.0, segment=5), counts=None, items=True, characters=9)
    np.testing.assert_allclose(found.totals, -np.array(alone), rtol=1e-5)
    np.testing.assert_array_equal(found.counts, [3, 2, 4])


def test_long_items_are_read_in_segments_and_short_ones_together(network):
    lengths = [2, 2, 10, 1, 3, 4]
    offsets = np.cumsum([0, *lengths])
    texts = Encoded(ids_of(offsets[-1]), offsets)
    read = list(Adapter(network, Adaptation(rate=0.0, segment=4)).read_items(texts))
    assert [len(segment.ids) for segment in read] == [4, 4, 4, 2, 4, 4]
    np.testing.assert_array_equal(np.concatenate([segment.ids for segment in read]), texts.ids)
    alone = Adapter(network, Adaptation(rate=0.0, segment=10)).read(texts.part(2, 3).ids).__next__()
    np.testing.assert_allclose(np.concatenate([s.of_ids for s in read[1:4]]), alone.of_ids, rtol=1e-5)


def test_counts_that_have_read_the_text_help(network, kernels):
    ids = ids_of(600)
    text = Encoded(ids, np.array([0, 600]))
    counts = CountModel(5, folder=kernels)
    counts.learn(ids)
    static, mixed = (
        -np.concatenate(list(adapted_log_probs(network, text, how, counts=some, items=False))).mean()
        for how, some in ((Adaptation(rate=0.0), None), (Adaptation(rate=0.0, counts=True), counts))
    )
    assert mixed < static - 0.3


def test_an_adapted_model_expects_what_it_has_read_and_the_run_is_as_it_was(text_model, text_run):
    text = "a log sat on a dog. a mat sat on a cat.\n" * 100
    adapted = text_model.adapted([text])
    assert adapted.score(text[:200]).log_prob > text_model.score(text[:200]).log_prob + 20
    again = ostinato.load(text_run)
    assert again.score(text[:200]).log_prob == text_model.score(text[:200]).log_prob
    assert (
        adapted.generate("a", length=60, seed=3).text
        == text_model.adapted([text]).generate("a", length=60, seed=3).text
    )


def test_a_note_of_a_few_words_is_adapted_to_as_well(text_model):
    note = "a log sat on a log sat on a log."
    assert text_model.adapted([note]).score(note).log_prob > text_model.score(note).log_prob + 0.1


def test_items_can_be_adapted_to(item_model):
    names = ["zara", "zoris", "zonis"] * 40
    known = [name.replace("z", "d") for name in names]
    assert item_model.adapted(known).score("doris").log_prob > item_model.score("doris").log_prob


def test_a_file_of_an_adapted_model_tells_that_it_is_one(text_model, tmp_path):
    file = tmp_path / "adapted.safetensors"
    text_model.adapted(["a log sat on a log. " * 9]).export(file)
    (told,) = ostinato.load(file).saved.origin["adapted"]
    assert (told["symbols"], told["method"], told["rate"]) == (180, "rms", 0.001)
    assert "adapted" not in text_model.saved.origin


def test_the_dynamic_protocol_of_a_model(text_model):
    text = ["the log sat on the mat. the cat sat on the dog.\n" * 60]
    static, followed, mixed = (
        text_model.evaluate(text, protocol=protocol, adaptation=how).nats_per_symbol
        for protocol, how in (
            ("contiguous", None),
            ("dynamic", Adaptation()),
            ("dynamic", Adaptation(counts=True, cache=500)),
        )
    )
    assert mixed < followed < static


def test_what_cannot_be_adapted_says_why(text_model, item_model, tmp_path):
    with pytest.raises(ConfigError, match="nothing to adapt to"):
        text_model.adapted([""])
    with pytest.raises(ConfigError, match="leaves the model as it is"):
        text_model.adapted(["the"], Adaptation(rate=0.0))
    with pytest.raises(ConfigError, match="leave them out"):
        text_model.adapted(["the"], Adaptation(counts=True))
    with pytest.raises(ConfigError, match="for the dynamic protocol, not for contiguous"):
        text_model.evaluate(["the"], adaptation=Adaptation())
    with pytest.raises(ConfigError, match=r"rate must be at least 0.*\n.*segment must be at least 1"):
        replace(Adaptation(), rate=-1.0, segment=0)
    with pytest.raises(ConfigError, match="method must be one of rms, sgd; got 'adam'"):
        Adaptation(method="adam")
    file = tmp_path / "model.safetensors"
    item_model.export(file)
    with pytest.raises(ConfigError, match="holds no training text to count"):
        ostinato.load(file).evaluate(["ana"], protocol="dynamic", adaptation=Adaptation(counts=True))

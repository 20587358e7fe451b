"""The model of counts beside one written with dictionaries."""

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data import Encoded
from ostinato.engine.counting import CountModel


class Slow:
    """The equations of ``CountModel``, with dictionaries."""

    def __init__(self, symbols, order):
        self.symbols, self.order = symbols, order
        self.counts = defaultdict(Counter)
        self.past = ()

    def probabilities(self):
        found = np.full(self.symbols, 1 / self.symbols)
        for length in range(self.order + 1):
            seen = self.counts.get(self.context(length))
            if seen is None:
                break
            discount = 1 - 0.5 * 0.8**length
            found *= discount * len(seen)
            for symbol, times in seen.items():
                found[symbol] += times - discount
            found /= sum(seen.values())
        return found

    def context(self, length):
        padded = (self.symbols,) * length + self.past
        return padded[len(padded) - length :]

    def learn(self, symbol):
        for length in range(self.order, -1, -1):
            seen = self.counts[self.context(length)]
            seen[symbol] += 1
            if seen[symbol] > 1:
                break
        self.past = (*self.past, symbol)[-self.order :] if self.order else ()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(0, 5), st.data())
def test_probabilities_are_those_of_the_equations(kernels, symbols, order, data):
    ids = data.draw(st.lists(st.integers(0, symbols - 1), max_size=80))
    fast, slow = CountModel(symbols, order=order, folder=kernels), Slow(symbols, order)
    found = fast.log_probs(np.array(ids, dtype=np.int64))
    for row, symbol in zip(found, ids, strict=True):
        np.testing.assert_allclose(np.exp(row), slow.probabilities(), rtol=1e-12)
        slow.learn(symbol)
    assert fast.contexts == len(slow.counts)


def test_tables_that_have_grown_hold_what_they_held(kernels):
    ids = np.random.default_rng(0).integers(0, 60, size=60_000)  # nearly every context is new
    fast, slow = CountModel(60, order=3, folder=kernels), Slow(60, 3)
    small = fast.nbytes
    fast.learn(ids)
    for symbol in ids.tolist():
        slow.learn(symbol)
    assert fast.nbytes > 4 * small
    assert fast.contexts == len(slow.counts)
    np.testing.assert_allclose(np.exp(fast.log_probs(ids[:1])[0]), slow.probabilities(), rtol=1e-12)


def test_where_a_text_is_cut_does_not_matter(kernels):
    ids = np.random.default_rng(1).integers(0, 5, size=20_000)
    whole, cut = (CountModel(5, order=4, folder=kernels) for _ in range(2))
    parts = [cut.log_probs(part) for part in np.split(ids, [1, 7, 9_000])]
    np.testing.assert_array_equal(whole.log_probs(ids), np.concatenate(parts))


def test_items_do_not_know_of_each_other(kernels):
    items = [[0, 1, 2, 3], [3], [2, 2, 0, 1, 3], [1, 3]]  # 3 is the end
    ids = np.concatenate([np.array(item, dtype=np.int64) for item in items])
    fast, slow = CountModel(4, order=3, end=3, folder=kernels), Slow(4, 3)
    found = iter(fast.log_probs(ids))
    for item in items:
        slow.past = ()
        for symbol in item:
            np.testing.assert_allclose(np.exp(next(found)), slow.probabilities(), rtol=1e-12)
            slow.learn(symbol)
    assert fast.contexts == len(slow.counts)


def test_a_new_beginning_forgets_what_stood_before_and_not_what_was_learned(kernels):
    model, slow = CountModel(3, order=2, folder=kernels), Slow(3, 2)
    for text in ([0, 1, 1, 2], [0, 1]):
        model.learn(np.array(text))
        for symbol in text:
            slow.learn(symbol)
        model.begin()
        slow.past = ()
    np.testing.assert_allclose(np.exp(model.log_probs(np.array([0]))[0]), slow.probabilities(), rtol=1e-12)


def test_what_was_read_often_is_expected(kernels):
    model = CountModel(4, folder=kernels)
    model.learn(np.tile([0, 1, 2, 3], 50))
    assert np.exp(model.log_probs(np.array([0]))[0, 0]) > 0.95


def test_of_many_texts_the_last_are_taken_whole_and_of_a_long_one_its_end():
    texts = Encoded(np.arange(12), np.array([0, 5, 7, 12]))
    assert texts.last(12) is texts
    assert texts.last(8).ids.tolist() == list(range(5, 12))
    assert texts.last(7).offsets.tolist() == [0, 2, 7]
    assert texts.last(6).ids.tolist() == list(range(7, 12))
    assert texts.last(3).ids.tolist() == [9, 10, 11]
    assert Encoded(np.arange(9), np.array([0, 9])).last(4).ids.tolist() == [5, 6, 7, 8]

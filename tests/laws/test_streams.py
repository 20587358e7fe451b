"""Laws that every stream obeys: resumable, complete, and teacher-forced."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato import codecs
from ostinato.data import ContinuousStream, DocumentStream, encode_texts
from ostinato.data.encoded import Encoded
from ostinato.errors import CorpusError

BEGIN = 99


def text(length):
    return Encoded(np.arange(length, dtype=np.uint16) % 90, np.array([0, length]))


def items(lengths):
    return Encoded(np.arange(sum(lengths), dtype=np.uint16) % 90, np.cumsum([0, *lengths]))


STREAMS = {
    "continuous": lambda: ContinuousStream(text(500), BEGIN, batch_size=3, window=8, seed=1),
    "restarting": lambda: ContinuousStream(text(500), BEGIN, batch_size=3, window=8, seed=1, restart=0.3),
    "documents": lambda: DocumentStream(items([3, 1, 30, 7, 7, 12, 2]), BEGIN, batch_size=2, window=8, seed=1),
    "one item": lambda: DocumentStream(items([20]), BEGIN, batch_size=4, window=8, seed=1),
}


@pytest.fixture(params=STREAMS)
def make(request):
    return STREAMS[request.param]


def same(a, b):
    assert np.array_equal(a.inputs, b.inputs)
    assert np.array_equal(a.targets, b.targets)
    assert np.array_equal(a.fresh, b.fresh)
    assert (a.lengths is None and b.lengths is None) or np.array_equal(a.lengths, b.lengths)


@pytest.mark.parametrize("at", [0, 1, 5, 23, 60])
def test_after_seek_the_same_batches_follow(make, at):
    stream, other = make(), make()
    for _ in range(at):
        stream.next()
    other.seek(stream.position())
    for _ in range(30):
        same(stream.next(), other.next())


def test_an_input_is_the_target_before_it_or_begin(make):
    stream = make()
    before = None
    for _ in range(40):
        batch = stream.next()
        assert np.array_equal(batch.inputs[:, 1:], np.where(batch.inputs[:, 1:] == 0, 0, batch.targets[:, :-1]))
        assert (batch.inputs[batch.fresh, 0] == BEGIN).all()
        if before is not None:
            carried = ~batch.fresh & (np.ones(len(batch.fresh), bool) if batch.lengths is None else batch.lengths > 0)
            assert np.array_equal(batch.inputs[carried, 0], before.targets[carried, -1])
        before = batch


def test_counts_are_of_real_targets(make):
    batch = make().next()
    assert batch.count == (batch.targets.size if batch.lengths is None else batch.lengths.sum())


def test_an_epoch_of_running_text_reads_every_window_once_and_the_next_is_cut_elsewhere():
    stream = ContinuousStream(text(500), BEGIN, batch_size=1, window=8, seed=1)
    assert stream.batches_per_epoch == 62
    first = np.concatenate([stream.next().targets[0] for _ in range(62)])
    assert np.array_equal(first, np.arange(496) % 90)
    offsets = set()
    for _ in range(5):
        assert stream.position()["window"] == 0
        offsets.add(int(stream.next().targets[0, 0]))
        for _ in range(stream.batches_per_epoch - 1):
            stream.next()
    assert len(offsets) > 1
    assert max(offsets) < 8


@settings(max_examples=50)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30), batch=st.integers(1, 6), seed=st.integers(0, 9))
def test_an_epoch_of_items_reads_every_item_whole(lengths, batch, seed):
    ids = np.concatenate([np.full(n, number) for number, n in enumerate(lengths)]).astype(np.uint16)
    stream = DocumentStream(Encoded(ids, np.cumsum([0, *lengths])), BEGIN, batch_size=batch, window=8, seed=seed)
    seen = np.zeros(len(lengths), dtype=int)
    for _ in range(stream.batches_per_epoch):
        one = stream.next()
        for row, length in enumerate(one.lengths):
            np.add.at(seen, one.targets[row, :length], 1)
    assert stream.position() == {"epoch": 1, "group": 0, "start": 0}
    assert (seen % lengths == 0).all()  # whole items, some twice where the last batch is filled up
    assert (seen > 0).all()


def test_restarts_happen_about_as_often_as_asked():
    stream = ContinuousStream(text(9000), BEGIN, batch_size=10, window=8, seed=1, restart=0.2)
    fresh = np.concatenate([stream.next().fresh for _ in range(stream.batches_per_epoch)])
    assert abs(fresh.mean() - 0.2) < 0.05


def test_a_text_shorter_than_its_windows_is_refused_with_a_way_out():
    with pytest.raises(CorpusError) as caught:
        ContinuousStream(text(30), BEGIN, batch_size=2, window=16, seed=1)
    assert str(caught.value) == (
        "the training text has 30 symbols, fewer than batch_size + 1 = 3 windows of 16. "
        "Give more text, or --set window=15 --set batch_size=1"
    )
    ContinuousStream(text(30), BEGIN, batch_size=1, window=15, seed=1)


def test_encoded_items_end_in_the_end_symbol():
    codec = codecs.learn("characters", ["ab", "c"], end=True)
    encoded = encode_texts(codec, ["ab", "", "c"])
    assert encoded.ids.tolist() == [0, 1, 3, 3, 2, 3]
    assert encoded.lengths.tolist() == [3, 1, 2]
    assert encoded.ids.dtype == np.uint8

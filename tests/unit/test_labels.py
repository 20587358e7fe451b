"""Models of labels: probabilities and searches against enumeration, codecs, streams, metrics."""

import itertools
import json
import math
import random
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato import codecs
from ostinato.codecs import FrameCodec, LabelCodec, PairCodec, SpelledCodec
from ostinato.cores.encoders import Source, real_places
from ostinato.data import Corpus, split
from ostinato.data.columns import Texts
from ostinato.data.frames import Frames
from ostinato.data.pair_streams import PairStream
from ostinato.data.pairs import corpus_of_pairs
from ostinato.errors import CodecError, CorpusError, UnknownSymbolError
from ostinato.families.labels.chain import ChainHead
from ostinato.families.labels.classify import ClassifySettings
from ostinato.families.labels.ctc import CtcSettings
from ostinato.families.labels.ctc_head import PathHead, written
from ostinato.families.labels.heads import PlaceHead, WholeHead
from ostinato.families.labels.inputs import FrameInput, SpelledInput
from ostinato.families.labels.metrics import accuracy, confusions, label_error, span_scores, spans
from ostinato.families.labels.prefix_beam import prefix_beam
from ostinato.families.labels.rows import Labelled
from ostinato.families.labels.settings import build_label_task, build_labeller, frames_of, learn_label_codec, measured
from ostinato.families.labels.tag import TagSettings
from ostinato.families.sources import encode_pairs
from ostinato.models import Randomness
from ostinato.models.task import Context

WIDTH, LABELS, PLACES = 3, 3, 5
LENGTHS = torch.tensor([5, 1, 3])


def stirred(module):
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module


@pytest.fixture
def source():
    torch.manual_seed(1)
    real = real_places(LENGTHS, PLACES)
    memory = torch.randn(3, PLACES, WIDTH) * real[:, :, None]
    return Source(memory, real, torch.randn(3, WIDTH))


def alone(source, row):
    rows, count = slice(row, row + 1), int(LENGTHS[row])
    return Source(source.memory[rows, :count], source.real[rows, :count], source.summary[rows])


def every(head, source, row, width):
    """The log-probability of every sequence of so many labels for one row."""
    own = alone(source, row)
    found = {}
    for labels in itertools.product(range(head.labels), repeat=width):
        value = head.log_prob(own, torch.tensor([labels]).reshape(1, width), torch.tensor([width]))
        found[labels] = float(value[0])
    return found


@torch.no_grad()
@pytest.mark.parametrize("kind", [PlaceHead, ChainHead])
def test_labels_of_places_sum_to_one_and_the_best_is_the_best_of_all(kind, source):
    head = stirred(kind(WIDTH, LABELS))
    best = head.best(source)
    for row, length in enumerate(LENGTHS.tolist()):
        found = every(head, source, row, length)
        assert math.fsum(map(math.exp, found.values())) == pytest.approx(1, abs=1e-5)
        assert best[row].labels == list(max(found, key=found.get))
        assert best[row].log_prob == pytest.approx(max(found.values()), abs=1e-5)


@torch.no_grad()
def test_a_random_field_is_the_score_of_its_labels_over_that_of_all(source):
    head = stirred(ChainHead(WIDTH, LABELS))
    emissions = head.place.logits(source.memory)[2, :3]

    def score(labels):
        total = head.first[labels[0]] + head.last[labels[-1]]
        total = total + sum(emissions[t, y] for t, y in enumerate(labels))
        return float(total + sum(head.transitions[a, b] for a, b in itertools.pairwise(labels)))

    scores = {labels: score(labels) for labels in itertools.product(range(LABELS), repeat=3)}
    whole = math.log(math.fsum(map(math.exp, scores.values())))
    for labels, value in every(head, source, 2, 3).items():
        assert value == pytest.approx(scores[labels] - whole, abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_one_label_for_all_is_a_distribution_that_padding_does_not_change(pooling, source):
    head = stirred(WholeHead(WIDTH, WIDTH, LABELS, pooling=pooling))
    best = head.best(source)
    for row in range(3):
        found = every(head, source, row, 1)
        assert math.fsum(map(math.exp, found.values())) == pytest.approx(1, abs=1e-5)
        assert (best[row].labels[0],) == max(found, key=found.get)
        np.testing.assert_allclose(best[row].each[0].log().numpy(), list(found.values()), atol=1e-5)
    weights = head.weights(source)
    if pooling != "last":
        np.testing.assert_allclose(weights.sum(dim=1).numpy(), 1, atol=1e-6)
        assert not weights[~source.real].any()


def paths_of(head, source, row):
    """The probability of each sequence of labels: the sum over all paths that write it."""
    log_probs = head.path_log_probs(alone(source, row))[0].double()
    found = {}
    for path in itertools.product(range(LABELS + 1), repeat=len(log_probs)):
        labels = tuple(written(list(path), head.blank))
        found[labels] = found.get(labels, 0.0) + math.exp(sum(float(log_probs[t, s]) for t, s in enumerate(path)))
    return found


@torch.no_grad()
def test_labels_without_a_place_are_the_sum_over_their_paths_which_is_torchs_loss(source):
    head = stirred(PathHead(WIDTH, LABELS))
    for row in range(3):
        found = paths_of(head, source, row)
        assert math.fsum(found.values()) == pytest.approx(1)
        for labels, value in found.items():
            targets = torch.tensor([labels], dtype=torch.int64).reshape(1, len(labels))
            own = head.log_prob(alone(source, row), targets, torch.tensor([len(labels)]))
            assert float(own[0]) == pytest.approx(math.log(value), abs=1e-4)
    targets, lengths = torch.tensor([[0, 1, 1], [2, 0, 0], [2, 1, 0]]), torch.tensor([3, 1, 2])
    log_probs = head.path_log_probs(source).transpose(0, 1)
    theirs = torch.nn.CTCLoss(blank=LABELS, reduction="none")(log_probs, targets, LENGTHS, lengths)
    np.testing.assert_allclose(-head.log_prob(source, targets, lengths).numpy(), theirs.numpy(), atol=1e-5)


def test_gradients_of_every_head_match_finite_differences():
    targets, lengths = torch.tensor([[0, 1, 2, 2, 0], [1, 0, 0, 0, 0], [2, 0, 1, 0, 0]]), LENGTHS
    real = real_places(LENGTHS, PLACES)
    for head in (ChainHead(WIDTH, LABELS), PathHead(WIDTH, LABELS), WholeHead(WIDTH, WIDTH, LABELS, pooling="mean")):
        stirred(head.double())
        # Logits are float32 wherever a model is trained; here the steps of the difference are too small for that.
        own = lengths - 2 * (lengths > 2) if isinstance(head, PathHead) else lengths

        def loss(memory, head=head, own=own):
            source = Source(memory * real[:, :, None], real, memory[:, 0])
            return head.log_prob(source, targets, own).sum()

        memory = torch.randn(3, PLACES, WIDTH, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(loss(memory), memory)
        step = torch.randn_like(memory)
        with torch.no_grad():
            slope = (loss(memory + 1e-2 * step) - loss(memory - 1e-2 * step)) / 2e-2
        assert float((gradient * step).sum()) == pytest.approx(float(slope), rel=2e-2, abs=2e-3)


@torch.no_grad()
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_wide_prefix_beam_finds_the_most_probable_labels_exactly(row, source):
    head = stirred(PathHead(WIDTH, LABELS))
    found = paths_of(head, source, row)
    log_probs = head.path_log_probs(alone(source, row))[0].double().numpy()
    best = prefix_beam(log_probs, blank=head.blank, beam=10_000)
    assert {tuple(labels) for labels, _ in best} == set(found)
    for labels, value in best:
        assert value == pytest.approx(math.log(found[tuple(labels)]), abs=1e-5)
    assert tuple(best[0][0]) == max(found, key=found.get)
    narrow = prefix_beam(log_probs, blank=head.blank, beam=2)
    assert len(narrow) <= 2
    assert narrow[0][1] <= best[0][1] + 1e-9


@torch.no_grad()
def test_the_best_path_is_not_always_what_is_most_probable():
    head = PathHead(1, 1)
    probabilities = torch.tensor([[0.4, 0.6], [0.4, 0.6]])  # label, blank: the path of blanks has 0.36
    head.place.weight.zero_()
    head.place.bias.copy_(probabilities[0].log())
    source = Source(torch.ones(1, 2, 1), torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 1))
    assert head.best(source)[0].labels == []
    best = prefix_beam(probabilities.log().double().numpy(), blank=1, beam=4)
    assert best[0][0] == [0]
    assert math.exp(best[0][1]) == pytest.approx(0.64)


SENTENCES = [("The dog barks", "D N V"), ("Dogs bark", "N V"), ("A dog", "D N"), ("The 3 dogs", "D M N")]
WHOLE = [(source, "ND") for source, _ in SENTENCES]


def rows_of(codec, corpus):
    return Labelled(encode_pairs(codec, corpus, "error"))


def test_words_are_spelled_out_and_put_together_again():
    codec = SpelledCodec.learn(["The dog\x1fD N", "the 12 dogs\x1fD M N"], vocabulary=10)
    assert codec.words == ("the",)
    assert codec.columns == (("D", "M", "N"),)
    ids = codec.encode("The 34 xog\x1fD X N").tolist()
    the, unknown = 0, 1
    assert [one for one in ids if one < codec.starts[1]] == [the, unknown, unknown]
    known = codecs.from_json(json.loads(json.dumps(codec.to_json())))
    assert known.encode("The 34 xog\x1fD X N").tolist() == ids
    with pytest.raises(UnknownSymbolError, match="reads 2 columns"):
        codec.encode("The dog")
    with pytest.raises(UnknownSymbolError, match="different numbers of words"):
        codec.encode("The dog\x1fD")


@torch.no_grad()
def test_a_spelled_word_is_read_as_if_it_were_alone():
    texts = ["a bcd\x1fX Y", "dd\x1fY", "abcdab c a\x1fX X Z"]
    codec = SpelledCodec.learn([*texts, "a dd\x1fX X"], vocabulary=5)
    entry = stirred(SpelledInput(codec.starts, 2, column_size=3, character_size=2))

    def read(some):
        encoded = [codec.encode(text) for text in some]
        lengths = torch.tensor([len(one) for one in encoded])
        ids = np.zeros((len(some), int(lengths.max())), dtype=np.int64)
        for row, one in enumerate(encoded):
            ids[row, : len(one)] = one
        return entry(torch.from_numpy(ids), lengths)

    together, words = read(texts)
    assert words.tolist() == [2, 1, 3]
    assert together.shape == (3, 3, entry.size)
    assert not together[1, 1:].any()
    for row, text in enumerate(texts):
        columns = [column.split() for column in text.split("\x1f")]
        for place, (word, value) in enumerate(zip(*columns, strict=True)):
            own, _ = read([f"{word}\x1f{value}"])
            np.testing.assert_allclose(together[row, place].numpy(), own[0, 0].numpy(), atol=1e-6)
    one, other = read(["abcdab\x1fX"])[0], read(["abcdaa\x1fX"])[0]  # both unknown: only their spelling differs
    assert not torch.equal(one, other)


def test_labels_of_spans_know_both_marks_of_a_type_and_unknown_ones_are_named():
    codec = LabelCodec.learn(["B-NP O", "I-VP"], unit="words", end=True)
    assert codec.names == ("B-NP", "B-VP", "I-NP", "I-VP", "O")
    assert LabelCodec.learn(["N V", "B-x O", "O"], unit="words", end=False).names == ("B-x", "N", "O", "V")
    assert LabelCodec.learn(["very good", "bad"], unit="whole", end=True).names == ("bad", "very good")
    assert LabelCodec.learn(["abba"], unit="characters", end=True).encode("ba").tolist() == [1, 0]
    with pytest.raises(UnknownSymbolError, match="the label 'X' is not among the 5 that the model knows: B-NP, B-VP"):
        codec.encode("B-NP X")
    for wrong in ([], ["a", "a"], [""]):
        with pytest.raises(CodecError):
            LabelCodec(wrong, unit="whole")
    again = codecs.from_json(json.loads(json.dumps(codec.to_json())))
    assert (again.names, again.unit, again.end) == (codec.names, "words", 5)


@pytest.mark.parametrize(
    "data",
    [
        {"codec": "labels", "names": ["a"], "unit": "letters", "end": True},
        {"codec": "spelled", "words": ["a"], "columns": ["a"], "characters": "a"},
        {"codec": "frames", "mean": [0.0], "deviation": [1.0, 1.0]},
        {"codec": "frames", "mean": ["a"], "deviation": [1.0]},
    ],
)
def test_a_broken_description_of_a_codec_is_refused(data):
    with pytest.raises(CodecError):
        codecs.from_json(data)


def test_frames_are_measured_so_that_what_hardly_changes_does_not_explode():
    values = np.array([[0, 5, 1], [10, 5, 1], [0, 5, 1], [10, 5, 5]], dtype=np.uint8)
    frames = Frames.joined([values[:2], values[2:]])
    each = measured(frames, together=False)
    np.testing.assert_allclose(each.mean, [5, 5, 2])
    np.testing.assert_allclose(each.deviation, [5, 1, values[:, 2].std()])  # what never changes is left alone
    rare = measured(Frames.joined([np.eye(10_000, 1) * 50, np.zeros((9, 1))]), together=False)
    assert rare.deviation == (50 / 20,)
    scales = measured(Frames.joined([np.random.default_rng(1).normal(size=(99, 2)) * [1000, 1]]), together=False)
    assert 500 < scales.deviation[0] / scales.deviation[1] < 2000  # each by its own
    whole = measured(frames, together=True)
    np.testing.assert_allclose(whole.mean, values.mean())
    np.testing.assert_allclose(whole.deviation, values.std())
    assert measured(Frames.joined([np.ones((2, 2))]), together=False).deviation == (1.0, 1.0)
    with pytest.raises(UnknownSymbolError, match="reads frames of 3 numbers"):
        each.encode("text")
    with pytest.raises(CorpusError, match="equally wide"):
        Frames.joined([np.ones((2, 2)), np.ones((2, 3))])


def test_frames_are_cut_selected_and_stacked():
    frames = Frames.joined([np.arange(8).reshape(2, 4), np.arange(4).reshape(1, 4)])
    assert frames.cut(2).lengths.tolist() == [4, 2]
    assert frames.cut(2).one(1).tolist() == [[0, 1], [2, 3]]
    assert frames.select([1, 0]).one(1).tolist() == frames.one(0).tolist()
    assert frames.part(1, 2).one(0).tolist() == [[0, 1, 2, 3]]
    with pytest.raises(CorpusError, match="cannot be cut into frames of 3"):
        frames.cut(3)
    entry = FrameInput((1.0, 0.0), (2.0, 1.0), stack=2)
    found, lengths = entry(torch.tensor([[[1.0, 5.0], [3.0, 6.0], [9.0, 7.0]]] * 2), torch.tensor([3, 1]))
    assert lengths.tolist() == [2, 1]
    assert found[0].tolist() == [[0, 5, 1, 6], [4, 7, 0, 0]]
    assert found[1].tolist() == [[0, 5, 0, 0], [0, 0, 0, 0]]


def corpus_of_frames(count=9):
    draw = np.random.default_rng(1)
    sequences = [draw.normal(size=(2 + n % 4, 3)).astype(np.float32) for n in range(count)]
    texts = tuple(f"{'ab'[n % 2]} {'ab'[n % 3 % 2]}" for n in range(count))
    return Corpus("items", texts, columns={"source": Frames.joined(sequences)}, places=tuple(map(str, range(count))))


def test_frames_stay_with_their_labels_wherever_they_go():
    corpus = corpus_of_frames()
    train, valid = split(corpus, share=0.3, seed=1)
    assert {*train.places} | {*valid.places} == {*corpus.places}
    assert not {*train.places} & {*valid.places}
    for part in (train, valid):
        for number, place in enumerate(part.places):
            assert part.texts[number] == corpus.texts[int(place)]
            assert np.array_equal(frames_of(part).one(number), frames_of(corpus).one(int(place)))
    frames = Frames.joined([frames_of(corpus).one(n % 9) for n in range(18)])
    twice = Corpus("items", corpus.texts * 2, columns={"source": frames})
    parts = split(twice, share=0.3, seed=1)
    digests = [set(frames_of(part).digests()) for part in parts]
    assert not digests[0] & digests[1]  # equal ones on one side
    codec = PairCodec(FrameCodec([0.0] * 3, [1.0] * 3), LabelCodec(["a", "b"], unit="words", end=True))
    encoded = encode_pairs(codec, corpus, "error")
    assert np.array_equal(encoded.part(3, 5).columns["source"].one(0), frames_of(corpus).one(3))
    batch = Labelled(encoded).batch(np.array([4, 1]))
    assert batch.targets.tolist() == [codec.encode(corpus.texts[n]).tolist() for n in (4, 1)]
    assert np.array_equal(batch.sources[1, :3], frames_of(corpus).one(1))


@pytest.mark.parametrize("kind", [TagSettings, ClassifySettings, CtcSettings])
def test_a_stream_of_labels_comes_again_after_a_seek_and_has_each_sequence_once(kind):
    pairs = [(" ".join(["ab"] * (1 + n % 5)), " ".join(["x y"] * (1 + n % 5))) for n in range(23)]
    settings, corpus = kind(precision="float32"), corpus_of_pairs(pairs)
    codec = learn_label_codec(settings, corpus, corpus)
    rows = rows_of(codec, corpus)
    stream, other = (PairStream(rows, batch_size=4, seed=1) for _ in range(2))
    seen = [stream.next() for _ in range(stream.batches_per_epoch)]
    assert sum(len(batch.targets) for batch in seen) == 24  # the last group is filled up
    other.seek({"epoch": 0, "group": 3})
    assert np.array_equal(other.next().sources, seen[3].sources)
    assert rows.target_lengths.tolist() == [len(codec.encode(target)) for _, target in pairs]
    assert sum(batch.count for batch in seen) >= rows.target_lengths.sum()


def test_places_that_labels_need_count_a_blank_between_equal_ones():
    codec = PairCodec(FrameCodec([0.0], [1.0]), LabelCodec(["a", "b"], unit="words", end=True))
    corpora = [
        Corpus("items", ("a a b", "a", "b b b", "a b"), columns={"source": Frames.joined([np.ones((length, 1))] * 4)})
        for length in (9, 4)
    ]
    assert rows_of(codec, corpora[0]).places_needed().tolist() == [4, 1, 5, 2]
    with pytest.raises(CorpusError, match="1 sequences are too short for their labels, the first of them number 3"):
        CtcSettings().check_lengths(rows_of(codec, corpora[1]))


def test_sequences_without_labels_are_refused():
    codec = PairCodec(LabelCodec(["q"], unit="characters"), LabelCodec(["a", "b"], unit="words", end=True))
    with pytest.raises(CorpusError, match="sequence 2 has no label"):
        rows_of(codec, corpus_of_pairs([("q", "a"), ("q", "")]))
    with pytest.raises(CorpusError, match="sequence 1 has no source"):
        rows_of(codec, Corpus("items", ("a",), columns={"source": Texts(("",))}))


SYSTEMS = [
    TagSettings(crf=True, columns=1),
    TagSettings(crf=False, character_size=0, encoder="forwards", core="gru"),
    ClassifySettings(encoder="convolutional", layers=2),
    ClassifySettings(pooling="last", encoder="backwards", core="elman"),
    CtcSettings(labels="characters"),
]


@torch.no_grad()
@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda one: type(one).__name__ + one.encoder)
def test_the_loss_of_a_batch_of_labels_is_that_of_each_alone(settings):
    settings = replace(settings, precision="float32", hidden_size=6, embedding_size=4)
    corpus = corpus_of_pairs(WHOLE if isinstance(settings, CtcSettings) else SENTENCES)
    codec = learn_label_codec(settings, corpus, corpus)
    torch.manual_seed(0)
    model = build_labeller(settings, codec).eval()
    task, rows = build_label_task(settings, model), rows_of(codec, corpus)
    together = task.loss(rows.batch(np.arange(4)), (), Context())[0]
    each = [task.loss(rows.batch(np.array([row])), (), Context())[0] for row in range(4)]
    assert together.count == sum(one.count for one in each) == rows.target_lengths.sum()
    assert float(together.total) == pytest.approx(sum(float(one.total) for one in each), rel=1e-5)


@torch.no_grad()
def test_a_part_of_a_batch_has_its_share_of_the_loss():
    """As of one of several processes, whose rows may all be shorter than the longest."""
    settings = TagSettings(precision="float32", hidden_size=6, embedding_size=4)
    corpus = corpus_of_pairs(SENTENCES)
    codec = learn_label_codec(settings, corpus, corpus)
    model = build_labeller(settings, codec).eval()
    batch = rows_of(codec, corpus).batch(np.arange(4))
    task = build_label_task(settings, model)
    parts = [task.loss(batch.part(rows), (), Context())[0] for rows in (slice(0, 1), slice(1, 3), slice(3, 4))]
    whole = task.loss(batch, (), Context())[0]
    assert sum(float(part.total) for part in parts) == pytest.approx(float(whole.total), rel=1e-5)
    assert sum(part.count for part in parts) == whole.count


@torch.no_grad()
@pytest.mark.parametrize(
    "settings", [*SYSTEMS, TagSettings(core="elman")], ids=lambda one: type(one).__name__ + one.encoder + one.core
)
def test_steps_in_bfloat16_have_nearly_the_loss_of_float32(settings):
    corpus = corpus_of_pairs(WHOLE if isinstance(settings, CtcSettings) else SENTENCES)
    settings = replace(settings, hidden_size=6, embedding_size=4)
    codec = learn_label_codec(settings, corpus, corpus)
    torch.manual_seed(0)
    model, rows = build_labeller(settings, codec), rows_of(codec, corpus)
    totals = [
        float(
            build_label_task(replace(settings, precision=precision), model)
            .loss(rows.batch(np.arange(4)), (), Context(Randomness(1, 1), training=True))[0]
            .total
        )
        for precision in ("float32", "bfloat16")
    ]
    assert totals[1] == pytest.approx(totals[0], rel=0.02)


TYPES = st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"])


@settings(max_examples=300, deadline=None)  # the first call imports the other scorer
@given(st.lists(st.lists(st.tuples(TYPES, TYPES), min_size=1, max_size=9), min_size=1, max_size=4))
def test_spans_are_scored_as_a_published_scorer_does(pairs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from seqeval.metrics import f1_score, precision_score, recall_score
        from seqeval.metrics.sequence_labeling import get_entities

        real = [[a for a, _ in one] for one in pairs]
        found = [[b for _, b in one] for one in pairs]
        ours = span_scores(found, real)
        theirs = [score(real, found) for score in (precision_score, recall_score, f1_score)]
        assert [ours.precision, ours.recall, ours.f1] == pytest.approx(theirs)
        for one in real:
            assert [(first, last + 1, kind) for kind, first, last in get_entities(one)] == spans(one)


def test_labels_are_compared_place_by_place_or_by_edits():
    found, real = [["a", "b"], ["b"]], [["a", "a"], ["b"]]
    assert accuracy(found, real) == pytest.approx(2 / 3)
    assert confusions(found, real) == [("a", "b", 1)]
    assert label_error([["1", "2"], ["3"]], [["1", "3", "2"], ["3"]]) == pytest.approx(1 / 4)
    assert span_scores([["O"]], [["O"]]).f1 == 0.0


def test_a_codec_of_labels_learns_nothing_of_chance():
    pairs = [(f"w{n}", random.Random(n).choice("ab")) for n in range(9)]
    corpora = [corpus_of_pairs(pairs[::step]) for step in (1, -1)]
    first, second = (learn_label_codec(ClassifySettings(), corpus, corpus).to_json() for corpus in corpora)
    assert first == second

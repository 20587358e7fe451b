"""Models of labels learn what can only be learned as they do: from both sides, from neighbours, without places."""

import random

import numpy as np
import pytest

import ostinato
from ostinato.data import Corpus
from ostinato.data.frames import Frames
from ostinato.data.pairs import corpus_of_pairs
from ostinato.runs import RunFolder

SMALL = {
    "hidden_size": 24, "batch_size": 16, "learning_rate": 1e-2, "dropout": 0.0,
    "input_dropout": 0.0, "precision": "float32", "patience": None,
}  # fmt: skip


def trained(corpus, out, recipe, steps, **settings):
    return ostinato.train(corpus, out=out, recipe=recipe, steps=steps, settings={**SMALL, **settings}).to_end()


def after_the_last():
    """Each letter's label is the sentence's last letter: only what reads from the end can know it."""
    draw = random.Random(1)
    pairs = []
    for _ in range(300):
        words = [draw.choice("abcd") for _ in range(draw.randint(3, 8))]
        pairs.append((" ".join(words), " ".join(words[-1] * len(words))))
    return corpus_of_pairs(pairs)


@pytest.mark.parametrize("encoder", ["both-ways", "forwards"])
def test_only_who_reads_from_both_sides_knows_what_is_to_come(tmp_path, encoder):
    model = trained(after_the_last(), tmp_path / "run", "tag", 200, encoder=encoder, crf=False)
    found = [model.label([text])[0].labels for text in ("a b c d", "d c b a b", "c c c")]
    right = [("d",) * 4, ("b",) * 5, ("c",) * 3]
    assert (found == right) == (encoder == "both-ways")


def test_a_random_field_keeps_to_what_may_follow(tmp_path):
    """Labels alternate; where the words say nothing, only the neighbours do."""
    draw = random.Random(2)
    pairs = []
    for _ in range(300):
        first = draw.choice("XY")
        labels = [first if n % 2 == 0 else "XY"[first == "X"] for n in range(draw.randint(4, 9))]
        words = [draw.choice([label.lower(), "q", "q", "q"]) for label in labels]
        words[0] = labels[0].lower()
        pairs.append((" ".join(words), " ".join(labels)))
    model = trained(corpus_of_pairs(pairs), tmp_path / "run", "tag", 150, hidden_size=8)
    assert model.label(["x q q q q q"])[0].labels == ("X", "Y", "X", "Y", "X", "Y")
    transitions = model.network.head.transitions
    assert transitions.diagonal().max() < transitions.fliplr().diagonal().min()


def strokes(count):
    """Each label is a bump of its own shape, at no fixed place, in noise."""
    draw = np.random.default_rng(3)
    shapes = {"a": [3, 3, 0], "b": [0, 3, 3], "c": [-3, 0, -3]}
    sequences, labels = [], []
    for _ in range(count):
        own = [str(draw.choice(list(shapes))) for _ in range(draw.integers(1, 4))]
        pieces = [draw.normal(0, 0.3, (draw.integers(1, 4), 1))]
        for label in own:
            pieces += [np.array(shapes[label])[:, None] + draw.normal(0, 0.3, (3, 1)), draw.normal(0, 0.3, (2, 1))]
        sequences.append(np.concatenate(pieces).astype(np.float32))
        labels.append("".join(own))
    return Corpus("items", tuple(labels), columns={"source": Frames.joined(sequences)})


def test_labels_are_found_without_being_told_where_they_are(tmp_path):
    model = trained(strokes(300), tmp_path / "run", "ctc", 400, labels="characters", core="gru")
    new = strokes(350).select(range(300, 350))
    found = model.evaluate(new)
    assert (found.sequences, found.label_error) == (50, 0)
    beam = model.evaluate(new, beam=8)
    assert beam.label_error == 0
    assert beam.nats_per_label == found.nats_per_label < 0.1


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_one_label_is_learned_from_a_single_place_of_a_sequence(tmp_path, pooling):
    draw = random.Random(4)
    pairs = []
    for _ in range(400):
        letters = [draw.choice("opqr") for _ in range(draw.randint(4, 9))]
        sign = draw.choice("xy")
        letters[draw.randrange(len(letters))] = sign
        pairs.append(("".join(letters), {"x": "yes", "y": "no"}[sign]))
    model = trained(corpus_of_pairs(pairs), tmp_path / "run", "classify", 120, pooling=pooling)
    found = model.label(["opxrqqr", "ropqyp", "xoooo"])
    assert [one.labels for one in found] == [("yes",), ("no",), ("yes",)]
    weights = model.label(["opqxroopq"])[0].weights
    if pooling == "attention":
        assert np.argmax(weights) in (2, 3, 4)  # a state beside the sign may tell it as well
    assert len(weights) == (0 if pooling == "last" else 9)


@pytest.mark.parametrize("recipe", ["tag", "classify", "ctc"])
def test_ten_steps_in_two_parts_are_ten_steps_byte_for_byte(tmp_path, recipe):
    corpus = after_the_last() if recipe == "tag" else strokes(60)
    settings = {**SMALL, "hidden_size": 6, "dropout": 0.3, "input_dropout": 0.2}
    settings |= {"labels": "characters"} if recipe == "ctc" else {}
    for name in ("whole", "cut"):
        training = ostinato.train(corpus, out=tmp_path / name, recipe=recipe, steps=10, settings=settings)
        for event in training:
            if name == "cut" and getattr(event, "step", 0) == 5:
                training.save()
                break
    again = ostinato.resume(tmp_path / "cut")
    assert again.trainer.step == 5
    again.to_end()
    for part in ("weights", "average", "optimizer"):
        files = [tmp_path / name / "checkpoints" / "step-000010" / f"{part}.safetensors" for name in ("whole", "cut")]
        assert files[0].read_bytes() == files[1].read_bytes()
    metrics = [RunFolder(tmp_path / name).metrics()[-1]["valid_nats_per_symbol"] for name in ("whole", "cut")]
    assert metrics[0] == metrics[1]


def test_a_run_of_frames_is_exported_and_is_a_base_for_another(tmp_path):
    model = trained(strokes(60), tmp_path / "run", "ctc", 10, labels="characters")
    from ostinato.runs import export, read_model

    export(read_model(tmp_path / "run"), tmp_path / "model.safetensors")
    again = ostinato.load(tmp_path / "model.safetensors")
    frames = strokes(60).columns["source"]
    assert [one.log_prob for one in again.label(frames)] == [one.log_prob for one in model.label(frames)]
    other = ostinato.train(strokes(40), out=tmp_path / "two", base=tmp_path / "run", steps=2)
    other.to_end()
    assert other.run.origin()["base"]["name"] == "run"

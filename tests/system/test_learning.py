"""Each recipe learns its toy task, for real, in seconds."""

import math
import random

import pytest

import ostinato


def corpus_of(tmp_path, text):
    path = tmp_path / "corpus.txt"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("core", ["elman", "lstm", "gru"])
def test_char_lm_learns_a_rule_that_reaches_back(tmp_path, core):
    """Strings a^n b^n: after the first b, only counting tells where the line ends."""
    rng = random.Random(0)
    lines = [("a" * n + "b" * n) for n in (rng.randint(1, 5) for _ in range(1500))]
    path = corpus_of(tmp_path, "\n".join(lines))
    settings = {"core": core, "hidden_size": 32, "embedding_size": 8, "batch_size": 16, "precision": "float32"}
    training = ostinato.train(
        path, out=tmp_path / "run", steps=400, settings={**settings, "learning_rate": 1e-2}, valid=_corpus(lines[:200])
    )
    model = training.to_end()
    # The length is the only thing to know: ln 5 nats for each line, whatever its length.
    nats = [-model.score(line).log_prob for line in ("ab", "aabb", "aaabbb", "aaaabbbb", "aaaaabbbbb")]
    assert sum(nats) / 5 == pytest.approx(math.log(5), abs=0.25)
    samples = [s.text for s in model.generate_many([""], samples=100, length=20, seed=1).finish()]
    right = sum(s == "a" * (len(s) // 2) + "b" * (len(s) // 2) and s != "" for s in samples)
    assert right >= 90


def test_word_lm_learns_a_grammar(tmp_path):
    rng = random.Random(0)
    nouns, verbs = ["the cat", "the dog", "a bird", "the fish"], ["sees", "hears", "likes"]
    text = "\n\n".join(f"{rng.choice(nouns)} {rng.choice(verbs)} {rng.choice(nouns)}." for _ in range(1500))
    training = ostinato.train(
        corpus_of(tmp_path, text), out=tmp_path / "run", recipe="word-lm", steps=250, settings={"precision": "float32"}
    )
    model = training.to_end()
    assert model.codec.name == "words"
    good, bad = model.score("the cat sees a bird."), model.score("cat the sees bird a.")
    assert good.log_prob > bad.log_prob + 5
    # Two nouns of four and one verb of three are free; the rest of a sentence follows.
    free = 2 * math.log(4) + math.log(3)
    sentence = model.score("\n\nthe cat sees a bird.\n\nthe dog hears the fish.")
    assert -sentence.log_prob / 2 == pytest.approx(free, abs=1.5)


@pytest.mark.parametrize("codec", ["bytes", "subwords", "words"])
def test_every_codec_can_be_trained_with(tmp_path, codec):
    text = "the cât sat on the mat, the dög sat on the log.\n\n" * 60
    settings = {"codec": codec, "vocabulary": 300, "hidden_size": 48, "batch_size": 4, "window": 16}
    training = ostinato.train(corpus_of(tmp_path, text), out=tmp_path / "run", steps=600, settings=settings)
    model = training.to_end()
    assert "sat on the" in model.generate("the cât ", length=60, greedy=True).text
    assert model.score("the dög sat").text == "the dög sat"


def _corpus(lines):
    return ostinato.Corpus("items", tuple(lines))

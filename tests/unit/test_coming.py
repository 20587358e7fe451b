"""What may come next: symbols, words and what rules leave out, against step-by-step sums."""

import math

import numpy as np
import pytest

import ostinato
from ostinato.codecs import SubwordCodec
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.reading import CompiledReader, TorchReader
from ostinato.families.text.inspecting.words import Joins, next_words


def shares(model, text):
    return {one.text: one.probability for one in model.coming(text, count=model.codec.size).symbols}


def word_by_hand(model, before, rest):
    """P(rest, then a symbol that ends the word), by the chain rule."""
    product = 1.0
    for symbol in rest:
        product *= shares(model, before)[symbol]
        before += symbol
    return product * sum(share for text, share in shares(model, before).items() if not text.isalnum())


def test_symbols_are_those_of_the_inspection_and_sum_to_one(text_model):
    told = text_model.coming("the c", count=text_model.codec.size)
    symbol = text_model.inspect("the ca").symbols(text_model.codec.size)[-1]
    assert [one.text for one in told.symbols] == [text for text, _ in symbol.alternatives]
    assert [one.probability for one in told.symbols] == pytest.approx(
        [math.exp(value) for _, value in symbol.alternatives], abs=1e-6
    )
    assert sum(one.probability for one in told.symbols) == pytest.approx(1)
    assert told.entropy == pytest.approx(symbol.entropy, abs=1e-5)
    assert (told.removed, told.words) == (None, ())


@pytest.mark.parametrize("text", ["the ", "the c", "", "the cat sat on the mat. "])
def test_words_are_the_sums_over_all_ways_to_end_them(text_model, text):
    told = text_model.coming(text, words=6)
    assert len(told.words) == 6
    for one in told.words:
        assert one.probability == pytest.approx(word_by_hand(text_model, text, one.text), rel=1e-4)
    assert [one.probability for one in told.words] == sorted((one.probability for one in told.words), reverse=True)
    assert told.rest == pytest.approx(1 - sum(one.probability for one in told.words))
    if text == "the c":
        assert all(one.word == "c" + one.text for one in told.words)


def test_no_word_that_is_left_out_is_more_probable(text_model):
    """All words of up to two letters after a text, by hand, against the search."""
    told = {one.text: one.probability for one in text_model.coming("the ", words=40).words}
    least = min(told.values())
    letters = [text for text in shares(text_model, "") if text.isalpha()]
    for word in [*letters, *(a + b for a in letters for b in letters)]:
        own = word_by_hand(text_model, "the ", word)
        assert word in told or own <= least * 1.0001


def test_both_readers_say_the_same(text_model):
    ids = text_model.codec.encode("the cat s").tolist()
    readers = [CompiledReader(text_model.engines.to_score()), TorchReader(text_model.network)]
    states = [reader.start(ids) for reader in readers]
    for first, second in [[reader.log_probs(state)] * 2 for reader, state in zip(readers, states, strict=True)]:
        assert first is second
    one, other = (reader.log_probs(state) for reader, state in zip(readers, states, strict=True))
    assert one == pytest.approx(other, abs=1e-4)
    stepped = [reader.step(state, [0, 0], [1, 2]) for reader, state in zip(readers, states, strict=True)]
    one, other = (reader.log_probs(state) for reader, state in zip(readers, stepped, strict=True))
    assert one.shape == (2, text_model.codec.size)
    assert one == pytest.approx(other, abs=1e-4)
    words = [
        next_words(reader, text_model.codec, "the cat s", s, 5)[0] for reader, s in zip(readers, states, strict=True)
    ]
    assert [one.word for one in words[0]] == [one.word for one in words[1]]


def test_a_text_that_grows_is_read_on_and_gives_what_reading_it_whole_gives(text_model):
    reader = CompiledReader(text_model.engines.to_score())
    for text in ("the", "the c", "the ca", "the c", "a", "the cat sat on"):
        ids = text_model.codec.encode(text).tolist()
        fresh = CompiledReader(text_model.engines.to_score())
        assert np.allclose(reader.log_probs(reader.start(ids)), fresh.log_probs(fresh.start(ids)), atol=1e-5)


def test_rules_tell_what_they_leave_out(text_model):
    told = text_model.coming("the ", count=15, rules=RuleSettings(match="[cd][a-z]+"))
    assert {one.text for one in told.symbols if one.kept} == {"c", "d"}
    assert told.removed == pytest.approx(sum(one.probability for one in told.symbols if not one.kept))
    told = text_model.coming("the ", count=15, rules=RuleSettings(top_k=3))
    assert [one.kept for one in told.symbols] == [True] * 3 + [False] * 12
    held = text_model.clamped(layer=0, unit=3, value=1.0)
    assert held.coming("the ").symbols != text_model.coming("the ").symbols


def test_items_tell_their_end_and_wrong_numbers_are_refused(item_model):
    told = item_model.coming("anna", count=item_model.codec.size)
    assert "" in {one.text for one in told.symbols}
    assert "''" in told.describe()
    with pytest.raises(ConfigError, match="count"):
        item_model.coming("an", count=0)


def test_pieces_with_their_space_end_the_word_before_them(corpora):
    codec = SubwordCodec.learn(["the cat sat on the mat. " * 50], vocabulary=270, end=False)
    joins, texts = Joins(codec), [piece.decode(errors="replace") for piece in codec.pieces]
    assert any(text.startswith(" ") and text.strip().isalpha() for text in texts)
    for text, goes_on, has_word in zip(texts, joins.goes_on, joins.has_word, strict=True):
        if text.startswith(" "):
            assert not goes_on
        if text.strip().isalpha():
            assert has_word


def test_tokens_of_music_are_words_already(tunes_run_once):
    assert ostinato.load(tunes_run_once).coming("M:4/4 K:maj", words=5).words == ()

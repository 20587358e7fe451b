"""Laws that every codec obeys, for any text that Hypothesis can think of."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato import codecs
from ostinato.codecs.plain_words import count_words
from ostinato.errors import CodecError, ConfigError, UnknownSymbolError

CORPUS = "It was the best of times, it was the worst of times. Ünïcödé: 日本語 😀 αβγ\n\n  def f(x):\n\treturn x\n" * 5
LOSSLESS = {
    "bytes": codecs.learn("bytes", [CORPUS], end=False),
    "subwords": codecs.learn("subwords", [CORPUS], end=False, vocabulary=300),
    "words": codecs.learn("words", [CORPUS], end=False, vocabulary=50),
}
ALL = {
    **LOSSLESS,
    "characters": codecs.learn("characters", [CORPUS], end=False),
    "words-unk": codecs.learn("words", [CORPUS], end=False, unknown="unk"),
}
PLAIN = codecs.learn("plain-words", [CORPUS], end=False, vocabulary=12)
EVERY = {**ALL, "plain-words": PLAIN, "tokens": codecs.learn("tokens", [CORPUS], end=False)}
known_text = st.text(st.sampled_from(sorted(set(CORPUS))))


@pytest.mark.parametrize("name", LOSSLESS)
@given(text=st.text())
def test_a_codec_that_knows_everything_gives_every_text_back(name, text):
    codec = LOSSLESS[name]
    assert codec.lossless
    assert codec.decode(codec.encode(text)) == text


@given(text=known_text)
def test_characters_give_back_every_text_of_known_characters(text):
    assert ALL["characters"].decode(ALL["characters"].encode(text)) == text


@given(words=st.lists(st.sampled_from(codecs.words.split_words(CORPUS)), max_size=30))
def test_words_give_back_every_text_whose_words_are_known(words):
    text = "".join(words)
    codec = ALL["words-unk"]
    if "<unk>" not in codec.decode(codec.encode(text)):
        assert codec.decode(codec.encode(text)) == text


@given(text=st.text())
def test_splitting_into_words_loses_nothing(text):
    assert "".join(codecs.words.split_words(text)) == text


@pytest.mark.parametrize("name", ALL)
@given(text=known_text)
def test_decoding_symbol_by_symbol_gives_the_same_text_and_never_half_a_character(name, text):
    codec = ALL[name]
    ids = codec.encode(text)
    decoder = codec.decoder()
    pieces = [decoder.feed(id_) for id_ in ids.tolist()]
    assert all("\ufffd" not in piece for piece in pieces)
    assert "".join([*pieces, decoder.flush()]) == codec.decode(ids)


@pytest.mark.parametrize("name", LOSSLESS)
@given(data=st.data())
def test_any_ids_decode_to_some_text_alike_whole_and_in_pieces(name, data):
    codec = LOSSLESS[name]
    ids = data.draw(st.lists(st.integers(0, codec.size - 1), max_size=20))
    decoder = codec.decoder()
    assert "".join([*(decoder.feed(i) for i in ids), decoder.flush()]) == codec.decode(ids)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("end", [False, True])
def test_a_codec_written_as_json_and_read_back_is_the_same(name, end):
    kind, *unknown = [name] if name == "plain-words" else name.split("-")
    codec = codecs.learn(kind, [CORPUS], end=end, vocabulary=300, unknown=unknown[0] if unknown else "spell")
    again = codecs.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.pieces == codec.pieces
    assert (again.end, again.begin, again.size) == (codec.end, codec.begin, codec.size)
    assert np.array_equal(again.encode(CORPUS), codec.encode(CORPUS))


@pytest.mark.parametrize("name", EVERY)
def test_ids_are_in_range_and_begin_is_beyond_them(name):
    codec = EVERY[name]
    ids = codec.encode(CORPUS)
    assert ids.dtype == np.int32
    assert ids.min() >= 0
    assert ids.max() < codec.size == codec.begin
    assert codec.end is None
    assert len(codec.encode("")) == 0


@given(text=st.text(st.characters(codec="utf-8"), max_size=20))
@settings(max_examples=50)
def test_characters_take_nothing_they_do_not_know(text):
    codec = ALL["characters"]
    unknown = set(text) - set(codec.alphabet)
    if unknown:
        with pytest.raises(UnknownSymbolError) as caught:
            codec.encode(text)
        assert any(repr(character) in str(caught.value) for character in unknown)
        assert codec.encode(codec.adapt(text, "skip")).size == len([c for c in text if c not in unknown])
        codec.encode(codec.adapt(text, "nearest"))
    else:
        codec.encode(text)


def test_an_unknown_character_is_named_with_its_place_and_the_ways_out():
    codec = codecs.CharacterCodec("ab c")
    with pytest.raises(UnknownSymbolError) as caught:
        codec.encode("a cé€é")
    assert str(caught.value) == (
        "the text has 2 symbols outside the 4 this model knows: 'é' (U+00E9) at position 3, '€' (U+20AC) at "
        "position 4. Ways out: change the text, or choose --unknown nearest (takes the most alike known symbol) "
        "or --unknown skip (leaves them out)"
    )


def test_nearest_takes_what_is_most_alike_and_leaves_out_what_has_no_likeness():
    codec = codecs.CharacterCodec("abe \"'-\n")
    assert codec.adapt("ÀéB“x”–\u00a0\t☃", "nearest") == 'aeb""-  '
    assert codec.adapt("ÀéB", "skip") == ""
    assert codec.adapt("ÀéB", "error") == "ÀéB"


def test_nfc_joins_what_is_written_in_two_ways():
    codec = codecs.CharacterCodec.learn(["e\u0301t\u00e9"], end=False, nfc=True)
    assert codec.alphabet == "té"
    assert codec.decode(codec.encode("e\u0301")) == "\u00e9"


def test_rare_words_are_spelled_out_or_become_unk():
    corpus = ["so the cat, so the dog, so the bird"]
    spelled = codecs.learn("words", corpus, end=False)
    assert spelled.words == (" the", " so", ",")
    assert [spelled.decode([i]) for i in spelled.encode(" so the cat")] == [" so", " the", *" cat"]
    unk = codecs.learn("words", corpus, end=False, unknown="unk")
    assert unk.decode(unk.encode(" so the bird, the")) == " so the<unk>, the"


@given(tokens=st.lists(st.sampled_from(CORPUS.split()), max_size=20), space=st.sampled_from([" ", "\n", "  \t"]))
def test_tokens_come_back_with_a_space_after_each(tokens, space):
    codec = EVERY["tokens"]
    text = space.join(tokens)
    assert codec.decode(codec.encode(text)) == codec.normal(text) == "".join(f"{token} " for token in tokens)
    assert "".join(codec.decoder().feed(id_) for id_ in codec.encode(text).tolist()) == codec.normal(text)


def test_unknown_tokens_are_named_with_their_places_and_the_ways_out():
    codec = codecs.TokenCodec(["A2", "B", "|:"])
    with pytest.raises(UnknownSymbolError) as caught:
        codec.encode("A2 A3 B ? A3")
    assert str(caught.value) == (
        "the text has 2 tokens outside the 3 this model knows: 'A3' at position 1, '?' at position 3. Ways out: change "
        "the text, or choose --unknown nearest (takes the most alike known token) or --unknown skip (leaves them out)"
    )
    assert codec.adapt("A2 A3 B", "nearest") == "A2 A2 B "
    assert codec.adapt("A2 A3 B", "skip") == "A2 B "


@pytest.mark.parametrize("tokens", [[], ["a", "a"], ["a b"], [""]])
def test_tokens_are_apart(tokens):
    with pytest.raises(CodecError, match="tokens that differ"):
        codecs.TokenCodec(tokens)


def test_only_codecs_that_lose_nothing_say_so():
    assert all(codec.lossless for codec in LOSSLESS.values())
    assert ALL["characters"].lossless
    assert not ALL["words-unk"].lossless
    assert not codecs.learn("characters", ["e\u0301"], end=False, nfc=True).lossless


def test_an_end_is_a_symbol_without_text():
    codec = codecs.learn("characters", ["ab"], end=True)
    assert codec.end == 2
    assert codec.size == 3
    assert codec.decode([0, codec.end]) == "a"


def test_a_codec_that_is_not_there_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="unknown codec 'character' in settings; did you mean 'characters'"):
        codecs.learn("character", ["a"], end=False)


@pytest.mark.parametrize("broken", [{}, {"codec": "characters", "end": False}, {"codec": "words", "end": True},
                                    {"codec": "tokens", "end": True, "tokens": [1]}])  # fmt: skip
def test_an_incomplete_description_is_refused(broken):
    with pytest.raises(CodecError, match="the description of a codec"):
        codecs.from_json(broken)


@given(text=st.text(" \n\tab'é日,.", max_size=300))
def test_subwords_of_a_long_text_are_those_of_the_whole(text):
    codec = codecs.learn("subwords", ["a b, ab' é日 " * 30], end=False, vocabulary=280)
    whole = codec.encode(text).tolist()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("ostinato.codecs.subwords._TOGETHER", 7)
        assert codec.encode(text).tolist() == whole


@given(text=st.text())
def test_plain_words_are_counted_as_the_papers_count_them(text):
    assert len(PLAIN.encode(text)) == count_words(text)
    lines = [line.split() for line in text.split("\n")]
    words = [word for number, line in enumerate(lines) for word in ([*line, "\n"] if number + 1 < len(lines) else line)]
    known = {*PLAIN.words, "\n"}
    told = [piece.decode().removesuffix(" ") for piece in (PLAIN.pieces[id_] for id_ in PLAIN.encode(text).tolist())]
    assert told == [word if word in known else "<unk>" for word in words]
    assert PLAIN.encode(PLAIN.normal(text)).tolist() == PLAIN.encode(text).tolist()


def test_the_vocabulary_of_plain_words_has_unk_and_the_line_end_in_it():
    text = "the cat <unk> the dog \n the <unk> sat \n"
    codec = codecs.learn("plain-words", [text], end=False, vocabulary=4)
    assert codec.words == ("the", "cat")
    assert codec.size == 4
    assert codec.decode(codec.encode(text)) == "the cat <unk> the <unk> \nthe <unk> <unk> \n"
    assert not codec.lossless
    assert codec.pieces[codec.unknown] == b"<unk> "


def test_unk_in_a_text_is_one_unknown_word_where_words_are_not_spelled():
    text = "the <unk> of <unk> the of\n<unk>"
    codec = codecs.learn("words", [text], end=False, unknown="unk")
    assert not any("unk" in word for word in codec.words)
    ids = codec.encode("the <unk> of<unk>").tolist()
    assert ids.count(codec.unknown) == 3  # "the" without its space is another word
    assert len(ids) == 4
    spelled = codecs.learn("words", [text], end=False)
    assert spelled.decode(spelled.encode(text)) == text


@pytest.mark.parametrize(("unknown", "adapted"), [("skip", "caf du ncle"), ("nearest", "cafe du oncle")])
def test_a_codec_counts_what_it_changes_once(unknown, adapted):
    codec = codecs.CharacterCodec("abcdefghijklmnop uvw")
    text = "café du öncle"
    for _ in range(3):
        assert codec.adapt(text, unknown) == adapted
    assert codec.changes == codecs.Changes(2, 13)
    assert codec.adapt("error", "error") == "error"
    assert codec.changes == codecs.Changes(2, 13)
    tokens = codecs.TokenCodec(["a", "b"])
    tokens.adapt("a b x y", unknown)
    pair = codecs.PairCodec(codec, codecs.CharacterCodec("xyz", end=True))
    pair.source.adapt("a?", unknown)
    pair.adapt("x!!", unknown)
    assert (tokens.changes, pair.changes) == (codecs.Changes(2, 4), codecs.Changes(5, 18))

"""Corpora too large for memory: the same texts, encoded once on disk, whatever interrupts it."""

import contextlib
import gzip
import io
import itertools
import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import ostinato
from conftest import TINY
from ostinato import codecs
from ostinato.data import Cache, Encoded, Reading, cache, encode_texts, read_corpus, split
from ostinato.data.blocks import blocks
from ostinato.data.corpus import lines
from ostinato.errors import ConfigError, CorpusError, DamagedError, RunError, UnknownSymbolError

PROSE = "It was a dark night; the wind blew, naïvely.\r\nNobody spoke a word.\n\n  Zoë said – nothing.\n" * 40


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """What takes megabytes in life takes bytes here."""
    monkeypatch.setattr("ostinato.data.documents.blocks", lambda stream, encoding: blocks(stream, encoding, 64))


@pytest.fixture
def write(tmp_path):
    def put(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    return put


def both(paths, **options):
    """The same corpus in memory and read from disk."""
    held, large = read_corpus(paths, **options), read_corpus(paths, memory=10, **options)
    assert held.is_held
    assert not large.is_held
    return held, large


@given(data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode), size=st.integers(1, 90))
@settings(max_examples=300)
def test_blocks_joined_are_the_whole_and_decode_alone_like_the_whole(data, size):
    for encoding in ("utf-8", "latin-1", "shift-jis", "gb18030", "utf-16", "iso2022_jp"):
        found = list(blocks(io.BytesIO(data), encoding, size))
        assert b"".join(found) == data
        assert all(found)
        with contextlib.suppress(UnicodeDecodeError):  # how much of a wrong sequence is one mistake depends on the cut
            whole = data.decode(encoding)
            assert "".join(block.decode(encoding) for block in found) == whole


@given(text=st.text("aé日本語 \n\r.", max_size=120), size=st.integers(1, 40))
def test_texts_of_many_encodings_are_cut_into_pieces_that_decode_alone(text, size):
    for encoding in ("utf-8", "utf-8-sig", "shift-jis", "gb18030", "euc-jp", "big5", "utf-16", "utf-32"):
        data = text.encode(encoding, "replace")
        found = list(blocks(io.BytesIO(data), encoding, size))
        assert "".join(block.decode(encoding) for block in found) == data.decode(encoding)


def test_a_text_without_any_space_is_cut_between_characters():
    data = ("é" * 1000).encode()
    found = list(blocks(io.BytesIO(data), "utf-8", 63))
    assert len(found) > 3
    assert "".join(block.decode() for block in found) == "é" * 1000
    assert len(list(blocks(io.BytesIO(b"\xe9" * 1000), "latin-1", 63))) > 3


@pytest.mark.parametrize("kind", ["text", "items"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_is_read_from_disk_is_what_is_held_in_memory(write, kind, encoding):
    paths = [write("a.txt", PROSE.encode(encoding)), write("b.txt", (PROSE + "no line end").encode(encoding))]
    paths.append(write("c.txt", ("last\u2028line" * 30).encode(encoding)))
    held, large = both(paths, kind=kind, reading=Reading(encoding=encoding))
    if kind == "text":
        assert "".join(large.texts) == held.texts[0]
        assert encoding == "utf-16" or len(list(large.texts)) > 20
    else:
        assert tuple(large.texts) == held.texts
    assert (large.size, large.sources) == (held.size, held.sources)
    assert large.alphabet >= held.alphabet
    assert large.alphabet - held.alphabet <= {"\n", "\u2028"}


@pytest.mark.parametrize("kind", ["text", "items"])
def test_tables_are_read_from_disk_too(write, kind):
    table = "n,text\n" + "\n".join(f'{n},"line {n}\nof ""many"""' for n in range(60)) + "\n"
    records = "\n".join(json.dumps({"text": f"ü{n} " * 20}) for n in range(30))
    held, large = both([write("t.csv", table), write("t.jsonl", records)], kind=kind)
    assert "".join(large.texts) == held.texts[0] if kind == "text" else tuple(large.texts) == held.texts
    assert large.size == held.size


def test_compressed_files_are_read_as_what_they_hold(write):
    data = PROSE.encode()
    plain = read_corpus([write("t.txt", data)])
    two_frames = zstandard.compress(data[:500]) + zstandard.compress(data[500:])
    for name, packed in (("t.txt.gz", gzip.compress(data)), ("t.txt.zst", two_frames)):
        for read in both([write(name, packed)]):
            assert "".join(read.texts) == plain.texts[0]
            assert read.sources[0]["sha256"] == plain.sources[0]["sha256"]
    table = read_corpus([write("t.jsonl.zst", zstandard.compress(b'{"text": "a b"}\n{"text": "c"}\n'))])
    assert table.texts == ("a b", "c")
    with pytest.raises(CorpusError, match=r"no.zst cannot be read: .*"):
        read_corpus([write("no.zst", b"no zstandard")])
    for end in (1, 50, len(two_frames) - 1, len(zstandard.compress(data[:500])) + 3):
        with pytest.raises(
            CorpusError, match=r"cut.zst cannot be read: Compressed file ended before the end of its last"
        ):
            read_corpus([write("cut.zst", two_frames[:end])])


@given(text=st.text("ab \n\r\u2028\x0b", max_size=60), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_lines_of_pieces_are_the_lines_of_the_whole(text, cuts):
    text = re.sub("\r+\n", "\n", text)
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    places = [p for p in places if not (0 < p < len(text) and text[p - 1] == "\r")]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    expected = re.split("[\n\r]", text)
    assert list(lines(pieces)) == (expected if expected[-1] else expected[:-1])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.003])
def test_running_text_on_disk_is_split_where_the_held_one_is(write, share):
    held, large = both([write("t.txt", PROSE)], kind="text")
    for a, b in zip(split(held, share=share, seed=1), split(large, share=share, seed=1), strict=True):
        assert "".join(b.texts) == a.texts[0]
        assert b.size == a.size == len(a.texts[0])


def test_items_on_disk_are_split_like_held_ones(write):
    held, large = both([write("t.txt", "\n".join(f"item {n % 700}" for n in range(1000)))], kind="items")
    for a, b in zip(split(held, share=0.2, seed=3), split(large, share=0.2, seed=3), strict=True):
        assert tuple(b.texts) == a.texts
        assert b.size == a.size


CODECS = {
    "characters": lambda c: codecs.CharacterCodec(c.alphabet, end=c.kind == "items"),
    "nfc": lambda c: codecs.learn("characters", c.texts, end=c.kind == "items", nfc=True),
    "bytes": lambda c: codecs.ByteCodec(end=c.kind == "items"),
    "words": lambda c: codecs.learn("words", c.texts, end=c.kind == "items", vocabulary=20),
    "subwords": lambda c: codecs.learn("subwords", ["".join(c.texts)], end=c.kind == "items", vocabulary=300),
}


@pytest.mark.parametrize("kind", ["text", "items"])
@pytest.mark.parametrize("name", CODECS)
def test_encoding_piece_by_piece_gives_the_ids_of_the_whole(write, tmp_path, name, kind):
    held, large = both([write("t.txt", PROSE + "e\u0301 a\n" * 30)], kind=kind)
    codec = CODECS[name](held)
    whole = encode_texts(codec, held.texts)
    pinned = Cache(tmp_path).encoded(codec, {"text": large})
    found = pinned.parts["text"]
    assert isinstance(found.ids, np.memmap)
    assert found.ids.dtype == whole.ids.dtype
    assert np.array_equal(found.ids, whole.ids)
    assert np.array_equal(found.offsets, whole.offsets)


def test_a_large_vocabulary_takes_sixteen_bits(write, tmp_path):
    large = read_corpus([write("t.txt", "".join(map(chr, range(0x4E00, 0x4E00 + 400))) + " end")], memory=1)
    pinned = Cache(tmp_path).encoded(codecs.CharacterCodec(large.alphabet), {"text": large})
    assert pinned.parts["text"].ids.dtype == np.uint16


def test_what_is_mapped_is_pickled_as_the_name_of_its_file(write, tmp_path):
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    found = Cache(tmp_path).encoded(codecs.ByteCodec(), {"text": large}).parts["text"]
    packed = pickle.dumps(found)
    assert len(packed) < 1000
    assert np.array_equal(pickle.loads(packed).ids, found.ids)
    part = found.part(0, 1)
    assert np.array_equal(pickle.loads(pickle.dumps(part)).ids, part.ids)
    cut = Encoded(found.ids[:50], found.offsets)
    assert np.array_equal(pickle.loads(pickle.dumps(cut)).ids, cut.ids)


def test_the_same_text_is_encoded_once_wherever_it_lies(write, tmp_path, monkeypatch):
    store = Cache(tmp_path / "cache")
    one = read_corpus([write("one.txt", PROSE)], memory=1)
    first = store.encoded(codecs.ByteCodec(), {"text": one})
    monkeypatch.setattr(cache, "encode_texts", None)  # nothing is encoded again
    os.rename(tmp_path / "one.txt", tmp_path / "two.txt")
    two = read_corpus([str(tmp_path / "two.txt")], memory=1)
    assert store.encoded(codecs.ByteCodec(), {"text": two}).sha256 == first.sha256
    monkeypatch.undo()
    other = store.encoded(codecs.ByteCodec(end=False), {"text": split(two, share=0.5, seed=1)[0]})
    assert other.key != first.key


def test_interrupted_encoding_goes_on_where_it_was(write, tmp_path, monkeypatch):
    for kind in ("text", "items"):
        large = read_corpus([write("t.txt", PROSE)], kind=kind, memory=1)
        codec = codecs.CharacterCodec(large.alphabet, end=kind == "items")
        whole = Cache(tmp_path / "whole").encoded(codec, {"train": large, "valid": large})
        store, calls = Cache(tmp_path / f"cut-{kind}"), []
        monkeypatch.setattr(cache, "SAFE", 300)
        monkeypatch.setattr(cache, "_ITEMS", 200)

        def fail(codec, texts, calls=calls):
            calls.append(1)
            if len(calls) % 7 == 0:
                raise KeyboardInterrupt
            return encode_texts(codec, texts)

        monkeypatch.setattr(cache, "encode_texts", fail)
        interruptions = 0
        for _ in range(200):
            try:
                pinned = store.encoded(codec, {"train": large, "valid": large})
                break
            except KeyboardInterrupt:
                interruptions += 1
                assert not any(entry.is_whole for entry in store.entries())
        monkeypatch.undo()
        assert interruptions > 3
        for name in ("train", "valid"):
            assert np.array_equal(pinned.parts[name].ids, whole.parts[name].ids)
            assert np.array_equal(pinned.parts[name].offsets, whole.parts[name].offsets)


@pytest.mark.xdist_group("signals")
def test_killed_encoding_goes_on_where_it_was(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(PROSE.encode() * 1200)
    code = f"""
import sys
from ostinato import codecs
from ostinato.data import Cache, cache, corpus, read_corpus
cache.SAFE = 20_000
import ostinato.data.documents as d
from ostinato.data.blocks import blocks
d.blocks = lambda stream, encoding: blocks(stream, encoding, 4096)
large = read_corpus([{str(path)!r}], memory=1)
print("go", flush=True)
from pathlib import Path
pinned = Cache(Path({str(tmp_path)!r})).encoded(codecs.WordCodec(["night"]), {{"text": large}})
print(pinned.sha256)
"""
    alone = subprocess.run(
        [sys.executable, "-c", code.replace(f"Path({str(tmp_path)!r})", f"Path({str(tmp_path / 'b')!r})")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kills = 0
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, None):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "go\n"
            if delay is None:
                assert process.stdout.read() == alone.removeprefix("go\n")
                break
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
    assert kills >= 3


def _encode_in_process(path, folder, results):
    large = read_corpus([path], memory=1)
    waited = []
    pinned = Cache(folder).encoded(codecs.WordCodec(["night"]), {"text": large}, waiting=lambda: waited.append(1))
    results.put((pinned.sha256, len(pinned.parts["text"].ids), len(waited)))


def test_of_two_processes_at_once_one_encodes_and_one_waits(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(PROSE.encode() * 200)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_encode_in_process, args=(str(path), tmp_path, results)) for _ in range(2)]
    for process in processes:
        process.start()
    told = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert told[0][:2] == told[1][:2]
    assert len([p for p in (tmp_path / "corpora").iterdir() if p.is_dir()]) == 1


def test_a_source_that_changes_meanwhile_is_told_exactly(write, tmp_path):
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    write("t.txt", PROSE.replace("dark", "Dark"))
    with pytest.raises(CorpusError) as caught:
        Cache(tmp_path).encoded(codecs.ByteCodec(), {"text": large})
    assert str(caught.value).startswith(f"{tmp_path / 't.txt'} has changed since it was first read: its SHA-256 was ")


def test_what_was_encoded_of_a_changed_source_is_never_gone_on_from(write, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SAFE", 50)
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    parts = dict(zip(("train", "valid"), split(large, share=0.3, seed=1), strict=True))
    whole = Cache(tmp_path / "whole").encoded(codecs.ByteCodec(), parts)
    for number, stop_after in enumerate((5, 1000)):  # in the middle of the training part, and never
        store, calls = Cache(tmp_path / f"cut-{number}"), []
        write("t.txt", PROSE.replace("dark", "pale"))

        def stopped(codec, texts, calls=calls, stop_after=stop_after):
            calls.append(1)
            if len(calls) > stop_after:
                raise KeyboardInterrupt
            return encode_texts(codec, texts)

        monkeypatch.setattr(cache, "encode_texts", stopped)
        with pytest.raises((KeyboardInterrupt, CorpusError)):
            store.encoded(codecs.ByteCodec(), parts)
        monkeypatch.setattr(cache, "encode_texts", encode_texts)
        write("t.txt", PROSE)
        assert store.encoded(codecs.ByteCodec(), parts).sha256 == whole.sha256


def test_a_damaged_draft_is_never_gone_on_from(write, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SAFE", 50)
    large = read_corpus([write("t.txt", "\n".join(f"item {n}" for n in range(400)))], memory=1)
    monkeypatch.setattr(cache, "_ITEMS", 100)
    codec = codecs.ByteCodec(end=True)
    whole = Cache(tmp_path / "whole").encoded(codec, {"text": large})
    for number, (file, damage) in enumerate(
        [("text.ids", lambda d: d[:100]), ("text.ids", lambda d: b"x" + d[1:]), ("text.offsets", lambda d: d[:20])]
    ):
        store, calls = Cache(tmp_path / f"cut-{number}"), []

        def stopped(codec, texts, calls=calls):
            calls.append(1)
            if len(calls) > 5:
                raise KeyboardInterrupt
            return encode_texts(codec, texts)

        monkeypatch.setattr(cache, "encode_texts", stopped)
        with pytest.raises(KeyboardInterrupt):
            store.encoded(codec, {"text": large})
        monkeypatch.setattr(cache, "encode_texts", encode_texts)
        (draft,) = store.folder.glob(".draft-*")
        (draft / file).write_bytes(damage((draft / file).read_bytes()))
        pinned = store.encoded(codec, {"text": large})
        assert pinned.sha256 == whole.sha256
        assert np.array_equal(pinned.parts["text"].offsets, whole.parts["text"].offsets)


def test_the_same_bytes_as_a_table_and_as_text_are_two_corpora(write, tmp_path):
    store, body = Cache(tmp_path), "text\none\ntwo\n" + "three\n" * 30
    found = [
        store.encoded(codecs.ByteCodec(), {"text": read_corpus([write(name, body)], kind="text", memory=1)})
        for name in ("x.csv", "x.txt")
    ]
    assert found[0].key != found[1].key
    assert codecs.ByteCodec().decode(found[1].parts["text"].ids.tolist()) == body


def test_what_an_interrupted_removal_left_is_in_nobodys_way(write, tmp_path):
    store, large = Cache(tmp_path), read_corpus([write("t.txt", PROSE)], memory=1)
    pinned = store.encoded(codecs.ByteCodec(), {"text": large})
    (store.folder / pinned.key / "about.json").unlink()
    assert store.encoded(codecs.ByteCodec(), {"text": large}).sha256 == pinned.sha256


def test_many_files_are_not_held_by_their_beginnings(write, tmp_path):
    paths = [write(f"{n}.txt", PROSE * 5) for n in range(40)]
    large = read_corpus(paths, memory=1)
    documents = large.texts.read.args[0]
    assert len(documents) == 40
    assert all(not document.sample and document.held is None for document in documents)


def test_a_damaged_entry_is_seen_and_made_again(write, tmp_path):
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    store = Cache(tmp_path)
    pinned = store.encoded(codecs.ByteCodec(), {"text": large})
    file = store.folder / pinned.key / "text.ids"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    with pytest.raises(DamagedError, match=r"text\.ids is damaged"):
        store.open(pinned.key)
    assert store.encoded(codecs.ByteCodec(), {"text": large}).sha256 == pinned.sha256


def test_what_is_asked_for_by_another_digest_or_name_is_refused(write, tmp_path):
    store = Cache(tmp_path)
    pinned = store.encoded(codecs.ByteCodec(), {"text": read_corpus([write("t.txt", PROSE)], memory=1)})
    assert store.open(pinned.key, pinned.sha256).sha256 == pinned.sha256
    with pytest.raises(RunError, match=f"is not the corpus that is asked for: its digest is {pinned.sha256}"):
        store.open(pinned.key, "0" * 64)
    with pytest.raises(RunError, match=r"'\.\./x' is no name of an encoded corpus"):
        store.open("../x")
    with pytest.raises(RunError, match=r"the encoded corpus 0{32} is not in the cache"):
        store.open("0" * 32)


def test_texts_given_in_memory_are_told_apart_by_themselves(write, tmp_path):
    store, large = Cache(tmp_path), read_corpus([write("t.txt", PROSE)], memory=1)
    found = [
        store.encoded(codecs.ByteCodec(), {"train": large, "valid": ostinato.Corpus("text", (text,))}).parts["valid"]
        for text in ("one", "two")
    ]
    assert [codecs.ByteCodec().decode(part.ids.tolist()) for part in found] == ["one", "two"]


def test_an_unknown_symbol_ends_encoding_with_its_name(write, tmp_path):
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    with pytest.raises(UnknownSymbolError, match="'ï'"):
        Cache(tmp_path).encoded(codecs.CharacterCodec(large.alphabet - {"ï"}), {"text": large})


def test_entries_are_listed_and_removed_but_not_while_one_is_made(write, tmp_path):
    large = read_corpus([write("t.txt", PROSE)], memory=1)
    store = Cache(tmp_path)
    store.encoded(codecs.ByteCodec(), {"text": large})
    (entry,) = store.entries()
    assert entry.is_whole
    assert entry.about["sources"] == ["t.txt"]
    assert entry.size > large.size
    with store._locked(entry.key, None):
        assert not store.remove(entry)
    assert store.remove(entry)
    assert store.entries() == []


@pytest.fixture
def large_run(write, tmp_path, monkeypatch):
    monkeypatch.setitem(read_corpus.__kwdefaults__, "memory", 100)
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "cache"))
    path = write("t.txt", PROSE)
    training = ostinato.train(path, out=tmp_path / "run", steps=6, settings=TINY)
    list(training)
    return tmp_path / "run"


def test_a_run_on_disk_learns_what_one_in_memory_learns(large_run, tmp_path):
    held = ostinato.Corpus("text", (PROSE.replace("\r\n", "\n"),))
    ostinato.train(held, out=tmp_path / "held", steps=6, settings=TINY).to_end()
    assert not (large_run / "corpus.safetensors").exists()
    for name in ("weights", "average", "optimizer", "carried_state"):
        file = f"checkpoints/step-000006/{name}.safetensors"
        assert (large_run / file).read_bytes() == (tmp_path / "held" / file).read_bytes()


def test_a_run_whose_corpus_left_the_cache_says_how_to_go_on(large_run, tmp_path, write):
    store = Cache(tmp_path / "cache")
    for entry in store.entries():
        assert store.remove(entry)
    with pytest.raises(RunError) as caught:
        ostinato.resume(large_run, minutes=0.01)
    assert str(caught.value).endswith(
        f"The run was made with t.txt ({len(PROSE.encode()):,} bytes); name the same files again: "
        f"ostinato resume {large_run} --corpus FILE"
    )
    changed = write("u.txt", PROSE + "more")
    with pytest.raises(CorpusError, match=r"was made with t\.txt .*; given is u\.txt .*\. Give the same files"):
        ostinato.resume(large_run, minutes=0.01, corpus=lambda: read_corpus([changed]))
    os.rename(tmp_path / "t.txt", tmp_path / "moved.txt")
    again = ostinato.resume(large_run, minutes=0.02, corpus=lambda: read_corpus([str(tmp_path / "moved.txt")]))
    again.to_end()
    assert len(store.entries()) == 1


def test_a_run_with_a_validation_file_of_its_own_may_be_given_both_again(large_run, write, tmp_path):
    train, valid = write("a.txt", PROSE), write("b.txt", PROSE[:900])
    out = tmp_path / "both"
    order = {"valid": read_corpus([valid], kind="text"), "settings": TINY}
    ostinato.train(train, out=out, steps=2, **order).to_end()
    store = Cache(tmp_path / "cache")
    for entry in store.entries():
        store.remove(entry)
    with pytest.raises(RunError, match=f"resume {out} --corpus FILE --valid FILE$"):
        ostinato.resume(out, minutes=0.01)
    with pytest.raises(ConfigError, match="has a validation corpus of its own; name that again too: --valid FILE"):
        ostinato.resume(out, minutes=0.01, corpus=lambda: read_corpus([train]))
    ostinato.resume(
        out, minutes=0.01, corpus=lambda: read_corpus([train]), valid=lambda: read_corpus([valid], kind="text")
    )


def test_evaluation_and_scores_of_a_text_on_disk_are_those_in_memory(large_run, write, tmp_path):
    model = ostinato.load(large_run)
    path = write("v.txt", PROSE[:3000])
    large, text = read_corpus([path], kind="text"), PROSE[:3000].replace("\r\n", "\n")
    assert not large.is_held
    assert model.evaluate(large) == model.evaluate([text])
    odd = read_corpus([write("w.txt", PROSE[:2000] + "€" * 90 + "\n")], kind="text")
    on_disk, in_memory = (model.evaluate(c, unknown="skip") for c in (odd, ["".join(odd.texts)]))
    assert on_disk == in_memory
    assert model.evaluate(large, protocol="windows", windows=9) == model.evaluate([text], protocol="windows", windows=9)
    parts = list(model.score_pieces(large.texts))
    whole = model.score(text)
    assert [part.data for part in parts] == [part.data for part in whole.parts]
    assert sum(part.log_prob for part in parts) == pytest.approx(whole.log_prob, rel=1e-6)

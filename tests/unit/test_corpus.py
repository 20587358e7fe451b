"""Reading what users give, and the exact errors when it cannot be read."""

import gzip
import io
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ostinato.data import EMBEDDED, Corpus, Reading, blocks, read_corpus, split
from ostinato.data.reading import names_of_corpora
from ostinato.errors import CorpusError

PROSE = "It was a dark night.\nThe wind blew.\n\nNobody spoke a word about it.\n"


@pytest.fixture
def write(tmp_path):
    def put(name, data):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    return put


def failure(*sources, **options):
    with pytest.raises(CorpusError) as caught:
        read_corpus(list(sources), **options)
    return str(caught.value)


def test_files_are_joined_in_order_with_a_line_end_between(write):
    corpus = read_corpus([write("b.txt", "last\nlines"), write("a.txt", "first")], kind="text")
    assert corpus.texts == ("last\nlines\nfirst",)
    assert [source["name"] for source in corpus.sources] == ["b.txt", "a.txt"]


def test_a_folder_gives_its_text_files_in_order_and_passes_over_the_rest(write, tmp_path):
    write("c/2.txt", "two\n")
    write("c/1.md", "one\n")
    write("c/.hidden/x.txt", "no")
    write("c/image.bin", b"\0\1\2")
    write("c/latin.txt", b"\xff\xfe\xfd")
    write("c/empty.txt", "")
    assert read_corpus([str(tmp_path / "c")], kind="text").texts == ("one\ntwo\n",)


def test_a_folder_is_not_refused_for_one_file_that_is_no_text_and_names_it(write, tmp_path):
    write("d/a.txt", "text\n" * 3)
    write("d/doc.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    write("d/cut.gz", b"broken")
    write("d/long.txt", "x" + "é" * 8192)  # the probe ends within a character
    corpus = read_corpus([str(tmp_path / "d")], kind="text")
    assert corpus.texts[0].startswith("text")
    assert len(corpus.sources) == 2
    assert corpus.notes[-1] == "passed over, as they are no text: cut.gz, doc.pdf"


def test_a_glob_gives_its_matches_in_order(write, tmp_path):
    write("x1.txt", "a\n")
    write("x2.txt", "b\n")
    assert read_corpus([str(tmp_path / "x*.txt")], kind="text").texts == ("a\nb\n",)


def test_standard_input_gzip_and_carriage_returns(write):
    assert read_corpus(["-"], standard_input=io.BytesIO(b"ab\r\ncd")).texts == ("ab\ncd",)
    assert read_corpus([write("t.txt.gz", gzip.compress(b"ab"))]).texts == ("ab",)
    assert read_corpus([write("bom.txt", b"\xef\xbb\xbfab")]).texts == ("ab",)


def test_a_column_of_a_table_gives_items(write):
    table = "name,age\nAda,3\nBo,4\n"
    assert read_corpus([write("t.csv", table)], reading=Reading(column="name")).texts == ("Ada", "Bo")
    assert read_corpus([write("t.tsv", "text\tn\nAda\t3\n")]).texts == ("Ada",)
    lines = "\n".join(json.dumps({"text": text, "n": 1}) for text in ("Ada", "Bo\nBo"))
    assert read_corpus([write("t.jsonl.gz", gzip.compress(lines.encode()))]).texts == ("Ada", "Bo\nBo")
    assert read_corpus([write("t.jsonl", lines)], kind="text").texts == ("Ada\nBo\nBo",)
    assert read_corpus([write("U.TSV", "text\tn\nA, da\t3\n")]).texts == ("A, da",)
    odd = '{"n": 1, "text": null}\n{"text": "a\u2028b"}\n{"text": "\\ud83d\\ude00 \\ud83d"}\n'
    assert read_corpus([write("odd.jsonl", odd)]).texts == ("a\u2028b", "\U0001f600 \ufffd")
    long = "text\n" + "x y" * 100_000 + "\n"
    assert len(read_corpus([write("long.csv", long)]).texts[0]) == 300_000


@pytest.mark.parametrize(
    ("name", "data", "column", "message"),
    [
        (
            "t.csv",
            "a,b\n1,2\n",
            None,
            "{} has several columns; name the one to learn with --column. Known: a, b. Pairs are "
            "for --recipe translate, texts with labels for --recipe classify or tag",
        ),
        ("t.csv", "a,b\n1,2\n", "c", "{} has no column 'c'. Known: a, b"),
        ("t.jsonl", '{"a": "x"}\n{"a":\n', "a", "{}, line 2, is not JSON: Expecting value at column 6"),
        ("t.jsonl", "[1]\n", "a", "{}, line 1, is JSON but no object with named texts"),
        ("t.txt", "abc", "a", "--column a needs a table, and {} is none of .csv, .tsv, .jsonl, .ndjson"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(write, name, data, column, message):
    path = write(name, data)
    assert failure(path, reading=Reading(column=column)) == message.format(path)


def test_lines_or_running_text_is_detected_said_and_can_be_forced(write):
    names = write("names.txt", "\n".join(f"name{i}" for i in range(50)))
    corpus = read_corpus([names])
    assert corpus.kind == "items"
    assert len(corpus.texts) == 50
    assert corpus.notes == ("50 items, 290 characters (short lines, none empty; --as text reads it as running text)",)
    assert read_corpus([names], kind="text").kind == "text"
    prose = write("prose.txt", PROSE * 20)
    corpus = read_corpus([prose])
    assert corpus.kind == "text"
    assert corpus.notes == ("running text, 1,340 characters (--as items would take each line by itself)",)
    assert len(read_corpus([prose], kind="items").texts) == 60


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.txt", b"", "{} is empty: there is nothing to learn from"),
        ("one.txt", b"aaaa", "{} holds only one symbol, 'a': there is nothing to learn from"),
        (
            "image.png",
            b"\x89PNG\0\0",
            "{} is binary, not text: byte 4 is zero. Give text files, or name its --encoding",
        ),
        (
            "latin.txt",
            b"caf\xe9 au\x81lait",
            "{} is not utf-8: byte 3 is 0xe9. Name the right one (such as --encoding latin-1), or use --errors replace",
        ),
        ("bad.gz", b"not gzip", "{} cannot be read: Not a gzipped file (b'no')"),
        ("cut.gz", gzip.compress(b"ab" * 100, mtime=0)[:-9], "{} cannot be read: Compressed file ended before the "
         "end-of-stream marker was reached"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_text_is_refused_exactly(write, name, data, message):
    path = write(name, data)
    assert failure(path) == message.format(path)


def test_the_ways_out_of_a_wrong_encoding_work(write):
    path = write("latin.txt", b"caf\xe9 au lait")
    assert read_corpus([path], reading=Reading(encoding="latin-1")).texts == ("café au lait",)
    assert read_corpus([path], reading=Reading(errors="replace")).texts == ("caf\ufffd au lait",)
    utf16 = write("wide.txt", "wide".encode("utf-16"))
    assert read_corpus([utf16], reading=Reading(encoding="utf-16")).texts == ("wide",)
    assert failure(path, reading=Reading(encoding="klingon")) == (
        "unknown encoding: klingon: --encoding takes Python's names, such as utf-8, latin-1, utf-16"
    )


def test_half_a_character_is_none(write):
    path = write("seven.txt", b"ab+2/4-cd\n" * 9)  # UTF-7 for a surrogate that stands alone
    assert "writes half a character, U+DBFE" in failure(path, reading=Reading(encoding="utf-7"))
    (text,) = read_corpus([path], kind="text", reading=Reading(encoding="utf-7", errors="replace")).texts
    assert text.startswith("ab\ufffdcd\n")
    assert (
        read_corpus([write("é.txt", b"caf+AOk-\n" * 9)], kind="text", reading=Reading(encoding="utf-7")).texts[0][:4]
        == "café"
    )


def test_what_is_not_there_is_named_with_what_a_corpus_can_be(tmp_path):
    missing = str(tmp_path / "missing.txt")
    assert failure(missing) == (
        f"there is no file or folder {missing!r}. A corpus is a file, a folder, a glob in quotes, "
        f"'-' for standard input, or one of: {', '.join(names_of_corpora())}"
    )
    long = "x" * 3000  # longer than any file system allows
    assert failure(long).startswith(f"there is no file or folder {long!r}. A corpus is")
    assert failure("").startswith("there is no file or folder ''. A corpus is")
    assert failure(str(tmp_path / "*.nothing")) == f"no file matches '{tmp_path / '*.nothing'}'"
    assert failure() == f"no corpus given. Name a file, a folder, '-', or one of: {', '.join(names_of_corpora())}"


def test_a_folder_without_text_is_refused(tmp_path):
    assert failure(str(tmp_path)) == f"folder {tmp_path} has no text to learn from: it holds no files"
    (tmp_path / "x.bin").write_bytes(b"\0")
    assert failure(str(tmp_path)) == f"folder {tmp_path} has no text to learn from: none of its 1 files is text"


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedded_corpus_needs_no_network_and_is_always_the_same(name):
    corpus = read_corpus([name])
    assert corpus.kind == "text"
    assert corpus.size > 300_000
    assert corpus.sources == read_corpus([name]).sources


def test_running_text_is_split_at_its_end():
    train, valid = split(Corpus("text", ("0123456789" * 10,)), share=0.1, seed=1)
    assert train.texts == ("0123456789" * 9,)
    assert valid.texts == ("0123456789",)


@given(items=st.lists(st.text("ab", min_size=1, max_size=3), min_size=30), seed=st.integers(0, 20))
def test_equal_items_are_never_on_both_sides(items, seed):
    assume(len(set(items)) > 1)
    train, valid = split(Corpus("items", tuple(items)), share=0.3, seed=seed)
    assert not set(train.texts) & set(valid.texts)
    assert sorted([*train.texts, *valid.texts]) == sorted(items)


def test_the_share_of_items_is_about_what_was_asked():
    train, valid = split(Corpus("items", tuple(map(str, range(5000)))), share=0.1, seed=1)
    assert 430 < len(valid.texts) < 570
    assert len(train.texts) + len(valid.texts) == 5000


@pytest.mark.parametrize("share", [0, 1, -0.1, 3])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(CorpusError, match="above 0 and below 1"):
        split(Corpus("text", ("abc",)), share=share, seed=1)


def test_a_corpus_too_small_to_split_is_refused():
    with pytest.raises(CorpusError, match="too small to set 10% of it apart"):
        split(Corpus("items", ("a", "a")), share=0.1, seed=3)
    for seed in range(20):
        train, valid = split(Corpus("items", ("a", "b", "c")), share=0.1, seed=seed)
        assert len(train.texts) == 2
        assert len(valid.texts) == 1


def test_what_is_only_read_may_hold_one_symbol_but_not_none(write):
    assert read_corpus([write("one.txt", "aaaa")], to_learn=False).texts == ("aaaa",)
    assert failure(write("empty.txt", ""), to_learn=False).endswith("is empty: there is nothing to read")


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("Größe und “Maß”".encode("cp1252"), "Größe und “Maß”", "cp1252"),
        ("Größe".encode("utf-16"), "Größe", "utf-16"),
        ("Größe".encode("utf-32"), "Größe", "utf-32"),
        ("Größe".encode(), "Größe", None),
        ("\ufeffGröße".encode(), "Größe", None),
    ],
)
def test_common_encodings_are_recognised_and_said(write, data, text, encoding):
    corpus = read_corpus([write("t.txt", data)])
    assert corpus.texts == (text,)
    said = [note for note in corpus.notes if "is read as" in note]
    assert said == ([f"t.txt is read as {encoding}, no UTF-8; --encoding names another"] if encoding else [])


@pytest.mark.parametrize("damage", [b"\xc3", b"\xff", b"\xe4"])
def test_damaged_utf8_is_not_taken_for_western(write, damage):
    text = ("Der Bär läuft über die Brücke. " * 20).encode()
    for data in (text + damage, damage + text, text[:100] + damage + text[100:]):
        assert "is not utf-8: byte" in failure(write("t.txt", data))


def test_an_encoding_is_recognised_beyond_the_first_block(write, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 16)
    assert read_corpus([write("t.txt", b"a b " * 99 + b"caf\xe9")]).texts[0].endswith("café")
    assert read_corpus([write("u.txt", ("a" * 15 + "é b ") * 20)]).texts[0].count("é") == 20  # cut within a character


def test_a_pdf_says_that_it_is_one(write):
    assert failure(write("a.pdf", b"%PDF-1.7\n%\xe2\xe3\n")).endswith(
        "is a PDF, not text; convert it first (pdftotext does)"
    )


def test_text_of_other_scripts_is_not_taken_for_western(write):
    assert "is not utf-8: byte 0" in failure(write("russian.txt", "Привет, мир".encode("cp1251")))


def test_a_folder_is_read_as_far_as_a_pattern_matches_and_its_endings_are_said(write, tmp_path):
    for name in ("f/a.md", "f/b.md", "f/c.svg", "f/sub/d.md"):
        write(name, f"text of {name} ")
    corpus = read_corpus([str(tmp_path / "f")])
    assert "4 files: 3 .md, 1 .svg" in corpus.notes
    assert len(read_corpus([str(tmp_path / "f")], pattern="*.md").sources) == 3
    assert [s["name"] for s in read_corpus([str(tmp_path / "f")], pattern="sub/*").sources] == ["d.md"]
    assert "none of the 4 files in" in failure(str(tmp_path / "f"), pattern="*.txt")

"""Files of columns: CoNLL-U with its comments and ranges, columns by number or name, and labels written back."""

import pytest

from ostinato.data.documents import bytes_document
from ostinato.data.pairs import PairLimits, source_texts
from ostinato.data.reading import Reading
from ostinato.errors import CorpusError
from ostinato.families.labels.reading import LabelReading, read_labelled
from ostinato.families.labels.reading.columns import as_column_file, sentences_of
from ostinato.families.labels.reading.tokens import tokenise

CONLLU = """\
# sent_id = 1
# text = Don't go, Al.
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_
4\t,\t,\tPUNCT\t,\t_\t5\tpunct\t_\t_
5\tAl Gore\tAl\tPROPN\tNNP\t_\t3\tvocative\t_\tSpaceAfter=No

# sent_id = 2
1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_

"""


def file_of(text, name="t.txt"):
    return as_column_file(bytes_document(name, text.encode(), Reading()).surveyed(2**20, 0, None))


def read(tmp_path, text, name="t.txt", **options):
    path = tmp_path / name
    path.write_text(text)
    corpus = read_labelled([str(path)], LabelReading("words", per_word=True, **options), PairLimits())
    return corpus, list(zip(source_texts(corpus), corpus.texts, strict=True))


def test_conllu_is_read_without_comments_ranges_and_words_that_are_not_written(tmp_path):
    corpus, pairs = read(tmp_path, CONLLU)
    assert pairs == [("Do n't go , Al_Gore", "AUX PART VERB PUNCT PROPN"), ("Yes", "INTJ")]
    assert corpus.places[1].endswith("line 12")
    assert "read: word 'Do' → label 'AUX', word \"n't\" → label 'PART'" in corpus.notes


@pytest.mark.parametrize("column", ["XPOS", "xpos", "5"])
def test_columns_are_given_by_name_or_by_number(tmp_path, column):
    assert read(tmp_path, CONLLU, tags=column)[1][1] == ("Yes", "UH")
    assert read(tmp_path, CONLLU, words="LEMMA", tags=column)[1][1] == ("yes", "UH")
    assert read(tmp_path, CONLLU, tags=column, columns=2)[1][1] == ("Yes\x1fyes", "UH")


def test_a_column_that_is_not_there_says_which_are(tmp_path):
    with pytest.raises(CorpusError, match="has no column 'POS'; it has ID, FORM, LEMMA, UPOS"):
        read(tmp_path, CONLLU, tags="POS")
    with pytest.raises(CorpusError, match="no column 'tag'; its columns have no names, so give a number from 1"):
        read(tmp_path, "a X\nb Y\n", tags="tag")
    with pytest.raises(CorpusError, match="line 1: lines of this sentence have 3 columns"):
        read(tmp_path, "a X\nb Y\n", tags="3")


def test_a_header_names_the_columns(tmp_path):
    text = "word lemma tag\nruns run V\nfast fast A\n"
    assert read(tmp_path, text)[1] == [("runs fast", "V A")]
    assert read(tmp_path, text, words="lemma", tags="tag")[1] == [("run fast", "V A")]
    assert read(tmp_path, "word V\nis V\n")[1] == [("word is", "V V")]  # no header: its second word names no column


def test_a_first_line_with_a_name_that_is_asked_for_is_a_header(tmp_path):
    text = "mot classe\nchat NOM\ndort VER\n"
    assert read(tmp_path, text, tags="classe")[1] == [("chat dort", "NOM VER")]
    assert read(tmp_path, text)[1] == [("mot chat dort", "classe NOM VER")]


def test_labels_are_written_back_into_their_column_alone():
    file = file_of(CONLLU)
    labels = [["A", "B", "C", "D", "E"], ["F"]]
    written = file.relabelled(labels, 3)
    before, after = CONLLU.splitlines(), written.splitlines()
    assert len(before) == len(after)
    changed = [(old.split("\t"), new.split("\t")) for old, new in zip(before, after, strict=True) if old != new]
    assert [new[3] for _, new in changed] == list("ABCDEF")
    assert all(old[:3] + old[4:] == new[:3] + new[4:] for old, new in changed)
    assert file_of(CONLLU).relabelled([["AUX", "PART", "VERB", "PUNCT", "PROPN"], ["INTJ"]], 3) == CONLLU
    spaced = "-DOCSTART- X\n\nthe   D\ncat N\n\nsat\tV\n"
    assert file_of(spaced).relabelled([["a", "b"], ["c"]], -1) == "-DOCSTART- X\n\nthe   a\ncat b\n\nsat\tc\n"


def test_what_has_no_columns_is_none():
    assert file_of("a b\tX Y\n") is None
    assert file_of('{"source": "a"}\n', "t.jsonl") is None
    assert file_of("\n\n") is None
    assert sentences_of(file_of("a X\nb Y\n\nc Z\n")) == ["a b", "c"]


def test_a_first_line_that_names_the_sides_of_pairs_is_no_pair(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("text\tlabel\nvery good\tyes\nso bad\tno\n")
    corpus = read_labelled([str(path)], LabelReading("whole"))
    assert corpus.texts == ("yes", "no")
    assert "the first line names the columns: 'text\\tlabel'" in corpus.notes
    assert "read: 'very good' → 'yes', 'so bad' → 'no'" in corpus.notes


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog barks.", "The dog barks ."),
        ("Well-known (U.S.) 3,000.50%!", "Well-known ( U.S. ) 3,000.50 % !"),
        ("l'été c’est «bien»", "l'été c’est « bien »"),
        ("already apart .", "already apart ."),
        ("in the 1990s, the 3rd... -- by J. Doe", "in the 1990s , the 3rd ... -- by J. Doe"),
        ("हिन्दी, e\u0301te\u0301?!", "हिन्दी , e\u0301te\u0301 ? !"),
        ("see https://a.b/c?d=1.", "see https://a.b/c?d=1 ."),
        ("?!... (so)", "? ! ... ( so )"),
    ],
)
def test_marks_are_parted_from_words(text, tokens):
    assert tokenise(text) == tokens


def test_what_a_model_knows_as_a_word_stays_whole():
    assert tokenise("Mr. X, etc.", lambda chunk: chunk in ("Mr.", "etc.")) == "Mr. X , etc."


@pytest.mark.parametrize("options", [{"words": "2"}, {"columns": 2}, {"words": "2", "tags": "2"}])
def test_a_column_that_is_read_is_no_label(tmp_path, options):
    with pytest.raises(CorpusError, match=r"(column 2 is both read and the label|have 3 columns, this one has not)"):
        read(tmp_path, "a X\nb Y\n", **options)


def test_cells_are_cut_at_tabs_where_tabs_cut_them(tmp_path):
    text = "10\xa0000\tX\nb\tY\t\n"
    assert read(tmp_path, text)[1] == [("10_000 b", "X Y")]
    assert file_of(text).relabelled([["P", "Q"]], -1) == "10\xa0000\tP\nb\tQ\t\n"


def test_a_bad_line_of_conllu_is_named(tmp_path):
    text = CONLLU * 3 + "1\tYes\tyes\n\n"
    with pytest.raises(CorpusError, match="line 40: lines of this sentence have 10 columns, this one has not"):
        read(tmp_path, text)
    with pytest.raises(CorpusError, match=r"line 40: CoNLL-U has 10 columns .* and this line has 3"):
        read(tmp_path, text, "t.conllu")

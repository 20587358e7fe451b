"""What a tune has from a corpus."""

from fractions import Fraction

from ostinato.music import parse_tune
from ostinato.music.copying import Melodies
from ostinato.music.transposing import transpose

HEADER = "X:1\nM:4/4\nL:1/8\nK:D\n"
ONE = parse_tune(HEADER + "DEFA BAFA|dBAF EDEF|D2FA dfed|BdAF E2D2|]")
OTHER = parse_tune(HEADER + "fgaf gfeg|faaf bgec|]")


def test_the_longest_run_is_found_in_any_key_and_rhythm():
    corpus = Melodies([OTHER, ONE])
    tune = parse_tune("X:1\nM:4/4\nL:1/8\nK:G\ng2g2 f2e2|DEGc ecGF|B4 G2G2|c2dfe dBG2|]")
    assert corpus.longest(tune) is None
    # The first seven notes of the second bar, in other lengths.
    copied = transpose(parse_tune(HEADER + "A2F2 D2F2|d3BA2F2|EDED F4|A8|]"), "G")
    found = corpus.longest(copied)
    assert (found.notes, found.source, found.source_first) == (7, 1, 8)
    assert found.first == 4
    assert found.time == Fraction(11, 8)


def test_a_tune_is_copied_from_itself_whole():
    corpus = Melodies([ONE, OTHER])
    found = corpus.runs(transpose(ONE, "A"))
    assert (found[0].notes, found[0].first, found[0].source) == (29, 0, 0)
    assert len(found) == 1


def test_of_equal_runs_the_first_source_is_named():
    assert Melodies([ONE, ONE]).longest(ONE).source == 0
    assert Melodies([]).longest(ONE) is None

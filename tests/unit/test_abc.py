"""ABC notation: what is read, how time is counted, what is refused and where."""

from fractions import Fraction

import pytest

from ostinato.errors import AbcError, ConfigError
from ostinato.music import (
    BarLine,
    BarsOfRest,
    Broken,
    Chord,
    Decoration,
    Ending,
    Field,
    Grace,
    Key,
    Meter,
    Note,
    Pitch,
    Rest,
    Slur,
    Text,
    Tune,
    Tuplet,
    durations,
    parse_key,
    parse_meter,
    parse_tune,
    read_tunebook,
    write_tune,
)
from ostinato.music.bars import bars, check

HEADER = "X:1\nT:A tune\nM:6/8\nL:1/8\nK:G\n"


def body(music, header=HEADER):
    return parse_tune(header + music).body


def note(letter, length=1, accidental=None, octave=None, tied=False):
    octave = octave if octave is not None else (5 if letter.islower() else 4)
    return Note(Pitch(letter.upper(), octave, accidental), Fraction(length), tied)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("C c c' C,", [note("C"), note("c"), note("c", octave=6), note("C", octave=3)]),
        ("^f=F__B^^c", [note("f", 1, 1), note("F", 1, 0), note("B", 1, -2), note("c", 1, 2)]),
        ("A2A/A//A3/2A/4", [note("A", x) for x in (2, Fraction(1, 2), Fraction(1, 4), Fraction(3, 2), Fraction(1, 4))]),
        ("A-A2-|A", [note("A", tied=True), note("A", 2, tied=True), BarLine("|"), note("A")]),
        ("z2x/Z4", [Rest(Fraction(2)), Rest(Fraction(1, 2), visible=False), BarsOfRest(4)]),
        ("A>B<<c", [note("A"), Broken(1), note("B"), Broken(-2), note("c")]),
        ("(3ABc(3:2:4A", [Tuplet(3, 2, 3), note("A"), note("B"), note("c"), Tuplet(3, 2, 4), note("A")]),
        ("[CE2]3-", [Chord((note("C"), note("E", 2)), Fraction(3), tied=True)]),
        ("{/AB}~c", [Grace((note("A"), note("B")), slashed=True), Decoration("~"), note("c")]),
        ('"Am7"!trill!.uA', [Text("Am7"), Decoration("trill"), Decoration("."), Decoration("u"), note("A")]),
        ("(AB)", [Slur(opens=True), note("A"), note("B"), Slur(opens=False)]),
        ("|:A:|B||c|]", [BarLine("|:"), note("A"), BarLine(":|"), note("B"), BarLine("||"), note("c"), BarLine("|]")]),
        ("A::B:||:C:|:", [note("A"), BarLine("::"), note("B"), BarLine("::"), note("C"), BarLine("::")]),
        ("A|1B:|2C|[3,4D", [note("A"), BarLine("|"), Ending("1"), note("B"), BarLine(":|"), Ending("2"), note("C"),
                            BarLine("|"), Ending("3,4"), note("D")]),
        ("A[K:Ddor]B[M:C|][L:1/16]", [note("A"), Field("K", "Ddor"), note("B"), Field("M", "2/2"), Field("L", "1/16")]),
        ("A\nP:B\nB % said aside\nG:|", [note("A"), Field("P", "B"), note("B"), note("G"), BarLine(":|")]),
        ("AB!\nc \\\nd", [note("A"), note("B"), note("c"), note("d")]),
    ],
)  # fmt: skip
def test_what_is_read(text, elements):
    assert list(body(text)) == elements


def test_a_header():
    tune = parse_tune(
        "X: 7\nT: One\nT:Other\nR:jig\nC:Trad.\nM:C|\nQ:1/4=100\n"
        "S:a book\nN:100\\% sure % aside\nK: A Dorian\nAB\nw:la\n"
    )
    assert (tune.number, tune.titles, tune.rhythm, tune.composer) == (7, ("One", "Other"), "jig", "Trad.")
    assert (tune.meter, tune.unit, tune.key, tune.tempo) == (Meter(2, 2), Fraction(1, 8), Key("A", 0, "dor"), "1/4=100")
    assert tune.information == (("S", "a book"), ("N", "100% sure"), ("w", "la"))


@pytest.mark.parametrize(("meter", "unit"), [("2/4", 16), ("3/8", 16), ("3/4", 8), ("6/8", 8), ("C", 8), ("none", 8)])
def test_the_unit_length_that_is_meant_without_one(meter, unit):
    assert parse_tune(f"X:1\nM:{meter}\nK:C\nA").unit == Fraction(1, unit)


@pytest.mark.parametrize(
    ("text", "fifths"),
    [("C", 0), ("G", 1), ("F", -1), ("Am", 0), ("A Dorian", 1), ("Dmix", 1), ("F#m", 3), ("Bb", -2), ("Glyd", 2),
     ("Ephr", 0), ("BLoc", 0), ("C#", 7), ("Cb", -7), ("AMIX", 2), ("D major", 2), ("Eaeo", 1), ("GM", 1)],
)  # fmt: skip
def test_signatures_are_those_of_the_circle_of_fifths(text, fifths):
    key = parse_key(text)
    assert key.fifths == fifths
    assert sum(key.signature.values()) == fifths
    assert parse_key(key.name) == key


def test_a_key_with_accidentals_of_its_own():
    key = parse_key("D =c ^g")
    assert key.signature == {"C": 0, "D": 0, "E": 0, "F": 1, "G": 1, "A": 0, "B": 0}
    assert parse_key(key.name) == key
    assert key.on("C", 0).signature == {"C": 0, "D": 0, "E": 0, "F": 1, "G": 0, "A": 0, "B": -1}


def test_clefs_are_no_modes_and_no_accidentals():
    for text in ("D clef=bass", "Dmaj clef=bass", "D treble", "D octave=-1", "D bass-8 middle=d"):
        assert parse_key(text) == parse_key("D")
    assert parse_key("D clef=bass =c").explicit == (("C", 0),)


def test_durations():
    tune = parse_tune(HEADER + "A2 A>B c<<d (3ABc (3A>Bc [C2E]2 {g}A | (3AB | c [L:1/16] d Z2 z/")
    e = Fraction(1, 8)
    expected = [2, 3 / 2, 1 / 2, 1 / 4, 7 / 4, *[2 / 3] * 3, 1, 1 / 3, 2 / 3, 4, 1, 2 / 3, 2 / 3, 1, 1 / 2, 12, 1 / 4]
    found = [duration for duration in durations(tune) if duration]
    assert found == [e * Fraction(x).limit_denominator(12) for x in expected]
    assert [bar.length for bar in bars(tune)] == [e * 15, e * Fraction(4, 3), e * Fraction(55, 4)]


def test_bars_know_their_lines():
    found = bars(parse_tune(HEADER + "A|:ABc def|G6|1 A3:|2 B3||C|]"))
    assert [(bar.left, bar.right, bar.ending) for bar in found] == [
        ("", "|:", ""), ("|:", "|", ""), ("|", "|", ""), ("|", ":|", "1"), (":|", "||", "2"), ("||", "|]", ""),
    ]  # fmt: skip
    assert [bar.is_interior for bar in found] == [False] * 6
    assert found[2].before_ending


def test_the_check_finds_bars_that_do_not_add_up():
    tune = parse_tune(HEADER + "A|ABc def|ABc de|ABc defg|G3 A2:|d|[M:2/4]d4|e4||")
    found = check(tune)
    assert (found.interior, found.right) == (4, 2)
    assert [bar.length * 8 for bar in found.wrong] == [5, 7]
    assert not found.is_clean
    assert check(parse_tune(HEADER + "A|ABc def|G3-G2:|")).is_clean
    assert not check(parse_tune(HEADER + "ABc def G|ABc def|")).is_clean  # an upbeat longer than a bar


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        (HEADER + "ABc 9|", "line 6, column 5", "'9|' is no music"),
        (HEADER + "ABc|\nd[CxE]|", "line 7, column 4", "are no notes"),
        (HEADER + "A|[w:la]", "line 6, column 3", "cannot stand inside music"),
        (HEADER + "A|[K:Hq]", "line 6, column 3", "is no key"),
        (HEADER + "-A", "line 6, column 1", "a tie needs a note"),
        ("X:1\nM:6/7\nK:G\nA", "line 2, column 3", "'6/7' is no meter"),
        ("X:1\nL: 8\nK:G\nA", "line 2, column 4", "'8' is no unit length"),
        ("X:one\nK:G\nA", "line 1, column 3", "is no number of a tune"),
        ("X:1\nM:6/8\nABc", "line 3, column 1", "has no key"),
        ("X:1\nK:G blues\nABc", "line 2, column 3", "'blues' is no mode"),
        ("X:1\nK:G\nV:1\nABc\nV:2\nABc", "line 5, column 1", "several voices"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_is_allowed(text, where, told):
    with pytest.raises(AbcError, match=told) as raised:
        parse_tune(text)
    assert str(raised.value).startswith(f"{where}: ")


def test_one_tune_is_one_tune():
    with pytest.raises(AbcError, match="holds 0 tunes"):
        parse_tune("ABc def|")
    with pytest.raises(AbcError, match="holds 2 tunes"):
        parse_tune("X:1\nK:C\nA\n\nX:2\nK:C\nB\n")


def test_a_tunebook_is_read_with_all_that_is_wrong_with_it():
    found = list(
        read_tunebook(["% a book\n", "X:1\n", "K:C\n", "AB?c\n", "\n", "no tune\n", "X:2\r\n", "K:D\r\n", "d|\r\n"])
    )
    assert [one.tune.number for one in found] == [1, 2]
    assert found[0].tune.body == (note("A"), note("B"), note("c"))
    (problem,) = found[0].problems
    assert (problem.line, problem.column) == (4, 3)
    assert found[1].problems == ()
    assert found[1].source.text == "X:2\nK:D\nd|"


def test_what_is_written_is_ordered_and_beamed():
    tune = parse_tune(HEADER.replace("K:G", "R:jig\nS:book\nK:G") + "D|GABcde|A>Bcd3:|\nP:B\n|:c'2d'e'3|1GGGGGG:|2G6|]")
    assert write_tune(tune) == (
        "X:1\nT:A tune\nR:jig\nM:6/8\nL:1/8\nS:book\nK:G\n"
        "D | GAB cde | A>Bc d3 :|\nP:B\n|: c'2d' e'3 |1 GGG GGG :|2 G6 |]\n"
    )


def test_lines_have_as_many_bars_as_asked():
    tune = parse_tune(HEADER + "|".join(["A6"] * 10) + "|]")
    assert [line.count("|") for line in write_tune(tune, bars=3).splitlines()[5:]] == [3, 3, 3, 1]


def test_meters_group_notes_as_they_are_beamed():
    groups = {"6/8": 3, "9/8": 3, "12/8": 3, "3/8": 3, "4/4": 4, "2/2": 4, "2/4": 2, "3/4": 2, "5/4": 2}
    assert {name: parse_meter(name).group * 8 for name in groups} == groups


@pytest.mark.parametrize("text", ["", "H", "Gis", "C#lyd"])
def test_what_is_no_key(text):
    with pytest.raises(ConfigError):
        parse_key(text)


def test_a_tune_without_a_meter_has_no_wrong_bars():
    tune = parse_tune("X:1\nM:none\nK:C\nA|ABc|A9|")
    assert tune.meter is None
    assert check(tune).is_clean
    assert parse_tune(write_tune(tune)) == tune


def test_a_line_break_in_a_field_breaks_no_header():
    tune = Tune(titles=("One\nTwo",), information=(("Z", "a\nK:X"),))
    assert parse_tune(write_tune(tune)).titles == ("One Two",)


def test_an_empty_tune_is_one():
    assert parse_tune(write_tune(Tune())) == Tune()

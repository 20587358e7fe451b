"""Sections, repeats, endings and upbeats; and what does not add up."""

from fractions import Fraction

import pytest

from ostinato.music import parse_tune, write_tune
from ostinato.music.forms import normal, problems, sections

HEADER = "X:1\nM:6/8\nL:1/8\nK:G\n"
BAR = "ABc def|"


def tune(music):
    return parse_tune(HEADER + music)


def told(music):
    return [(part.repeated, part.length, len(part.endings), part.upbeat * 8) for part in sections(tune(music))]


@pytest.mark.parametrize(
    ("music", "form"),
    [
        (3 * BAR + "G6|]", [(False, 4, 0, 0)]),
        (3 * BAR + "G6:|" + 3 * BAR + "G6:|", [(True, 4, 0, 0), (True, 4, 0, 0)]),
        ("D|" + 3 * BAR + "G3 G2::D|" + 3 * BAR + "G5||", [(True, 4, 0, 1), (False, 4, 0, 1)]),
        ("|:" + 3 * BAR + "[1G6:|[2A6||" + 3 * BAR + "B6|]", [(True, 4, 2, 0), (False, 4, 0, 0)]),
        (3 * BAR + "G6", [(False, 4, 0, 0)]),
        ("|:" + BAR + "G6||" + BAR + "G6:|" + BAR + "G6|]", [(True, 4, 0, 0), (False, 2, 0, 0)]),
        ("|:" + BAR + "G6||" + BAR + "G6|:" + BAR + "G6:|", [(False, 2, 0, 0), (False, 2, 0, 0), (True, 2, 0, 0)]),
        ("", []),
    ],
)
def test_sections(music, form):
    assert told(music) == form


@pytest.mark.parametrize(
    ("music", "problem"),
    [
        ("|:D|" + 3 * BAR + "G3 G2:||:A|" + 3 * BAR + "[1 G5:|[2 B5|]", None),
        (3 * BAR + "G6:|" + BAR + "G6|]", None),
        (BAR + "ABc de|" + BAR + "G6|]", "bar 2: it lasts 5/8, not 3/4"),
        (BAR + "G6 A|]", "section 1: its last bar lasts 7/8, which with an upbeat of 0 makes no 3/4"),
        ("D|" + 3 * BAR + "G6|]", "section 1: its last bar lasts 3/4, which with an upbeat of 1/8 makes no 3/4"),
        ("D|" + BAR + "G5|]" + BAR + "G5|]", "section 2: its upbeat lasts 0, the tune's 1/8"),
        (BAR + "G6:|" + BAR + "G6:|", "section 2: it is repeated, and the beginning of the repeat is not written"),
        ("|:" + BAR + "G6|]", "section 1: the beginning of a repeat has no end"),
        ("|:" + BAR + "[1 G6:|", "section 1: it has 1 endings; a repeat has two"),
        ("", "there are no bars"),
    ],
)
def test_what_does_not_add_up(music, problem):
    assert problems(tune(music)) == ([] if problem is None else [problem])


@pytest.mark.parametrize(
    ("music", "written"),
    [
        ("ABc def|G6:|ABc def|G6", "|: ABc def | G6 :| ABc def | G6 |]"),
        ("D|G5::D|G5:|", "|: D | G5 :| |: D | G5 :|"),
        ("ABc def|1G6:|2A6||G6|]", "|: ABc def |1 G6 :|2 A6 || G6 |]"),
        ("|:ABc def||G6:|G6|]", "|: ABc def | G6 :| G6 |]"),
        ("ABc def||G6|]G6", "ABc def || G6 || G6 |]"),
    ],
)
def test_one_form_is_written_one_way(music, written):
    found = normal(tune(music))
    assert " ".join(write_tune(found).splitlines()[4:]) == written
    assert normal(found) == found
    assert [(part.repeated, part.length) for part in sections(found)] == [
        (part.repeated, part.length) for part in sections(tune(music))
    ]


def test_sections_have_lengths_without_their_upbeats():
    first, second = sections(tune("D|" + 3 * BAR + "G5:|" + 7 * BAR + "G6|]"))
    assert (first.length, first.upbeat, second.length, second.upbeat) == (4, Fraction(1, 8), 8, 0)

"""What the recipe for folk tunes makes of tunebooks."""

import pytest

from ostinato.data import Corpus
from ostinato.families import RECIPES, Budget
from ostinato.families.tunes import folk
from ostinato.families.tunes.folk import FolkSettings

BOOK = """X:1
T:Hill, The
R:Reel
M:4/4
L:1/8
K:G
|:GABc dedB|c2A2 B4|GABc dedB|A2F2 G4:|

X:2
T:Low
M:4/4
L:1/8
K:G
G,A,B,C DEDB,|C2A,2 B,4|G,A,B,C DEDB,|A,2F,2 G,4|]
"""


@pytest.fixture
def book():
    return Corpus("text", (BOOK,))


def test_a_title_and_the_dance_are_learned_with_a_tune(book):
    first, second = (text.split() for text in folk.prepare(book, {}).texts)
    assert first[:5] == ["M:4/4", "K:maj", "R:reel", "|:", "c"]
    assert " ".join(first[first.index("T:") :]) == "T: `T `h `e `_ `H `i `l `l"
    assert second[:3] == ["M:4/4", "K:maj", "C"]
    plain = folk.prepare(book, {"titles": False}).texts
    assert [text.split() for text in plain] == [first[: first.index("T:")], second[: second.index("T:")]]


def test_octaves_are_added_where_they_are_playable(book):
    read = folk.prepare(book, {})
    assert folk.with_octaves(read, {}) is read
    more = folk.with_octaves(read, {"octaves": True})
    high = read.texts[0]
    assert len(more.texts) == 4
    assert more.texts[0] == high
    assert more.texts[1].split()[4:7] == ["C", "D", "E"]  # an octave lower; higher is too high
    assert more.texts[3].split()[2:5] == ["c", "d", "e"]
    assert more.texts[1].endswith("T: `T `h `e `_ `H `i `l `l")
    assert "2 training tunes more" in more.notes[-1]


def test_the_network_of_folk_rnn_is_a_recipe():
    chosen = RECIPES["folk-rnn"].sizes_for(Budget(10**6, True, 10), {})
    assert (chosen["core"], chosen["layers"], chosen["hidden_size"], chosen["dropout"]) == ("lstm", 3, 512, 0.5)
    assert FolkSettings(**chosen).titles

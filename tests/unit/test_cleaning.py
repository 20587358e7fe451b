"""Which tunes are learned from, which are one tune, and what the report says."""

from ostinato.music import parse_tune, read_tunebook
from ostinato.music.cleaning import clean
from ostinato.music.likeness import settings_of_one
from ostinato.music.transposing import transpose

REEL = "X:1\nT:The Reel\nM:4/4\nL:1/8\nK:D\nDEFA BAFA|dBAF EDEF|D2FA dfed|BdAF EFDE:|\n"
OTHER = "X:2\nT:Another\nM:4/4\nL:1/8\nK:G\nGBdg egdB|cAFD GBdB|ecge dBGB|AFDF G2G2:|\n"
# The first half is the reel's, in G; the second is new.
SETTING = "X:3\nT:A Setting\nM:4/4\nL:1/8\nK:G\nGABd edBd|gedB AGAB|G2Bd gbgd|e2c2 A2D2:|\n"


def test_settings_of_one_tune_are_found_in_any_key():
    tunes = [parse_tune(text) for text in (REEL, OTHER, SETTING)]
    assert settings_of_one(tunes) == [0, 1, 0]
    assert settings_of_one([tunes[1], transpose(tunes[1], "F", 1), tunes[0]]) == [0, 0, 2]


def test_settings_of_settings_are_one_tune():
    # The ends have nothing in common but the middle, which has half of each.
    first, second = REEL.splitlines()[-1].split("|")[:2], OTHER.splitlines()[-1].split("|")[:2]
    middle = REEL.replace(REEL.splitlines()[-1], "|".join([*first, *second]).replace("c", "=c") + ":|")
    tunes = [parse_tune(text) for text in (REEL, OTHER, middle)]
    assert settings_of_one(tunes) == [0, 0, 0]


def test_a_report_says_what_was_left_out_and_why():
    wrong = REEL.replace("dBAF EDEF", "dBAF EDE").replace("The Reel", "Wrong")
    texts = [REEL, REEL.replace("The Reel", "The Same"), wrong, SETTING, OTHER.replace("GBdg", "G?dg"),
             "X:9\nT:Short\nK:C\nCDE|\n", OTHER.replace("K:G", "K:G ^g")]  # fmt: skip
    book = "\n".join(texts).split("\n")
    cleaned = clean([("a.abc", read_tunebook(book))])
    assert [tune.title for tune in cleaned.tunes] == ["The Reel", "A Setting"]
    assert cleaned.groups == [0, 0]
    told = cleaned.report()
    assert told[0] == "7 tunes read, 2 kept, 1 of them different"
    assert set(told[1:6]) == {f"1 left out: {kind}" for kind in
                              ("known already", "wrong bars", "not readable", "too short", "not in C")}  # fmt: skip
    assert "a.abc, line 8: 'The Same': note for note 'The Reel'" in told
    assert "a.abc, line 15: 'Wrong': bar 2 lasts 7/8, not 1" in told
    assert any("line 34, column 2" in line and "'Another'" in line for line in told)
    assert [tune.title for tune in clean([("a", read_tunebook(book))], wrong_bars=True).tunes] == [
        "The Reel", "Wrong", "A Setting",
    ]  # fmt: skip

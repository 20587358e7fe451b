"""A tunebook, for the models of tunes."""


def tunes(folder, corpora):
    return corpora / "tunes.abc"


TOYS = {"folk": (tunes, {"window": 32}), "folk-rnn": (tunes, {"window": 32})}

"""Running text, for the language models."""


def text(folder, corpora):
    return corpora / "cats.txt"


TOYS = {"char-lm": (text, {"window": 16}), "word-lm": (text, {"window": 8, "hidden_size": 8})}

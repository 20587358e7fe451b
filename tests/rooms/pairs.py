"""Sentences word by word in two languages, and sums, for the models of pairs."""

import random


def pairs(folder, corpora):
    draw = random.Random(1)
    path = folder / "pairs.tsv"
    words = {"big": "grand", "red": "rouge", "cat": "chat", "dog": "chien"}
    chosen = [[draw.choice(list(words)) for _ in range(draw.randint(1, 4))] for _ in range(80)]
    path.write_text("".join(f"{' '.join(one)}\t{' '.join(words[word] for word in one)}\n" for one in chosen))
    return path


TOYS = {"translate": (pairs, {}), "addition": (None, {"digits": 1, "examples": 54})}

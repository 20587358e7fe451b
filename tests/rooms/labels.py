"""Tagged sentences, classes and labels in their order, for the models of labels."""

import random


def tags(folder, corpora):
    draw = random.Random(2)
    path = folder / "tags.txt"
    names = {"the": "D", "cat": "N", "dog": "N", "sat": "V", "ran": "V"}
    sentences = [[draw.choice(list(names)) for _ in range(draw.randint(2, 5))] for _ in range(60)]
    path.write_text("\n\n".join("\n".join(f"{word} {names[word]}" for word in one) for one in sentences) + "\n")
    return path


def classes(folder, corpora):
    path = folder / "classes.tsv"
    path.write_text(
        "".join(f"{'ab' * (n % 4 + 1)}{'c' if n % 2 else ''}\t{'odd' if n % 2 else 'even'}\n" for n in range(60))
    )
    return path


def labels_in_order(folder, corpora):
    draw = random.Random(3)
    path = folder / "order.tsv"
    chosen = [[draw.choice("ab") for _ in range(draw.randint(1, 3))] for _ in range(60)]
    path.write_text("".join(f"{''.join(3 * letter for letter in one)}\t{' '.join(one)}\n" for one in chosen))
    return path


TOYS = {"tag": (tags, {}), "classify": (classes, {}), "ctc": (labels_in_order, {})}

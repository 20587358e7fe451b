"""Tagged sentences, classes and labels in their order, for the models of labels."""

import random

from ostinato.data import Reading
from ostinato.data.documents import bytes_document
from ostinato.errors import CorpusError
from ostinato.families.labels.reading.columns import as_column_file


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


def column_files(data: bytes) -> None:
    """Any file is one of columns, or none; with other labels all else stays as it stands, and is read as before."""
    try:
        file = as_column_file(bytes_document("t.txt", data, Reading()).surveyed(2**20, 0, None))
    except CorpusError:
        return
    if file is None:
        return
    place = 3 if file.is_conllu else -1
    rows = [row for sentence in file.sentences for row in sentence]
    if any(len(row.cells) < 2 for row in rows):
        return
    labels = [["X" for _ in sentence] for sentence in file.sentences]
    lines = file.relabelled(labels, place).split("\n")
    changed = {row.line - 1 for row in rows}
    assert len(lines) == len(file.lines) + 1
    for number, line in enumerate(file.lines):
        if number not in changed:
            assert lines[number] == line
    for row in rows:
        old, new = file.lines[row.line - 1], lines[row.line - 1]
        assert "X" in new
        assert len(new.split()) == len(old.split())


FUZZED = [column_files]
SEEDS = {
    "column_files": [
        b"\n".join([b"# a", b"1\ta\t_\tN\tn\t_\t0\t_\t_\t_", b"", b"1-2\tb\t_\t_\t_\t_\t_\t_\t_\t_"]),
        b"word tag\na X\nb Y\n\nc X\n",
        b"a\tX\nb\t\tY\n",
    ]
}

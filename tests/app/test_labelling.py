"""``label``, and what else works on labelled sequences, from the command line."""

import json
import random
from collections import Counter, defaultdict

import numpy as np
import pytest
import soundfile
import torch

import ostinato
from ostinato.app.cli import main
from ostinato.errors import ConfigError
from ostinato.runs import RunFolder

SMALL = ["hidden_size=16", "batch_size=8", "learning_rate=0.02", "dropout=0", "input_dropout=0"]
NAMES, PLACES = ["Ann", "Bo", "Cy Lee"], ["Rome", "Ulm", "New York"]


def trained(out, *words, settings=(), steps=150):
    chosen = [word for one in [*SMALL, "precision=float32", *settings] for word in ("--set", one)]
    assert main(["train", *map(str, words), "--steps", str(steps), "--no-report", "--out", str(out), *chosen]) == 0
    return out


def ran(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """Sentences in which names and places are spans."""
    draw, lines = random.Random(1), []
    for _ in range(120):
        for words, kind in ((draw.choice(NAMES), "PER"), ("went to", ""), (draw.choice(PLACES), "LOC"), (".", "")):
            for number, word in enumerate(words.split()):
                lines.append(f"{word} {'B' if number == 0 else 'I'}-{kind}" if kind else f"{word} O")
        lines.append("")
    path = tmp_path_factory.mktemp("tags") / "train.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tagger(columns, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "tags", columns, "--recipe", "tag")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder, draw = tmp_path_factory.mktemp("texts"), random.Random(2)
    lines = {f"{draw.choice(['a', 'the', 'my'])} {w} {draw.choice('xyz')}\t{k}" for w, k in _WORDS for _ in range(30)}
    (folder / "texts.tsv").write_text("\n".join(sorted(lines)) + "\n")
    return trained(folder / "run", folder / "texts.tsv", "--recipe", "classify")


_HEIGHTS = {"low": (350, 450), "high": (1800, 2200)}  # Hz
_WORDS = [("cat", "an animal"), ("dog", "an animal"), ("oak", "a plant"), ("fir", "a plant")]


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    """One or two tones, a pause between them; how high each is."""
    folder, draw, lines = tmp_path_factory.mktemp("tones"), random.Random(3), []
    for number in range(80):
        heights = [draw.choice(["low", "high"]) for _ in range(draw.randint(1, 2))]
        pieces = [np.zeros(draw.randint(300, 500))]
        for height in heights:
            times = np.arange(1200) / 8000
            pieces += [0.3 * np.sin(2 * np.pi * draw.uniform(*_HEIGHTS[height]) * times), np.zeros(600)]
        soundfile.write(folder / f"{number}.wav", np.concatenate(pieces), 8000)
        lines.append(f"{number}.wav\t{' '.join(heights)}")
    (folder / "list.tsv").write_text("\n".join(lines) + "\n")
    return trained(folder / "run", folder / "list.tsv", "--recipe", "ctc", settings=["bands=20", "stack=4"], steps=120)


def test_a_tagger_tags_texts(tagger, capsys):
    assert ran(capsys, "label", tagger, "Bo went to New York .")[1] == "Bo/B-PER went/O to/O New/B-LOC York/I-LOC ./O\n"
    status, out, _ = ran(capsys, "label", tagger, "Cy Lee went to Ulm .", "Ann went to Rome .", "--json")
    assert status == 0
    first, second = map(json.loads, out.splitlines())
    assert first["words"] == ["Cy", "Lee", "went", "to", "Ulm", "."]
    assert second["labels"] == ["B-PER", "O", "O", "B-LOC", "O"]
    assert -1 < first["log_prob"] < 0


def test_texts_come_from_a_file_or_from_standard_input(tagger, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Ann went to Ulm .\n\nBo went to Rome .\n")
    status, out, _ = ran(capsys, "label", tagger, "--file", tmp_path / "a.txt")
    assert status == 0
    assert [bool(line) for line in out.splitlines()] == [True, False, True]  # as in the file
    assert ran(capsys, "label", tagger, "--file", tmp_path / "a.txt", "--file", tmp_path / "a.txt")[1] == out * 2
    assert ran(capsys, "label", tagger, "Ann went to Ulm . " * 30)[0] == 0  # longer than a file's name may be
    assert ran(capsys, "label", tagger, "Ann", "--file", tmp_path / "a.txt")[::2] == (
        2,
        "error: give TEXT or FILE, or --file, and not both\n",
    )
    (tmp_path / "b.txt").write_text("\n")
    assert "nothing to label" in ran(capsys, "label", tagger, "--file", tmp_path / "b.txt")[2]
    assert "text 1 is empty" in ran(capsys, "label", tagger, " ")[2]


def test_an_evaluation_of_tags_has_spans(tagger, columns, capsys):
    status, out, _ = ran(capsys, "evaluate", tagger, columns)
    assert status == 0
    assert "spans: F1 100.00%, precision 100.00%, recall 100.00%" in out
    assert "CoNLL's definition" in out
    found = json.loads(ran(capsys, "evaluate", tagger, columns, "--json")[1])
    assert found["spans"]["real"] == found["spans"]["right"] == 240
    assert found["accuracy"] == found["exact"] == 1
    assert 0 < found["nats_per_label"] < 0.1


def test_unknown_labels_are_an_error_with_their_line_or_left_out(tagger, tmp_path, capsys):
    path = tmp_path / "test.txt"
    path.write_text("Ann B-PER\n. O\n\nBo B-DOG\n. O\n")
    status, out, err = ran(capsys, "evaluate", tagger, path)
    assert (status, out) == (1, "")
    assert f"{path}, line 4: the label 'B-DOG' is not among the 5 that the model knows: B-LOC, B-PER," in err
    status, out, err = ran(capsys, "evaluate", tagger, path, "--skip-bad-pairs")
    assert status == 0
    assert "left out: 1 sequences with labels that the model does not know" in err
    assert out.startswith("1 sequences, 2 labels\n")


def test_a_classifier_says_how_sure_it_is(classifier, capsys):
    out = ran(capsys, "label", classifier, "my dog x")[1]
    label, share, *_ = out.split("\t")
    assert label == "an animal"
    assert float(share.strip().rstrip("%")) > 90
    assert ran(capsys, "label", classifier, "the oak x", "a cat y")[1].startswith("the oak x\ta plant\t")
    plain = json.loads(ran(capsys, "label", classifier, "a fir z", "--json")[1])
    assert plain["labels"] == ["a plant"]
    assert sum(plain["probabilities"][0].values()) == pytest.approx(1, abs=1e-5)
    status, _, err = ran(capsys, "label", classifier, "a q!")
    assert (status, "outside" in err) == (1, True)
    assert ran(capsys, "label", classifier, "my q!dog x", "--unknown", "skip")[1].startswith("an animal")


def test_a_model_of_sound_labels_recordings(listener, capsys):
    folder = listener.parent
    lines = [line.split("\t") for line in (folder / "list.tsv").read_text().splitlines()[:5]]
    paths = [folder / name for name, _ in lines]
    status, out, _ = ran(capsys, "label", listener, *paths)
    assert status == 0
    assert [line.split("\t")[1] for line in out.splitlines()] == [labels for _, labels in lines]
    assert ran(capsys, "label", listener, paths[0], "--beam", 4)[1].strip() == lines[0][1]
    status, out, _ = ran(capsys, "evaluate", listener, folder / "list.tsv", "--beam", 4)
    assert (status, "label error 0.00%, whole sequences right 100.00% (prefix beam 4)" in out) == (0, True)
    assert "best path" in ran(capsys, "evaluate", listener, folder / "list.tsv")[1]


def test_what_does_not_fit_a_model_of_labels_is_refused(listener, tagger, classifier, tmp_path, capsys):
    np.save(tmp_path / "wide.npy", np.ones((5, 3)))
    cases = {
        ("label", listener, tmp_path / "wide.npy"): "frames of 20 numbers, and given are frames of 3",
        ("label", tagger, "a", "--beam", 2): "a beam is for labels without a place",
        ("label", classifier, "a", "--beam", 0): "--beam must be at least 1, got 0",
        ("generate", tagger): "What works with it: label, inspect, evaluate, report, info, resume, export",
        ("translate", tagger, "a"): "'translate' does not work with",
        (
            "evaluate",
            tagger,
            tmp_path / "wide.npy",
            "--counts",
        ): "--counts: for a language model or",
        ("train", tmp_path / "x", "--recipe", "tag", "--set", "feedback=always"): "unknown setting 'feedback'",
        (
            "train",
            tmp_path / "x",
            "--recipe",
            "tag",
            "--as",
            "text",
        ): "--as: for a language model or a model of tunes",
    }
    for words, told in cases.items():
        status, _, err = ran(capsys, *words)
        assert (status, told in err) == (2, True), (words, err)
    for words, told in {
        ("label", listener, "missing.wav"): "there is no file 'missing.wav'",
        ("label", listener): "name what to label",
        ("train", tmp_path / "wide.npy", "--recipe", "tag"): "binary",
    }.items():
        status, _, err = ran(capsys, *words)
        assert (status > 0, told in err) == (True, True), (words, err)


def test_a_model_of_text_is_no_model_of_labels(text_run, capsys):
    status, _, err = ran(capsys, "label", text_run, "a")
    assert (status, "'label' does not work with" in err) == (2, True)


def test_losses_are_told_by_label(tagger, capsys):
    told = ran(capsys, "info", tagger)[1]
    assert "bits per label" in told
    assert "words of 20 characters and 5 labels" in told
    assert "bits per label" in ran(capsys, "runs", tagger.parent)[1]


def test_a_model_of_columns_reads_columns(tmp_path, capsys):
    """Only the second column tells the label."""
    draw, lines = random.Random(5), []
    for _ in range(80):
        for _ in range(3):
            mark = draw.choice("PQ")
            lines.append(f"{draw.choice(['one', 'two'])}\t{mark}\t{mark.lower()}")
        lines.append("")
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines))
    settings = ["columns=2", "crf=false"]
    run = trained(tmp_path / "run", path, "--recipe", "tag", settings=settings, steps=60)
    (tmp_path / "new.txt").write_text("one P\ntwo Q\n\ntwo P\n")
    assert ran(capsys, "label", run, "--file", tmp_path / "new.txt")[1] == "one/p two/q\ntwo/p\n"
    (tmp_path / "short.txt").write_text("one P\ntwo\n")
    status, _, err = ran(capsys, "label", run, "--file", tmp_path / "short.txt")
    assert (status, "line 2: the model reads 2 columns" in err) == (1, True)
    assert "reads 2 columns" in ran(capsys, "label", run, "one")[2]
    (tmp_path / "lines.tsv").write_text("one two\tp q\n")
    status, _, err = ran(capsys, "evaluate", run, tmp_path / "lines.tsv")
    assert (status, "columns = 2 is for files of columns" in err) == (1, True)


def test_a_tagger_of_small_letters_shows_words_as_they_were(columns, tmp_path, capsys):
    run = trained(tmp_path / "run", columns, "--recipe", "tag", "--lower", steps=2)
    assert ran(capsys, "label", run, "Ann\tWENT")[1].split("/")[0] == "Ann"
    assert [one.partition("/")[0] for one in ran(capsys, "label", run, "Ann WENT")[1].split()] == ["Ann", "WENT"]


def test_a_run_that_goes_on_from_another_keeps_its_labels_and_what_it_reads(classifier, tmp_path, capsys):
    words = ["train", tmp_path / "new.tsv", "--from", classifier, "--steps", "1", "--out", tmp_path / "x"]
    (tmp_path / "new.tsv").write_text("the cat x\tan animal\na oak x\ta stone\n" * 3)
    status, _, err = ran(capsys, *words)
    assert (status, "new.tsv, line 2: the label 'a stone' is not among the 2" in err) == (1, True)
    assert "normalise cannot be set" in ran(capsys, *words, "--set", "normalise=together")[2]
    np.savez(tmp_path / "a.npz", x=np.eye(6), y=["an animal", "a plant"] * 3)
    assert "the model reads texts, and given are frames" in ran(capsys, words[0], tmp_path / "a.npz", *words[2:])[2]


def test_validation_arrays_are_those_of_the_test_part(tmp_path, capsys):
    draw, path = np.random.default_rng(1), tmp_path / "both.npz"
    train, test = draw.normal(size=(20, 4)), draw.normal(size=(6, 4))
    np.savez(path, x_train=train, y_train=[0.0, 1.0] * 10, x_test=test, y_test=[0, 1] * 3)
    words = ["train", path, "--recipe", "classify", "--steps", "1", "--valid", path]
    told = ran(capsys, *words, "--out", tmp_path / "run")[1]
    assert "20 sequences (20 labels) to learn from, 6 sequences (6 labels) held out, of which 6 labels" in told
    np.savez(tmp_path / "wide.npz", x=draw.normal(size=(6, 3)), y=[0, 1] * 3)
    status, _, err = ran(capsys, *words[:-1], tmp_path / "wide.npz", "--out", tmp_path / "no")
    assert (status, "the model reads frames of 4 numbers, and given are frames of 3" in err) == (2, True)
    for option, told in {
        "codec=words": "codec: for texts, and the sources are frames",
        "embedding_size=8": "embedding_size: for texts",
    }.items():
        status, _, err = ran(capsys, *words, "--out", tmp_path / "no", "--set", option)
        assert (status, told in err) == (2, True)
    (tmp_path / "a.tsv").write_text("a\tb\nb\ta\n" * 4)
    status, _, err = ran(capsys, "train", tmp_path / "a.tsv", *words[2:4], "--out", tmp_path / "no", "--set", "stack=2")
    assert (status, "stack: for frames, and the sources are texts" in err) == (2, True)
    status, _, err = ran(capsys, "train", path, "--recipe", "tag", "--out", tmp_path / "no")
    assert (status, "recipe tag reads words, and given are frames" in err) == (1, True)
    (tmp_path / "one.tsv").write_text("a\tb\nb\tb\nc\tb\n" * 4)
    status, _, err = ran(capsys, "train", tmp_path / "one.tsv", *words[2:4], "--out", tmp_path / "no")
    assert (status, "there is only one label, 'b'" in err) == (1, True)


def conllu(sentences):
    lines = []
    for number, words in enumerate(sentences, 1):
        lines.append(f"# sent_id = {number}")
        lines += [f"{n}\t{w}\t{w}\t{t}\t{t.lower()}\t_\t0\t_\t_\t_" for n, (w, t) in enumerate(words, 1)]
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def ud(tmp_path_factory):
    """A file in CoNLL-U, and a tagger that has learned it."""
    draw, folder = random.Random(7), tmp_path_factory.mktemp("ud")
    tags = {"the": "DET", "cat": "NOUN", "dog": "NOUN", "runs": "VERB", "sees": "VERB", ".": "PUNCT"}
    sentences = [[(w, tags[w]) for w in ["the", draw.choice(["cat", "dog"]), "runs", "."]] for _ in range(40)]
    sentences += [[(w, tags[w]) for w in ["the", "dog", "sees", "the", "cat", "."]] for _ in range(20)]
    (folder / "train.conllu").write_text(conllu(sentences))
    run = trained(folder / "run", folder / "train.conllu", "--recipe", "tag", settings=["crf=false"], steps=60)
    return folder, run


def test_folders_and_globs_of_files_are_learned_from(ud, tmp_path, capsys):
    folder, run = ud
    for number in (1, 2):
        (tmp_path / "more").mkdir(exist_ok=True)
        (tmp_path / "more" / f"{number}.conllu").write_text((folder / "train.conllu").read_text())
    told = [
        json.loads(ran(capsys, "evaluate", run, name, "--json")[1])["sequences"]
        for name in (folder / "train.conllu", tmp_path / "more", f"{tmp_path}/more/*.conllu")
    ]
    assert told == [60, 120, 120]
    status, _, err = ran(capsys, "evaluate", run, f"{tmp_path}/more/*.txt")
    assert (status, "stands for no file" in err) == (1, True)


def test_conllu_goes_in_and_comes_out_with_other_labels_alone(ud, capsys):
    folder, run = ud
    status, out, _ = ran(capsys, "label", run, "--file", folder / "train.conllu")
    assert (status, out) == (0, (folder / "train.conllu").read_text())
    wrong = (folder / "train.conllu").read_text().replace("\tNOUN\t", "\tX\t")
    (folder / "wrong.conllu").write_text(wrong)
    assert ran(capsys, "label", run, "--file", folder / "wrong.conllu")[1] == out
    _, told, _ = ran(capsys, "evaluate", run, folder / "train.conllu")
    assert "accuracy 100.00%" in told
    table = told.splitlines()[-4:]
    assert [line.split()[0] for line in table] == ["DET", "NOUN", "PUNCT", "VERB"]
    found = json.loads(ran(capsys, "evaluate", run, folder / "train.conllu", "--json")[1])
    assert found["by_label"]["NOUN"] == {"found": 80, "real": 80, "right": 80, "precision": 1, "recall": 1, "f1": 1}


def test_plain_text_is_parted_into_tokens_with_a_warning(ud, capsys):
    _, run = ud
    status, out, err = ran(capsys, "label", run, "the cat runs.")
    assert (status, out) == (0, "the/DET cat/NOUN runs/VERB ./PUNCT\n")
    assert "warning: marks were separated from words" in err
    assert ran(capsys, "label", run, "the cat runs .") == (0, out, "")
    assert len(ran(capsys, "label", run, "--tokens", "the cat runs.")[1].split()) == 3


def test_a_file_like_that_of_training_is_not_labelled_word_and_tag_as_two_words(columns, tmp_path, capsys):
    run = trained(tmp_path / "run", columns, "--recipe", "tag", settings=["crf=false"], steps=60)
    status, out, _ = ran(capsys, "label", run, "--file", columns)
    assert status == 0
    assert [line.split()[:-1] for line in out.splitlines()] == [
        line.split()[:-1] for line in columns.read_text().splitlines()
    ]
    (tmp_path / "plain.txt").write_text("Ann went\nBob ran\n")
    assert ran(capsys, "label", run, "--file", tmp_path / "plain.txt")[1].count("/") == 4


def test_text_is_not_taken_for_columns_as_a_stop_may_be_a_label(tmp_path, capsys, monkeypatch):
    """In the Penn tags the label of a stop is a stop."""
    draw, tags = random.Random(8), {"the": "DT", "cat": "NN", "dog": "NN", "ran": "VBD", ".": "."}
    blocks = ["".join(f"{w} {tags[w]}\n" for w in ["the", draw.choice(["cat", "dog"]), "ran", "."]) for _ in range(40)]
    (tmp_path / "ptb.txt").write_text("\n".join([*blocks, "dog NN\nran VBD\n"]))
    run = trained(tmp_path / "run", tmp_path / "ptb.txt", "--recipe", "tag", settings=["crf=false"], steps=60)
    for name, text in (
        ("one", "the dog ran .\n"),
        ("many", "the dog ran .\nthe cat ran .\n"),
        ("vertical", "the\ndog\nran\n.\n\ndog\nran\n"),
    ):
        (tmp_path / name).write_text(text)
        out = ran(capsys, "label", run, "--file", tmp_path / name)[1]
        assert out.split()[:4] == ["the/DT", "dog/NN", "ran/VBD", "./."]
    assert len(out.splitlines()) == 2


def test_columns_are_chosen_by_number_and_their_tagger_labels_plain_text(ud, tmp_path, capsys):
    folder, _ = ud
    settings = ["crf=false", "word_column=2", "tag_column=XPOS"]
    run = trained(tmp_path / "run", folder / "train.conllu", "--recipe", "tag", settings=settings, steps=60)
    assert ran(capsys, "label", run, "the cat runs .")[1] == "the/det cat/noun runs/verb ./punct\n"
    (tmp_path / "plain.txt").write_text("the cat runs .\n")
    assert ran(capsys, "label", run, "--file", tmp_path / "plain.txt")[1] == "the/det cat/noun runs/verb ./punct\n"
    nouns = ["cat", "dog", "cat . dog"]
    sentences = [
        [("the", "det"), *((word, "punct" if word == "." else "noun") for word in noun.split())] for noun in nouns
    ]
    (tmp_path / "two.txt").write_text(
        "\n\n".join("\n".join(" ".join(row) for row in sentence) for sentence in sentences * 9)
    )
    words = ["train", tmp_path / "two.txt", "--from", run, "--steps", "2", "--out", tmp_path / "more"]
    assert ran(capsys, *words, "--set", "word_column=1", "--set", "tag_column=2")[::2] == (0, "")


def test_a_file_in_place_of_a_text_says_how_it_is_given(ud, capsys, tmp_path):
    _, run = ud
    (tmp_path / "plain.txt").write_text("the cat")
    status, _, err = ran(capsys, "label", run, tmp_path / "plain.txt")
    assert (status, f"is a file, and a text is expected here; --file {tmp_path / 'plain.txt'} reads" in err) == (
        2,
        True,
    )
    with pytest.raises(ConfigError, match="label takes a list of texts"):
        ostinato.load(run).label("the cat")


def test_words_outside_the_vocabulary_are_measured_by_themselves(ud, capsys, tmp_path):
    _, run = ud
    (tmp_path / "new.conllu").write_text(conllu([[("the", "DET"), ("zebra", "NOUN"), ("runs", "VERB")]]))
    found = json.loads(ran(capsys, "evaluate", run, tmp_path / "new.conllu", "--json")[1])
    assert found["unknown_words"] == 1
    assert found["unknown_accuracy"] in (0.0, 1.0)
    assert "accuracy on words outside the vocabulary" in ran(capsys, "evaluate", run, tmp_path / "new.conllu")[1]


def shares(run_, name):
    """The figures of a report whose names begin so, by what they are of."""
    figures = ostinato.load(run_).report().figures
    return {one.name.partition(": ")[2]: one.value for one in figures if one.name.startswith(name)}


def test_a_report_sets_a_tagger_beside_what_counting_says(tagger):
    model = ostinato.load(tagger)
    train, valid = RunFolder(tagger).corpus()
    counts = Counter(label for labels in model.real_labels(train) for label in labels)
    real = [label for labels in model.real_labels(valid) for label in labels]
    most = counts.most_common(1)[0][0]
    share = np.mean([label == most for label in real])
    assert shares(tagger, "the most frequent label")["accuracy"] == pytest.approx(100 * share)
    by_word = defaultdict(Counter)

    def marks(data):
        for words, labels in zip(model.sources_in(data), model.real_labels(data), strict=True):
            yield from (
                (word.lower() if model.knows_word(word) else None, one) for word, one in zip(words, labels, strict=True)
            )

    for word, label in marks(train):
        by_word[word][label] += 1
    right = [by_word[word].most_common(1)[0][0] == label for word, label in marks(valid)]
    assert shares(tagger, "each word's")["accuracy"] == pytest.approx(100 * np.mean(right))
    evaluation, _ = model.evaluate_encoded(valid)
    assert shares(tagger, "this model") == {
        "accuracy": pytest.approx(100 * evaluation.accuracy),
        "F1 of spans": pytest.approx(100 * evaluation.spans.f1),
    }
    words = [word for words in model.sources_in(valid) for word in words]
    assert "Ann" in words  # as it is written, not as it is looked up


def test_reports_on_classes_and_on_labels_without_a_place(classifier, listener):
    told = {one.name for one in ostinato.load(classifier).report().figures}
    assert told == {
        f"{name}: accuracy" for name in ("this model", "the most frequent label", "naive Bayes on pairs of symbols")
    }
    assert shares(classifier, "naive Bayes")["accuracy"] == 100  # each word has a pair of letters of its own
    own, other = shares(listener, "this model"), shares(listener, "the most frequent sequence")
    assert other["label error"] > own["label error"]


def test_the_threads_that_are_asked_for_are_those_that_run(tagger, capsys):
    before = torch.get_num_threads()
    try:
        assert ran(capsys, "label", tagger, "Ann went to Ulm .", "--threads", 2)[0] == 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

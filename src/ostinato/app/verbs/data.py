"""``data``: named corpora and data sets, and the cache of encoded ones."""

from __future__ import annotations

import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.working import WorkView
from ostinato.data import EMBEDDED, Cache, cache_folder, digest, read_corpus
from ostinato.data.cache import Entry, days_unused
from ostinato.data.datasets import DATA_SETS, DataSet
from ostinato.data.embedded import read_embedded
from ostinato.data.fetching import fetch, files_at_hand, locate
from ostinato.errors import ConfigError, unknown_name

_KINDS = (
    ("text", "texts to train on by name:"),
    ("files", "files to give to a recipe (--fetch tells where they lie):"),
    ("fetched", "only fetched: no recipe of this version reads them:"),
)


EXAMPLES = """\
ostinato data
ostinato data tinyshakespeare --fetch
ostinato data --prune 30
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("name", nargs="?", help="data set to tell about")
    command.add_argument("--print", action="store_true", help="print its text")
    command.add_argument("--fetch", action="store_true", help="download it now")
    command.add_argument("--cache", action="store_true", help="list encoded corpora and downloads that are kept")
    command.add_argument("--prune", metavar="WHICH", help="remove from there: a name, 'all', or days unused")


def act(args: Namespace) -> int:
    """List what can be trained on by name, tell about one, get it, or look after the cache."""
    if args.prune is not None:
        return _prune(args.prune)
    if args.cache:
        return _list_cache()
    if args.name is None:
        if args.print or args.fetch:
            raise ConfigError("--print and --fetch need the name of a data set; 'ostinato data' lists them")
        return _list()
    if args.name not in (*EMBEDDED, *DATA_SETS):
        raise unknown_name("data set", args.name, (*EMBEDDED, *DATA_SETS), where="the command")
    if args.print:
        for piece in read_corpus([args.name], kind="text").texts:
            sys.stdout.write(piece)
        return 0
    if args.name in EMBEDDED:
        print(_embedded_line(args.name))
        return 0
    if args.fetch:
        with WorkView(Console(stderr=True)) as view:
            fetch(DATA_SETS[args.name], progress=view.watch)
    _print_data_set(DATA_SETS[args.name])
    return 0


def _list() -> int:
    print("always there:")
    for name in EMBEDDED:
        print(f"  {_embedded_line(name)}")
    at_hand = files_at_hand()
    for kind, title in _KINDS:
        print(title)
        for data_set in DATA_SETS.values():
            if data_set.kind == kind:
                here = all(locate(data_set, file, at_hand) for file in data_set.files)
                size = sum(file.size for file in data_set.files)
                doubt = "" if data_set.is_verified else " (digest unverified)"
                told = f"{_size(size):>9}  {'here' if here else '    '}  {data_set.summary}{doubt}"
                print(f"  {data_set.name:<17} {told}")
    print("'ostinato data NAME' tells more; --fetch downloads; --cache lists what is kept on disk")
    return 0


def _embedded_line(name: str) -> str:
    text = read_embedded(name)
    return f"{name:<17} {len(text):>9,} characters  sha256 {digest(text)[:16]}…  {EMBEDDED[name]}"


def _print_data_set(data_set: DataSet) -> None:
    print(f"{data_set.name}: {data_set.summary}")
    print(f"licence: {data_set.licence}\ncite: {data_set.citation}")
    at_hand = files_at_hand()
    for file in data_set.files:
        place = locate(data_set, file, at_hand)
        print(f"{file.name}: {file.size:,} bytes, SHA-256 {file.sha256}")
        known = f"published by {file.published}" if file.published else "unverified: published nowhere that we found"
        print(f"  from {file.url}; this digest is {known}")
        print(f"  {place or 'not on this machine; --fetch downloads it'}")


def _list_cache() -> int:
    entries = Cache(cache_folder()).entries()
    downloads = cache_folder() / "data"
    print(f"cache: {cache_folder()}")
    for entry in entries:
        what = f"{', '.join(entry.about['sources'])} as {entry.about['codec']}" if entry.is_whole else "unfinished"
        used = time.strftime("%Y-%m-%d", time.localtime(entry.used))
        print(f"  {entry.key}  {_size(entry.size):>9}  last used {used}  {what}")
    for folder in sorted(downloads.glob("*")):
        size = sum(path.stat().st_size for path in folder.rglob("*"))
        print(f"  {folder.name:<32}  {_size(size):>9}  downloaded")
    if not entries and not downloads.exists():
        print("  empty")
    else:
        print("'ostinato data --prune KEY', '--prune 30' (days unused) or '--prune all' makes room")
    return 0


def _prune(which: str) -> int:
    store = Cache(cache_folder())
    entries = store.entries()
    chosen = [entry for entry in entries if _is_meant(entry, which)]
    # Downloads, and compiled code, also that of older versions; both are made again when they are needed.
    others = [path for kind in ("data", "kernels") for path in (cache_folder() / kind).glob("*")]
    others = [folder for folder in others if _is_old(folder, which)]
    if not chosen and not others and not which.isdecimal() and which != "all":
        known = [entry.key for entry in entries]
        raise ConfigError(f"--prune {which!r}: give 'all', a number of days, or a name in the cache: {known}")
    freed, busy = 0, 0
    for entry in chosen:
        removed = store.remove(entry)
        freed += entry.size * removed
        busy += not removed
    for folder in others:
        freed += sum(path.stat().st_size for path in folder.rglob("*"))
        shutil.rmtree(folder)
    print(f"freed {_size(freed)}" + (f"; {busy} in use by another process" if busy else ""))
    return 0


def _is_meant(entry: Entry, which: str) -> bool:
    return which == "all" or entry.key == which or (which.isdecimal() and days_unused(entry) >= int(which))


def _is_old(folder: Path, which: str) -> bool:
    days = (time.time() - folder.stat().st_mtime) / 86_400
    return which in ("all", folder.name) or (which.isdecimal() and days >= int(which))


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"

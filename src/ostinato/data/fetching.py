"""Files of named data sets: found on disk by their digest, or downloaded, checked and kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from filelock import FileLock

from ostinato.data.datasets import DataFile, DataSet
from ostinato.disk.documents import file_digest
from ostinato.disk.places import cache_folder, data_folder
from ostinato.errors import CorpusError

if TYPE_CHECKING:
    import requests

Fetched = Callable[[str, int, int], None]  # file, bytes so far, in all

_SECONDS = 30  # for a server to answer
_RETRIES = 3
_CHUNK = 2**12  # bytes; of a cut connection less than this is lost
_PARTIAL, _NO_SUCH_PART = 206, 416  # HTTP statuses of a part that was asked for


def fetch(data_set: DataSet, *, cache: Path | None = None, progress: Fetched | None = None) -> list[Path]:
    """Return the paths of the files of a data set, downloaded if needed.

    Args:
        data_set: The data set.
        cache: Cache folder, where downloads are kept; ``None``: the usual one.
        progress: Called with file, bytes so far and bytes in all.

    Raises:
        CorpusError: A file is not there and cannot be downloaded, or its digest is wrong.
    """
    at_hand = files_at_hand()
    return [
        locate(data_set, file, at_hand, cache=cache) or _download(data_set, file, cache, progress)
        for file in data_set.files
    ]


def files_at_hand() -> dict[int, list[Path]]:
    """Return every file under OSTINATO_DATA, by size."""
    files: dict[int, list[Path]] = {}
    folder = data_folder()
    for path in sorted(folder.rglob("*")) if folder is not None and folder.is_dir() else ():
        if path.is_file():
            files.setdefault(path.stat().st_size, []).append(path)
    return files


def locate(
    data_set: DataSet, file: DataFile, at_hand: Mapping[int, Sequence[Path]], *, cache: Path | None = None
) -> Path | None:
    """Find a file by its digest, in the cache or among the files at hand; return its path, or ``None``."""
    kept = _place(data_set, cache) / file.name
    if kept.exists() and kept.stat().st_size == file.size and file_digest(kept) == file.sha256:
        return kept
    for size, sha256 in ((file.size, file.sha256), *file.same):
        for path in at_hand.get(size, ()):
            if file_digest(path) == sha256:
                return path
    return None


def _place(data_set: DataSet, cache: Path | None) -> Path:
    return (cache or cache_folder()) / "data" / data_set.name


def _download(data_set: DataSet, file: DataFile, cache: Path | None, progress: Fetched | None) -> Path:
    import pooch  # slow to import, and only needed here
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    place = _place(data_set, cache)
    keeper = pooch.create(
        place, base_url="", registry={file.name: f"sha256:{file.sha256}"}, urls={file.name: file.url},
        retry_if_failed=_RETRIES,
    )  # fmt: skip
    resuming = Resuming(place / f"{file.name}.part", file.size, progress)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(
            place.parent.with_name(f".lock-{data_set.name}")
        ):  # of two processes one downloads, the other one finds it there
            return Path(keeper.fetch(file.name, downloader=resuming))
    except ValueError as error:  # what pooch raises for another digest
        reason = f"what {file.url} gave is another file: its SHA-256 is not {file.sha256}"
        raise CorpusError(_missing(data_set, file, place, reason)) from error
    except requests.RequestException as error:
        reason = f"{file.url} cannot be downloaded ({_reason(error)})"
        raise CorpusError(_missing(data_set, file, place, reason)) from error
    except OSError as error:
        raise CorpusError(f"{place} cannot be written: {error.strerror or error}") from error


def _missing(data_set: DataSet, file: DataFile, place: Path, reason: str) -> str:
    return (
        f"data set {data_set.name!r} needs {file.name}, which is not on this machine, and {reason}. Put the file "
        f"({file.size:,} bytes, SHA-256 {file.sha256}) into {place}, or anywhere under the folder that OSTINATO_DATA "
        "names, and give the same command again"
    )


def _reason(error: requests.RequestException) -> str:
    """Return the innermost reason of a chain of network errors, in few words."""
    if error.response is not None:
        return f"HTTP status {error.response.status_code}"
    words = str(error).split(": ")[-1].strip("'\")( ")
    return words or type(error).__name__


class Resuming:
    """A downloader for pooch that resumes after a broken connection.

    Args:
        part: File that keeps the bytes received so far.
        size: Number of bytes of the whole file.
        progress: Called with file, bytes so far and bytes in all.
    """

    def __init__(self, part: Path, size: int, progress: Fetched | None) -> None:
        self._part, self._size, self._progress = part, size, progress

    def __call__(self, url: str, output_file: Any, keeper: Any) -> None:
        """Download ``url`` to ``output_file``; pooch calls this.

        Raises:
            requests.RequestException: The server cannot be reached, or the connection was cut.
        """
        import requests

        have = self._part.stat().st_size if self._part.exists() else 0
        if have >= self._size:  # too much: it is of another file
            self._part.unlink()
            have = 0
        if not have:
            self._part.unlink(missing_ok=True)
        asked = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(
            url, stream=True, timeout=_SECONDS, headers={"Accept-Encoding": "identity", **asked}
        ) as answer:
            if answer.status_code == _NO_SUCH_PART:  # the file has become shorter: begin anew
                self._part.unlink(missing_ok=True)
                raise requests.ConnectionError("the server has less than was there before")
            answer.raise_for_status()
            goes_on = answer.status_code == _PARTIAL
            with self._part.open("ab" if goes_on else "wb") as stream:
                self._receive(answer, stream, have if goes_on else 0)
        if self._part.stat().st_size < self._size:
            raise requests.ConnectionError(
                f"connection cut after {self._part.stat().st_size:,} of {self._size:,} bytes"
            )
        os.replace(self._part, output_file)

    def _receive(self, answer: Any, stream: BinaryIO, done: int) -> None:
        for chunk in answer.iter_content(_CHUNK):
            stream.write(chunk)
            done += len(chunk)
            if done > self._size:  # it is another file; the digest will say so
                return
            if self._progress is not None:
                self._progress(self._part.name.removesuffix(".part"), done, self._size)

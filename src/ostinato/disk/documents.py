"""Plain data on disk: JSON objects that carry a digest of themselves, so that damage is seen."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ostinato.errors import DamagedError, RunError

#: The version of everything a run folder and a model file hold.
FORMAT = 4


def write_document(path: Path, data: dict[str, Any]) -> None:
    """Write a JSON object under a new or old name; a reader sees the old one or the new one, whole."""
    assert not data.keys() & {"format", "sha256"}, "these two names are the document's own"
    body = {"format": FORMAT, **data}
    text = json.dumps({**body, "sha256": _digest(body)}, ensure_ascii=False, indent=1) + "\n"
    # A file's name may have bytes that are no UTF-8; JSON escapes what Python has in their place.
    write_whole(path, text.encode(errors="backslashreplace"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a new or old name by way of a draft, and wait until it is on the disk."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_document(path: Path) -> dict[str, Any]:
    """Read what ``write_document`` wrote.

    Raises:
        RunError: The file cannot be read, or is of another format version.
        DamagedError: The file is missing, truncated or altered.
    """
    check_regular(path)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is missing") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path} is damaged: it is no longer text") from error
    return check_document(text, str(path))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_regular(path: Path) -> None:
    """Check that a path is a file, if it is there: to read a pipe might never end.

    Raises:
        DamagedError: It is something else.
    """
    if path.exists() and not path.is_file():
        raise DamagedError(f"{path} is no file: it is a folder, a pipe or a device")


def check_document(text: str, where: str) -> dict[str, Any]:
    """Parse a document and check its version and digest; return it without the two.

    Raises:
        RunError: It is of another format version.
        DamagedError: It is truncated or altered.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{where} is damaged: it is not whole JSON ({error})") from error
    if not isinstance(body, dict) or "format" not in body:
        raise DamagedError(f"{where} is damaged: it states no format version")
    if body["format"] != FORMAT:
        raise RunError(
            f"{where} has format version {body['format']}; this version of ostinato reads {FORMAT}. "
            "Train it anew, or use the version of the code that wrote it"
        )
    digest = body.pop("sha256", None)
    if digest != _digest(body):
        raise DamagedError(f"{where} is damaged: its content does not match its digest")
    del body["format"]
    return body


def seal(data: dict[str, Any]) -> str:
    """Return a document as a string, for use inside another file."""
    body = {"format": FORMAT, **data}
    text = json.dumps({**body, "sha256": _digest(body)}, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last through a power cut, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(body: dict[str, Any]) -> str:
    try:
        canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        return "nested too deep"  # which is no digest, so it fits none
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()

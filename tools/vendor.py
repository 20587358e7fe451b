"""Compare the JavaScript that we ship from npm with what npm has: ``make vendor``. Needs npm and a network."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "src" / "ostinato" / "inspect" / "web" / "vendor"


def integrity(data: bytes) -> str:
    """Return the SHA-512 of bytes as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def differing() -> list[str]:
    """Return what differs from npm's packages."""
    told = []
    for one in json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8")):
        name = f"{one['package']}@{one['version']}"
        with tempfile.TemporaryDirectory() as folder:
            packed = subprocess.run(
                ["npm", "pack", name, "--silent", "--pack-destination", folder],
                capture_output=True,
                text=True,
                check=True,
            )
            archive = Path(folder) / packed.stdout.split()[-1]
            if integrity(archive.read_bytes()) != one["integrity"]:
                told.append(f"{name}: npm's package is not the one that was recorded")
            with tarfile.open(archive) as files:
                for own, about in one["files"].items():
                    member = files.extractfile(f"package/{about['from']}")
                    if member is None or member.read() != (VENDOR / own).read_bytes():
                        told.append(f"{own} differs from {name}'s {about['from']}")
    return told


if __name__ == "__main__":
    different = differing()
    print("\n".join(different) or "what we ship is what npm has")
    sys.exit(bool(different))

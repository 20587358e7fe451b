"""Series: weights kept at steps of training that lie further and further apart, for looking at what they learned when.

They are those that training goes on with, not their average; they are small (float16), have a digest each, and lie in
``series/`` of a run. At most so many are kept as were asked for; those that lie closest to each other, on a logarithmic
scale, go first.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ostinato.disk.documents import read_document, write_document
from ostinato.errors import RunError
from ostinato.runs.arrays import check_finite, read_arrays, write_arrays
from ostinato.training.snapshot import Arrays

USUAL = 20  # steps
_HALF = np.finfo(np.float16)


class Series:
    """The weights kept of a run.

    Args:
        folder: The folder, ``series`` in a run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = read_document(folder / "index.json")
        self.most: int = index["most"]
        self._files: dict[int, str] = {int(step): sha256 for step, sha256 in index["files"].items()}

    @classmethod
    def create(cls, run: Path, most: int = USUAL) -> Series:
        """Begin a series of at least two steps in a run folder."""
        folder = run / "series"
        folder.mkdir()
        write_document(folder / "index.json", {"most": most, "files": {}})
        return cls(folder)

    @classmethod
    def in_run(cls, run: Path) -> Series | None:
        """Return the series of a run folder; ``None``: it keeps none."""
        return cls(run / "series") if (run / "series" / "index.json").is_file() else None

    @property
    def steps(self) -> list[int]:
        """The steps whose weights are kept."""
        return sorted(self._files)

    def is_due(self, step: int) -> bool:
        """Return whether the weights of a step are to be kept: of 0, 1, 2, 3, 4, 6, 8, 11, 16 and so on.

        Those of the last step are kept as well.
        """
        if step in self._files:
            return False
        return step == 0 or round(2 ** (round(2 * math.log2(step)) / 2)) == step

    def save(self, step: int, weights: Arrays) -> None:
        """Keep the weights of a step, and let others go where there are too many."""
        rounded = {name: np.clip(array, _HALF.min, _HALF.max).astype(np.float16) for name, array in weights.items()}
        self._files[step] = write_arrays(self._file(step), rounded)
        doomed = []
        while len(self._files) > self.most:
            doomed.append(self._closest())
            del self._files[doomed[-1]]
        self._write_index()
        for one in doomed:
            self._file(one).unlink(missing_ok=True)

    def cut(self, step: int) -> None:
        """Forget what was kept after a step to which training went back."""
        doomed = [one for one in self.steps if one > step]
        self._files = {one: sha256 for one, sha256 in self._files.items() if one <= step}
        self._write_index()
        for one in doomed:
            self._file(one).unlink(missing_ok=True)

    def load(self, step: int) -> Arrays:
        """Return the weights of a step, in float32.

        Raises:
            RunError: They are not kept.
            DamagedError: They are truncated or altered.
        """
        if step not in self._files:
            raise RunError(f"{self.folder} keeps no weights of step {step}; it has {', '.join(map(str, self.steps))}")
        arrays = read_arrays(self._file(step), self._files[step])
        check_finite(arrays, str(self._file(step)))
        return {name: array.astype(np.float32) for name, array in arrays.items()}

    def bytes_for(self, parameters: int) -> int:
        """Return the bytes that the whole series of a network takes at most."""
        return 2 * parameters * self.most

    def _write_index(self) -> None:
        files = {str(one): self._files[one] for one in self.steps}
        write_document(self.folder / "index.json", {"most": self.most, "files": files})

    def _closest(self) -> int:
        """Return the step, neither the first nor the last, without which the least is missing."""
        logs = {step: math.log2(step + 1) for step in self.steps}
        inner = self.steps[1:-1]
        gaps = {
            step: logs[after] - logs[before]
            for before, step, after in zip(self.steps, inner, self.steps[2:], strict=False)
        }
        return min(inner, key=lambda step: gaps[step])

    def _file(self, step: int) -> Path:
        return self.folder / f"step-{step:06d}.safetensors"

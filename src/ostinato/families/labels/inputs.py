"""Inputs of an encoder of labelled sequences: embedded symbols, words with their spelling, or frames."""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.encoders import real_places


class Input(nn.Module, abc.ABC):
    """Layer from a batch of sources to the inputs of an encoder.

    Attributes:
        size: Width I of the input at each place.
    """

    size: int

    @abc.abstractmethod
    def forward(self, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs [B, S', I] and the number of real places of each row, [B]."""


class SymbolInput(Input):
    """A vector for each symbol.

    Args:
        symbols: Number of symbols.
        size: Width of a vector.
    """

    def __init__(self, symbols: int, size: int) -> None:
        super().__init__()
        self.size, self.embedding = size, nn.Embedding(symbols, size)

    def forward(self, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.embedding(sources), lengths


class SpelledInput(Input):
    """Words, each as the vectors of itself, of its further columns and of its spelling, concatenated.

        spelling = max over places of (convolution over the characters' vectors)

    Args:
        starts: First id of words, of each further column and of characters, and the end of the last ones, as in
            ``SpelledCodec``.
        size: Width of a word's vector.
        column_size: Width of a further column's vector.
        character_size: Width C of a character's vector; a spelling's is 2 C wide. 0: spelling is not read.

    Source: Ma and Hovy 2016, arXiv:1603.01354.
    """

    _WIDTH = 3  # characters that a convolution reads at once

    def __init__(self, starts: Sequence[int], size: int, *, column_size: int = 16, character_size: int = 32) -> None:
        super().__init__()
        counts = [end - start for start, end in itertools.pairwise(starts)]
        self._starts = tuple(starts)
        self.words = nn.Embedding(counts[0], size)
        self.columns = nn.ModuleList(nn.Embedding(count, column_size) for count in counts[1:-1])
        self.size = size + column_size * len(self.columns) + 2 * character_size
        self.characters = self.convolution = None
        if character_size:
            self.characters = nn.Embedding(counts[-1], character_size)
            self.convolution = nn.Conv1d(character_size, 2 * character_size, self._WIDTH, padding=self._WIDTH - 1)

    def forward(self, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = real_places(lengths, sources.shape[1])
        begins = real & (sources < self._starts[1])
        words = begins.sum(dim=1)
        row, at = begins.nonzero(as_tuple=True)  # [W], row by row
        place = torch.arange(len(row), device=row.device) - (words.cumsum(0) - words)[row]
        flat = sources[row, at]
        vectors = [self.words(flat)]
        for number, column in enumerate(self.columns, 1):
            vectors.append(column(sources[row, at + number] - self._starts[number]))
        if self.characters is not None:
            vectors.append(self._spelling(sources, real, row, at))
        embedded = torch.cat(vectors, dim=-1)
        inputs = embedded.new_zeros(len(sources), int(words.max()), embedded.shape[-1])
        return inputs.index_put((row, place), embedded), words

    def _spelling(self, sources: Tensor, real: Tensor, row: Tensor, at: Tensor) -> Tensor:
        """Return the vector of each word's spelling, [W, 2 C]."""
        assert self.characters is not None
        assert self.convolution is not None
        first, nothing = self._starts[-2], -1
        width = sources.shape[1]
        is_character = real & (sources >= first)
        # How many characters follow each place without a break: characters of a word are next to each other.
        index = torch.arange(width, device=sources.device)
        breaks = torch.where(is_character, width, index)
        next_break = breaks.flip(1).cummin(dim=1).values.flip(1)
        start = at + 1 + len(self.columns)
        length = next_break[row, start.clamp(max=width - 1)] - start
        inner = torch.arange(int(length.max()), device=row.device)
        places = (start[:, None] + inner).clamp(max=width - 1)
        ids = torch.where(inner < length[:, None], sources[row[:, None], places] - first, nothing)
        different, which = torch.unique(ids, dim=0, return_inverse=True)  # words come again and again
        inside = different != nothing  # outside is zero, so that a word's beginning and end can be seen
        vectors = self.characters(different.clamp(min=0)) * inside[:, :, None]
        convolved = self.convolution(vectors.transpose(1, 2))
        reach = inside.sum(dim=1) + self._WIDTH - 1
        past = torch.arange(convolved.shape[2], device=row.device) >= reach[:, None]
        spelling: Tensor = convolved.masked_fill(past[:, None, :], -torch.inf).amax(dim=2)
        return F.relu(spelling)[which]


class FrameInput(Input):
    """Frames, standardised; several successive ones may be read as one.

    Args:
        mean: Mean of each number of a frame, [D].
        deviation: Deviation of each, [D].
        stack: Number of frames read as one.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], *, stack: int = 1) -> None:
        super().__init__()
        # No weights: they are kept with the codec.
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation), persistent=False)
        self.stack, self.size = stack, len(mean) * stack

    def forward(self, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = real_places(lengths, sources.shape[1])
        frames = (sources - self.mean) / self.deviation * real[:, :, None]
        if self.stack == 1:
            return frames, lengths
        B, S, D = frames.shape
        padded = F.pad(frames, (0, 0, 0, -S % self.stack))
        return padded.reshape(B, -1, D * self.stack), -(-lengths // self.stack)

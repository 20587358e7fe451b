"""Inputs that are rows of a table: a product with the table is made once, however often a row is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Lookup:
    """Embedded symbols before they are looked up.

    Attributes:
        table: The embedding, [N, I].
        ids: Ids of the rows that are read, [B, T].
    """

    table: Tensor
    ids: Tensor

    def rows(self) -> Tensor:
        """Look the rows up, [B, T, I]."""
        return F.embedding(self.ids, self.table)

    def numel(self) -> int:
        """Return the number of rows that are read."""
        return self.ids.numel()

    @property
    def dtype(self) -> torch.dtype:
        """The type of the rows."""
        return self.table.dtype

    @property
    def device(self) -> torch.device:
        """Device of the rows."""
        return self.table.device

    def __len__(self) -> int:
        return len(self.ids)


#: What a core reads: inputs [B, T, I], or where they are found.
Inputs: TypeAlias = Tensor | Lookup

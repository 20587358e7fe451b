"""Principal components of states: the plane in which a state moves most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.config import at_least
from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Projection:
    """States, projected to their principal components.

    Attributes:
        points: Place of each state, [T, N].
        explained: Share of the variance that each component explains, largest first.
        components: Directions of the components, [N, H].
    """

    points: NDArray[np.float64]
    explained: tuple[float, ...]
    components: NDArray[np.float64]


def project(states: NDArray[np.floating], count: int = 3) -> Projection:
    """Project states [T, H] to the components in which they vary most; the largest weight of each is positive.

    Raises:
        ConfigError: There are not that many components.

    Source: Pearson 1901, Philosophical Magazine 2(11).
    """
    at_least("components", count, 1)
    if count > min(states.shape):
        raise ConfigError(f"{states.shape[0]} states of {states.shape[1]} units have no {count} components")
    centred = states.astype(np.float64) - states.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    own = directions[:count]
    largest = np.take_along_axis(own, np.abs(own).argmax(axis=1)[:, None], axis=1)
    own = own * np.where(largest < 0, -1.0, 1.0)
    total = float((sizes**2).sum()) or 1.0
    return Projection(centred @ own.T, tuple((sizes[:count] ** 2 / total).tolist()), own)

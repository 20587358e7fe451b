"""Building encoders and stacks of cores as settings say: for models of pairs and of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ostinato.cores.base import Core
    from ostinato.cores.encoders import Encoder


class StackSizes(Protocol):
    """Sizes of a stack of cores; attributes as of ``CoreSettings``."""

    @property
    def core(self) -> str: ...
    @property
    def layers(self) -> int: ...
    @property
    def hidden_size(self) -> int: ...


class Sizes(StackSizes, Protocol):
    """Sizes of an encoder; attributes as of ``PairSettings``."""

    @property
    def encoder(self) -> str: ...
    @property
    def kernel(self) -> int: ...
    @property
    def longest(self) -> int: ...


def build_encoder(sizes: Sizes, input_size: int) -> Encoder:
    """Build the encoder of inputs of width I."""
    from ostinato.cores.encoders import Bidirectional, Convolutional, OneWay
    from ostinato.cores.table import new_core

    H = sizes.hidden_size
    if sizes.encoder == "convolutional":
        return Convolutional(input_size, H, layers=sizes.layers, kernel=sizes.kernel, places=sizes.longest)
    if sizes.encoder == "both-ways":
        widths = [input_size] + [2 * H] * (sizes.layers - 1)
        return Bidirectional([(new_core(sizes.core, I, H, H), new_core(sizes.core, I, H, H)) for I in widths], H)
    return OneWay(build_stack(sizes, input_size), H, reverse=sizes.encoder == "backwards")


def build_stack(sizes: StackSizes, input_size: int) -> Core[Any]:
    """Build the cores of a decoder, of an encoder that reads one way, or of a model of frames."""
    from ostinato.cores.stack import Stack
    from ostinato.cores.table import new_core

    H = sizes.hidden_size
    return Stack([new_core(sizes.core, H if layer else input_size, H, H) for layer in range(sizes.layers)])

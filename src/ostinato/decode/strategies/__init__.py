"""Strategies: which hypotheses a search goes on with."""

from ostinato.decode.strategies.beam import Beam
from ostinato.decode.strategies.independent import Greedy, Sampling
from ostinato.decode.strategies.lengths import Lengths
from ostinato.decode.strategies.stochastic import StochasticBeam, importance_weights

__all__ = ["Beam", "Greedy", "Lengths", "Sampling", "StochasticBeam", "importance_weights"]

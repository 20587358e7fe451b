"""Units of loss."""

import math

import pytest

from ostinato.units import bits, perplexity


def test_units_of_loss():
    assert bits(math.log(2)) == 1.0
    assert perplexity(math.log(65)) == pytest.approx(65)
    assert perplexity(1e4) == math.inf

"""Recorded steps, without a GPU: a recording that only runs again shows whether inputs and outputs stay in place."""

import pytest
import torch

from ostinato import codecs
from ostinato.cores.state import tensors
from ostinato.cores.table import CORES
from ostinato.decode import stepping
from ostinato.decode.graphs import GraphedStep
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel


def again(run):
    """Record as a graph would: results stay where they were first put."""
    run()
    return run


@pytest.mark.parametrize("core", CORES)
def test_a_recorded_step_is_the_step_for_any_number_of_rows(core):
    torch.manual_seed(0)
    model = LanguageModel(9, core=core, layers=2, hidden_size=6, embedding_size=4).eval()
    sizes = []

    def step(symbols, state):
        sizes.append(len(symbols))
        return model.step(symbols, state)

    graphed = GraphedStep(step, again)
    with torch.inference_mode():
        for rows in (5, 8, 3, 1, 5):
            symbols, state = torch.randint(0, 9, (rows,)), model.core.initial_state(rows)
            for _ in range(3):
                expected, after = model.step(symbols, state)
                found, state = graphed(symbols, state)
                assert torch.allclose(found, expected, atol=1e-6)
                for a, b in zip(tensors(state), tensors(after), strict=True):
                    assert torch.allclose(a, b, atol=1e-6)
    assert set(sizes) == {8, 4, 1}  # filled up, so that few are recorded


def test_what_a_recorded_step_gave_is_not_written_over_by_the_next():
    model = LanguageModel(9, core="lstm", layers=1, hidden_size=6, embedding_size=4).eval()
    graphed = GraphedStep(model.step, again)
    with torch.inference_mode():
        first, state = graphed(torch.tensor([1, 2]), model.core.initial_state(2))
        kept, leaves = first.clone(), [leaf.clone() for leaf in tensors(state)]
        graphed(torch.tensor([3, 4]), state)
        assert torch.equal(first, kept)
        assert all(torch.equal(a, b) for a, b in zip(tensors(state), leaves, strict=True))


def test_a_search_over_recorded_steps_writes_the_same(monkeypatch):
    codec = codecs.CharacterCodec("abcdefgh", end=True)
    torch.manual_seed(0)
    model = LanguageModel(codec.size, core="gru", layers=2, hidden_size=16, embedding_size=8).eval()
    expected = Generation(codec, model, ["", "ab"], samples=20, length=40, seed=1).finish()

    class Recorded(stepping.LanguageModelStepper):
        def __init__(self, *given):
            super().__init__(*given)
            self._step = GraphedStep(self._plain_step, again)

    monkeypatch.setattr(stepping, "LanguageModelStepper", Recorded)
    found = Generation(codec, model, ["", "ab"], samples=20, length=40, seed=1).finish()
    assert [sample.text for sample in found] == [sample.text for sample in expected]

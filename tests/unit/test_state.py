"""The state algebra on a state of states."""

from typing import NamedTuple

import torch

from ostinato.cores.state import detach, first_tensor, map_state, select_rows, tensors, where_rows


class Pair(NamedTuple):
    one: torch.Tensor
    two: torch.Tensor


def make():
    return (Pair(torch.arange(3.0), torch.arange(6.0).reshape(3, 2)), (torch.ones(3, 1, 2),), ())


def test_structure_and_types_are_kept():
    doubled = map_state(lambda leaf: 2 * leaf, make())
    assert type(doubled) is tuple
    assert type(doubled[0]) is Pair
    assert [leaf.sum().item() for leaf in tensors(doubled)] == [6.0, 30.0, 12.0]
    assert first_tensor(doubled) is doubled[0].one


def test_rows_may_repeat_and_be_dropped():
    chosen = select_rows(make(), torch.tensor([2, 2]))
    assert chosen[0].one.tolist() == [2.0, 2.0]
    assert chosen[0].two.tolist() == [[4.0, 5.0]] * 2


def test_rows_are_taken_from_the_new_where_asked():
    old = make()
    new = map_state(lambda leaf: leaf + 100, old)
    mixed = where_rows(torch.tensor([True, False, True]), new, old)
    assert mixed[0].one.tolist() == [100.0, 1.0, 102.0]
    assert mixed[0].two.tolist() == [[100.0, 101.0], [2.0, 3.0], [104.0, 105.0]]


def test_detaching_cuts_the_gradient_and_keeps_the_values():
    leaf = torch.ones(2, requires_grad=True) * 3
    (cut,) = detach((leaf,))
    assert leaf.requires_grad
    assert not cut.requires_grad
    assert torch.equal(cut, leaf)

"""Groups of arrays from a kernel's argument block: network, state, scratch, team and rules."""

from __future__ import annotations

from typing import Any

from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.clamping import Held
from ostinato.engine.compiled.network import Network, Scratch, State, Team
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.rules import Rules
from ostinato.engine.compiled.target import array_of

_MOST, _MEMBER, _TEAM = SCALAR_PLACES["most"], SCALAR_PLACES["member"], SCALAR_PLACES["team"]


@compiled
def network_of(target: Any, block: Any) -> Any:
    """Return the packed model."""
    return Network(
        array_of(target, block, "weights"),
        array_of(target, block, "sums"),
        array_of(target, block, "scales"),
        array_of(target, block, "floats"),
        array_of(target, block, "plan"),
        Held(
            array_of(target, block, "clamp_modes"),
            array_of(target, block, "clamp_values"),
            array_of(target, block, "clamp_spans"),
            array_of(target, block, "clock"),
            array_of(target, block, "row_units"),
            array_of(target, block, "row_values"),
        ),
    )


@compiled
def state_of(target: Any, block: Any) -> Any:
    """Return the state of all rows."""
    return State(array_of(target, block, "hidden"), array_of(target, block, "cell"), array_of(target, block, "logits"))


@compiled
def scratch_of(target: Any, block: Any) -> Any:
    """Return this thread's scratch arrays."""
    return Scratch(
        array_of(target, block, "acts"),
        array_of(target, block, "factors"),
        array_of(target, block, "totals"),
        array_of(target, block, "product"),
        array_of(target, block, "ahead"),
        array_of(target, block, "back"),
        block[_MOST],
    )


@compiled
def team_of(target: Any, block: Any) -> Any:
    """Return the team that this thread belongs to."""
    return Team(array_of(target, block, "meetings"), block[_MEMBER], block[_TEAM])


@compiled
def rules_of(target: Any, block: Any) -> Any:
    """Return the rules."""
    return Rules(
        array_of(target, block, "rules"),
        array_of(target, block, "numbers"),
        array_of(target, block, "facts"),
        array_of(target, block, "next"),
        array_of(target, block, "accepts"),
        array_of(target, block, "fewest"),
        array_of(target, block, "known"),
        array_of(target, block, "stop_next"),
        array_of(target, block, "stop_found"),
    )

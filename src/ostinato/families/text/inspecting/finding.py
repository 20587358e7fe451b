"""The cells of a language model that know something about its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ostinato.codecs import Unknown
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.recording import record
from ostinato.inspect.finding import FoundUnit, changes, find_units
from ostinato.inspect.labels import Labels
from ostinato.inspect.recording import Recording

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel


def find(
    model: TextModel,
    text: str,
    labels: Mapping[str, Labels],
    *,
    count: int = 5,
    parts: Sequence[str] = ("hidden", "cell"),
    unknown: Unknown = "error",
) -> list[FoundUnit]:
    """Return the units that tell labels best: some for each label, best first.

    Of several labels, those that hardly change in the text are left out.

    Args:
        model: The model.
        text: The text.
        labels: A number for each character of the text, by the name of the label.
        count: Number of units for each label.
        parts: Parts of the network whose units are held against them: ``"hidden"``, ``"cell"``, patterns of gates.
        unknown: Treatment of symbols that the model does not know.

    Raises:
        ConfigError: A label is nearly the same everywhere, or the text is too short.
    """
    taps = [part for part in parts if part not in ("hidden", "cell")]
    recording = record(model, text, unknown, taps=taps, logits=False)
    return find_in(recording.without({"hidden", "cell"} - set(parts)), labels, count=count)


def find_in(recording: Recording, labels: Mapping[str, Labels], *, count: int = 5) -> list[FoundUnit]:
    """Return the units of a recording that tell labels of the characters of its text best."""
    values, places = recording.of_units()
    of_symbols = {name: recording.labels_of(own) for name, own in labels.items()}
    telling = {name: own for name, own in of_symbols.items() if len(labels) == 1 or changes(own)}
    if not telling:
        raise ConfigError(f"none of the labels {', '.join(labels)} changes enough in this text; give another")
    return find_units(values, places, telling, count=count)

"""Arguments that families declare for a verb, and which of them were given."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from ostinato.errors import ConfigError
from ostinato.families import FAMILIES, Family
from ostinato.families.options import TYPES, Option


def add_family_options(command: argparse.ArgumentParser, verb: str) -> None:
    """Add the options that families declare for a verb, in the groups that they declare."""
    groups: dict[str, argparse._ActionsContainer] = {"": command}
    added: set[str] = set()
    for family in FAMILIES.values():
        for group in family.options.get(verb, ()):
            for option in group.options:
                if option.flag in added:  # of several families, which declare the same one
                    continue
                if group.title not in groups:
                    groups[group.title] = command.add_argument_group(group.title)
                add_option(groups[group.title], option)
                added.add(option.flag)


def add_option(group: argparse._ActionsContainer, option: Option) -> None:
    """Add one declared option."""
    told: dict[str, Any] = {"dest": option.name, "help": option.help}
    if option.kind == "flag":
        group.add_argument(option.flag, action="store_true", **told)
        return
    told |= {"type": TYPES[option.kind], "metavar": option.metavar, "choices": option.choices}
    if option.alone is not None:
        told |= {"nargs": "?", "const": TYPES[option.kind](option.alone)}
    if option.repeated:
        told |= {"action": "append", "default": []}
    group.add_argument(option.flag, **told)


def given_options(args: argparse.Namespace, verb: str, family: Family) -> dict[str, Any]:
    """Return the given options of a family, by name.

    Raises:
        ConfigError: An option was given that only other families have for this verb.
    """
    own = {option.flag for option in _options(family, verb)}
    owners: dict[str, list[str]] = {}
    for other in FAMILIES.values():
        for option in _options(other, verb):
            if option.flag not in own and _is_given(args, option):
                owners.setdefault(option.flag, []).append(other.article)
    if owners:
        of = " or ".join(dict.fromkeys(article for articles in owners.values() for article in articles))
        raise ConfigError(f"{', '.join(owners)}: for {of}, and this is {family.article}; leave it out")
    return {option.name: vars(args)[option.name] for option in _options(family, verb) if _is_given(args, option)}


def _is_given(args: argparse.Namespace, option: Option) -> bool:
    value = vars(args).get(option.name)
    return value is not None and value is not False and value != []


def _options(family: Family, verb: str) -> Iterable[Option]:
    return (option for group in family.options.get(verb, ()) for option in group.options)

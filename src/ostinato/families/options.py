"""Options of verbs as plain data: families declare them, the command line makes arguments of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ostinato.errors import ConfigError, unknown_name

Kind: TypeAlias = Literal["flag", "int", "float", "text", "path"]
_IS: Mapping[str, tuple[type, ...]] = {
    "flag": (bool,), "int": (int,), "float": (int, float), "text": (str,), "path": (str,)
}  # fmt: skip
TYPES = {"int": int, "float": float, "text": str, "path": Path}


@dataclass(frozen=True)
class Option:
    """An option of a verb. One that is not given has the value ``None``, a flag ``False``, a repeated one ``[]``.

    Attributes:
        flag: As it is typed, such as ``"--beam"``.
        help: Its help text.
        kind: Type of its value; a flag has none.
        metavar: The name of its value in the help.
        choices: Its values, where they are few.
        alone: Its value where it is typed without one; ``None``: it always needs one.
        repeated: Whether it may be given several times.
        dest: The name under which it is handed on; empty: that of the flag.
    """

    flag: str
    help: str
    kind: Kind = "text"
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    alone: str | None = None
    repeated: bool = False
    dest: str = ""

    @property
    def name(self) -> str:
        """The name under which its value is handed on."""
        return self.dest or self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class OptionGroup:
    """Options that stand together in the help.

    Attributes:
        title: Title over them; empty: they stand among the command's own.
        options: The options, in their order.
    """

    title: str
    options: tuple[Option, ...]


_ATTRIBUTE = re.compile(r"^ {8}(\w+): (.*?)(?=^ {8}\w|^ {4}\w|\Z)", re.MULTILINE | re.DOTALL)


def options_of(settings: Any, metavars: Mapping[str, str], others: Mapping[str, Option | None]) -> tuple[Option, ...]:
    """Return an option for each field of a dataclass; its help text is that of the field in the class's docstring.

    Args:
        settings: The dataclass.
        metavars: Names of the values of fields.
        others: Options for fields whose value is not typed as it is; ``None``: no option.
    """
    names = {field.name for field in fields(settings)}
    helps = {name: _as_help(text, names) for name, text in descriptions_of(settings).items()}
    made = (
        others[field.name]
        if field.name in others
        else Option(
            f"--{field.name.replace('_', '-')}", helps[field.name], _kind(str(field.type)), metavars.get(field.name)
        )
        for field in fields(settings)
    )
    return tuple(option for option in made if option is not None)


def descriptions_of(settings: type) -> dict[str, str]:
    """Return what the docstrings of a dataclass, and of those that it inherits from, say of each attribute."""
    described: dict[str, str] = {}
    for cls in reversed(settings.__mro__):
        described |= {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(cls.__doc__ or "")}
    return described


def _as_help(text: str, names: Set[str]) -> str:
    """Return an attribute's description as a help text: one line in small letters, other fields as their options."""

    def typed(code: re.Match[str]) -> str:
        return f"--{code[1].replace('_', '-')}" if code[1] in names else code[1]

    line = re.sub("``(.*?)``", typed, " ".join(text.split())).removesuffix(".")
    return line[0].lower() + line[1:] if line[1:2].islower() or line[1:2] == " " else line


def _kind(annotation: str) -> Kind:
    words = set(re.findall(r"\w+", annotation))
    if "bool" in words:
        return "flag"
    return "text" if "str" in words else "int" if "int" in words else "float"


def check_known(given: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Check options against those that there are, and their kinds against what is usual.

    Raises:
        ConfigError: There is no such option, or its value is of another kind.
    """
    for name, value in given.items():
        if name not in usual:
            raise unknown_name("option", name, usual, where="options")
        kind = type(usual[name])
        if value is not None and not _is_of(value, (int, float) if kind is float else (kind,)):
            raise ConfigError(f"{name} is of the kind {kind.__name__}, got {value!r}")


def _is_of(value: Any, kinds: tuple[type, ...]) -> bool:
    """Return whether a value is of one of some kinds; true and false are no numbers here."""
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)


def check_options(groups: Iterable[OptionGroup], given: Mapping[str, Any]) -> None:
    """Check values of options that were not typed but came as data; names that no group has are left alone.

    Raises:
        ConfigError: A value is not of its option's kind, or names a file.
    """
    declared = {option.name: option for group in groups for option in group.options}
    for name, value in given.items():
        if name not in declared or value is None:
            continue
        option = declared[name]
        if option.kind == "path":
            raise ConfigError(f"{name} names a file, which cannot be asked for here; leave it out")
        values = value if option.repeated and isinstance(value, list) else [value]
        if option.repeated is not isinstance(value, list) or not all(_is_of(one, _IS[option.kind]) for one in values):
            wanted = f"a list of values of the kind {option.kind}" if option.repeated else f"of the kind {option.kind}"
            raise ConfigError(f"{name} is {wanted}, got {value!r}")
        if option.choices and not set(values) <= set(option.choices):
            raise ConfigError(f"{name} is one of {', '.join(option.choices)}; got {value!r}")


PAIRS = OptionGroup(
    "pairs and labelled sequences: lines of source, tab, target; JSON lines; two files; columns; arrays",
    (
        Option("--pairs", "only the first N", "int", "N"),
        Option("--longest", "most characters of a side", "int", "N"),
        Option("--lower", "in small letters", "flag"),
        Option("--skip-bad-pairs", "leave wrong ones out and count them", "flag"),
    ),
)
"""Options of reading that every family of sources and targets has."""

BEAM = Option("--beam", "of pairs, and of recipe ctc: search with a beam (default: the best step by step)", "int", "K")

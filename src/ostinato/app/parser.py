"""The parser of a command line: short options, names that other tools use, and errors that say what was meant."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ostinato.config import SETTINGS_ELSEWHERE
from ostinato.runs.shipped import SHIPPED

#: Short options, the same for every command that has the long one.
SHORT = {"-n": "--length", "-o": "--out", "-p": "--prompt", "-s": "--seed", "-t": "--temperature"}
#: Names that other tools use, and ours.
ELSEWHERE = {
    "--max-new-tokens": "--length",
    "--max-length": "--length",
    "--max-gen-length": "--length",
    "--n-predict": "--length",
    "--num-samples": "--samples",
    "--num-return-sequences": "--samples",
    "--n": "--length",
    "--prefix": "--prompt",
    "--primetext": "--prompt",
    "--start": "--prompt",
    "--temp": "--temperature",
    "--num-beams": "--beam",
    "--num-beam-groups": "--diverse",
    "--diversity-penalty": "--strength",
    "--length-penalty": "--length-power",
    "--repeat-penalty": "--repetition-penalty",
    "--no-repeat-ngram-size": "--no-repeat",
    "--typical-p": "--typical",
    "--epsilon-cutoff": "--epsilon",
    "--eta-cutoff": "--eta",
    "--max-iters": "--steps",
    "--max-steps": "--steps",
    "--max-epochs": "--epochs",
    "--num-epochs": "--epochs",
    "--out-dir": "--out",
    "--output-dir": "--out",
    "--name": "--out",
}
RUNS = Path("runs")
_NO_RUN = re.compile(r"there is no run (.*)$", re.DOTALL)
_NO_COMMAND = re.compile(r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)")
#: What commands are called elsewhere, and here.
COMMANDS_ELSEWHERE = {
    "sample": "generate", "eval": "evaluate", "test": "evaluate", "predict": "label", "list": "runs", "ls": "runs",
    "show": "info", "finetune": "train", "fit": "train",
}  # fmt: skip
_NEAR = 0.65  # likeness of an option that was meant


class CommandHelp(argparse.RawDescriptionHelpFormatter):
    """Help whose usage line names what a command takes, and not every option."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Add the usage line."""
        options = argparse.Action([], "options", nargs="?", metavar="options")
        super().add_usage(usage, [*(one for one in actions if not one.option_strings), options], [], prefix)


class CommandParser(argparse.ArgumentParser):
    """The parser of one command."""

    def add_short_options(self) -> None:
        """Give the options of ``SHORT`` that the command has their short names."""
        table = self._option_string_actions
        for short, long in SHORT.items():
            if long in table and short not in table:
                table[long].option_strings = [short, *table[long].option_strings]
                table[short] = table[long]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words, with names that other tools use as ours; return the arguments, and the words that are left."""
        words = list(sys.argv[1:] if args is None else args)
        end = words.index("--") if "--" in words else len(words)
        ours = [*map(self._ours, words[:end]), *words[end:]]
        parsed, rest = super().parse_known_args(ours, namespace)
        if "words" not in vars(parsed):  # of the command alone
            parsed.words = ours
        return parsed, self._after_options(parsed, rest)

    def _after_options(self, parsed: argparse.Namespace, rest: list[str]) -> list[str]:
        """Give words that stand after options to the argument that takes any number; return what nobody takes.

        argparse itself takes such an argument for empty as soon as an option follows the one before it.
        """
        end = rest.index("--") if "--" in rest else len(rest)
        if any(word.startswith("-") and word != "-" for word in rest[:end]):
            return rest
        words = rest[:end] + rest[end + 1 :]
        for action in self._get_positional_actions():
            if words and action.nargs in ("*", "?") and vars(parsed)[action.dest] in ([], action.default):
                taken = words if action.nargs == "*" else words[:1]
                try:
                    self._check_alone(action, parsed)
                    values = [self._get_value(action, word) for word in taken]
                except argparse.ArgumentError as error:
                    self.error(str(error))
                vars(parsed)[action.dest] = values if action.nargs == "*" else values[0]
                words = words[len(taken) :]
        return words

    def _check_alone(self, action: argparse.Action, parsed: argparse.Namespace) -> None:
        """Check that no argument was given that excludes another one."""
        for group in self._mutually_exclusive_groups:
            for other in group._group_actions if action in group._group_actions else ():
                if other is not action and vars(parsed)[other.dest] not in (None, other.default):
                    raise argparse.ArgumentError(action, f"not allowed with argument {'/'.join(other.option_strings)}")

    def _ours(self, word: str) -> str:
        """Return a word with our name of an option in place of another tool's, one hyphen or underscores included."""
        flag, equals, value = word.partition("=")
        if not re.fullmatch(r"-[-a-zA-Z]\w[-\w]*", flag) or flag in self._option_string_actions:
            return word
        name = f"--{flag.lstrip('-').replace('_', '-')}"
        ours = name if name in self._option_string_actions else ELSEWHERE.get(name)
        if ours in self._option_string_actions:
            return f"{ours}{equals}{value}"
        # A setting of another tool's is no short option with its value.
        is_setting = not flag.startswith("--") and name[2:].replace("-", "_") in SETTINGS_ELSEWHERE
        return f"-{flag}{equals}{value}" if is_setting else word

    def refuse(self, rest: Sequence[str]) -> NoReturn:
        """End with what is wrong with words that no argument takes, and what was meant."""
        unknown = [place for place, word in enumerate(rest) if word.startswith("-") and word != "-"]
        if not unknown:
            told = self._as_prompt(rest[0]) or "Put a text of several words between quotes"
            self.error(f"too many arguments: {shlex.join(rest)}. {told}")
        self.error(". ".join(self._meant(*rest[place : place + 2]) for place in unknown))

    def error(self, message: str) -> NoReturn:
        """Print the usage line and what is wrong, and exit with status 2."""
        if message.rpartition("required: ")[2].startswith("RUN"):
            newest = newest_run()
            word = "" if newest is None else shlex.quote(str(newest))
            way = f"the newest one is {newest}: {self.prog} {word}" if newest else "'ostinato train CORPUS' makes one"
            message = f"give a run folder; {way}"
        elif typed := _NO_COMMAND.search(message):
            near = difflib.get_close_matches(typed[1], typed[2].replace("'", "").split(", "), n=1, cutoff=_NEAR)
            meant = COMMANDS_ELSEWHERE.get(typed[1]) or next(iter(near), None)
            way = f"did you mean '{self.prog} {meant}'?" if meant else f"'{self.prog} --help' lists them"
            message = f"there is no command {typed[1]!r}; {way}"
        elif (missing := _NO_RUN.search(message)) and "--prompt" in self._option_string_actions:
            message = f"{message}; a text to go on from is given by --prompt {missing[1]}"
        super().error(message)

    def _meant(self, typed: str, after: str = "-") -> str:
        """Say what is wrong with an option that is not known, given what was typed after it."""
        word, _, value = typed.partition("=")
        setting = word.lstrip("-").replace("-", "_")
        setting = SETTINGS_ELSEWHERE.get(setting, setting)
        if "--set" in self._option_string_actions and setting in _names_of_settings():
            value = value or ("VALUE" if after.startswith("-") else after)
            return f"{word} is a setting: --set {setting}={value}"
        shown = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        near = difflib.get_close_matches(f"--{word.lstrip('-').replace('_', '-')}", shown, n=3, cutoff=_NEAR)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; '{self.prog} --help' lists those there are"
        return f"there is no option {word}{hint}"

    def _as_prompt(self, word: str) -> str:
        takes_prompt = "--prompt" in self._option_string_actions
        return f"A text to go on from is given by --prompt {shlex.quote(word)}" if takes_prompt else ""


def run_path(text: str) -> Path:
    """Return the path of a run: as it is typed; where none is there, in ``runs``; or that of a model that is shipped.

    Raises:
        argparse.ArgumentTypeError: There is none, and the text reads like a prompt.
    """
    path = Path(text)
    if _exists(path) or path.is_absolute():
        return path
    if _exists(RUNS / path / "config.json"):
        return RUNS / path
    near = difflib.get_close_matches(text, [run.name for run in _runs()], n=1)
    if near or any(c.isspace() for c in text):
        raise argparse.ArgumentTypeError(_no_run(text) + (f"; did you mean {RUNS / near[0]}?" if near else ""))
    return SHIPPED.get(text, path)


def further_run(text: str) -> Path:
    """Return the path of a run after the first one, which has to exist: it may be a prompt by mistake.

    Raises:
        argparse.ArgumentTypeError: It does not.
    """
    path = run_path(text)
    if not _exists(path):
        raise argparse.ArgumentTypeError(_no_run(text))
    return path


def _no_run(text: str) -> str:
    return f"there is no run {shlex.quote(text)}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or none that the system can have
        return False


def newest_run() -> Path | None:
    """Return the run in ``runs`` that was written to last; ``None``: there is none."""
    return max(_runs(), key=_last_written, default=None)


def _runs() -> list[Path]:
    return [path.parent for path in RUNS.glob("[!.]*/config.json")]


def _last_written(run: Path) -> float:
    with suppress(OSError):
        return max(file.lstat().st_mtime for file in run.iterdir())
    return 0.0


def _names_of_settings() -> set[str]:
    from ostinato.families import RECIPES

    return {field.name for recipe in RECIPES.values() for field in dataclasses.fields(recipe.settings)}

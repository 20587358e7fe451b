"""Joining: ES modules become one script, so that a page needs nothing from elsewhere.

It knows the forms in which our modules are written, and refuses others: ``import { a, b as c } from "./x.js"``,
``import * as x from "./x.js"``; ``export`` before a function, class or const; ``export { a as b }``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from ostinato.errors import EngineError

_IMPORT = re.compile(r"""^import\s*(\{[^}]*\}|\*\s*as\s+\w+)\s*from\s*["'](\./[\w./-]+)["'];?[ \t]*$""", re.MULTILINE)
_EXPORTED = re.compile(r"^export\s+((?:async\s+)?function\*?|class|const)\s+(\w+)", re.MULTILINE)
_LIST = re.compile(r"export\s*\{([^}]*)\};?")
_LEFT = re.compile(r"^\s*(?:import|export)\b.*$", re.MULTILINE)
_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


def web_folder(package: str) -> Traversable:
    """Return the folder of the modules of a package."""
    return files(package) / "web"


class Modules:
    """The modules in some folders, by the names of their files.

    Args:
        folders: The folders; a module finds another in any of them, by its name.
    """

    def __init__(self, folders: Sequence[Traversable]) -> None:
        self.files = {name: file for folder in folders for name, file in web_modules(folder).items()}

    def joined(self, entries: Sequence[str], script: str = "") -> str:
        """Return modules and what they import as one script.

        Args:
            entries: Names of modules, such as ``"cells.js"``.
            script: Further script, to which ``modules["cells.js"]`` is what that module exports.

        Raises:
            EngineError: A module is missing, imports in a circle, or is written in another form.
        """
        order: list[str] = []
        for name in entries:
            self._visit(name, order, ())
        parts = [f"modules[{json.dumps(name)}] = (() => {{\n{self._wrapped(name)}\n}})();" for name in order]
        return "\n".join(['"use strict";', "(() => {", "const modules = {};", *parts, script, "})();", ""])

    def _visit(self, name: str, order: list[str], above: tuple[str, ...]) -> None:
        if name in above:
            raise EngineError(f"modules import each other in a circle: {' → '.join((*above, name))}")
        if name in order:
            return
        for other in _IMPORT.finditer(self._source(name)):
            self._visit(_name(other[2]), order, (*above, name))
        order.append(name)

    def _source(self, name: str) -> str:
        if name not in self.files:
            raise EngineError(f"there is no module {name!r}; there are {', '.join(sorted(self.files))}")
        return _MAP.sub("", self.files[name].read_text(encoding="utf-8"))

    def _wrapped(self, name: str) -> str:
        """Return a module's body with imports as constants, and what it exports as the value that it returns."""
        exported: dict[str, str] = {}

        def imported(match: re.Match[str]) -> str:
            names, module = match[1], json.dumps(_name(match[2]))
            names = names.split()[-1] if names.startswith("*") else names.replace(" as ", ": ")
            return f"const {names} = modules[{module}];"

        def declared(match: re.Match[str]) -> str:
            exported[match[2]] = match[2]
            return f"{match[1]} {match[2]}"

        def listed(match: re.Match[str]) -> str:
            for one in filter(None, (part.strip() for part in match[1].split(","))):
                own, _, other = one.partition(" as ")
                exported[(other or own).strip()] = own.strip()
            return ""

        body = _LIST.sub(listed, _EXPORTED.sub(declared, _IMPORT.sub(imported, self._source(name))))
        if left := _LEFT.search(body):
            raise EngineError(f"{name} has a form of import or export that cannot be joined: {left[0].strip()}")
        returned = ", ".join(f"{json.dumps(name)}: {own}" for name, own in exported.items())
        return f"{body}\nreturn {{ {returned} }};"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def web_modules(folder: Traversable) -> dict[str, Traversable]:
    """Return every module in a folder and the folders in it, by name; none if there is no such folder."""
    modules: dict[str, Traversable] = {}
    for one in sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else ():
        modules |= web_modules(one) if one.is_dir() else {one.name: one} if one.name.endswith(".js") else {}
    return modules

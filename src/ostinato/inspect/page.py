"""Views as one self-contained HTML page: nothing in it asks for anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.inspect.joining import Modules, web_folder
from ostinato.inspect.views import View

_WORKERS = ("search",)
_FRAME = 640  # pixels of height in a notebook


def page(views: Sequence[View], *, title: str) -> str:
    """Return a page on which views are looked at, a tab for each."""
    own = web_folder("ostinato.inspect")
    folders = [folder for view in views for folder in view.folders]
    modules, names = Modules([own, *folders]), sorted({f"{view.module or view.name}.js" for view in views})
    table = ", ".join(f"{json.dumps(name.removesuffix('.js'))}: modules[{json.dumps(name)}]" for name in names)
    begin = f'const {{ begin, tell }} = modules["page.js"];\nbegin({{ {table} }}).catch((error) => tell(`${{error}}`));'
    script, style = modules.joined([*names, "page.js"], begin), (own / "page.css").read_text(encoding="utf-8")
    workers = {name: modules.joined([f"{name}.js"]) for name in _WORKERS}
    data = {**page_data(views, title), "workers": workers}
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; worker-src blob:"
    body = [
        f"<h1>{escape(title)}</h1>",
        '<p id="notice" role="status"></p>',
        '<nav id="tabs"></nav>',
        '<main id="view"></main>',
        '<footer id="notes"></footer>',
        f'<script type="application/json" id="data">{as_script_data(data)}</script>',
        f"<script>{script}</script>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def in_notebook(views: Sequence[View], *, title: str) -> str:
    """Return a page as a frame that a notebook shows; it runs apart from the notebook's own page."""
    whole = escape(page(views, title=title))
    return (
        f'<iframe srcdoc="{whole}" sandbox="allow-scripts" title="{escape(title)}" '
        f'style="width: 100%; height: {_FRAME}px; border: 1px solid #ddd"></iframe>'
    )


def as_script_data(data: Any) -> str:
    """Return data as JSON that can stand in a script element, whatever texts are in it."""
    return json.dumps(data).replace("<", "\\u003c")


def page_data(views: Sequence[View], title: str) -> dict[str, Any]:
    """Return the data of views for their modules: facts, and packed arrays."""
    facts: list[Any] = []
    places: dict[int, int] = {}  # of facts, by the number of the object, so that shared ones are written once

    def place_of(value: Any) -> int:
        if id(value) not in places:
            places[id(value)] = len(facts)
            facts.append(value)
        return places[id(value)]

    told = [
        {
            "name": view.name,
            "module": view.module or view.name,
            "title": view.title,
            "notes": list(view.notes),
            "facts": {name: place_of(value) for name, value in view.facts.items()},
        }
        for view in views
    ]
    arrays = {f"{view.name}.{name}": _packed(array) for view in views for name, array in view.arrays.items()}
    return {"title": title, "views": told, "facts": facts, "arrays": arrays}


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    kind = np.int8 if array.dtype == np.int8 else np.float32
    deflated = zlib.compress(np.ascontiguousarray(array, dtype=kind).tobytes(), 6)
    data = base64.b64encode(deflated).decode()
    return {"shape": list(array.shape), "type": np.dtype(kind).name, "data": data}


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

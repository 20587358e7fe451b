"""Joining modules into one script, and the JavaScript that is shipped from npm."""

import base64
import hashlib
import json
from importlib.resources import files

import pytest

from ostinato.errors import EngineError
from ostinato.inspect.joining import Modules, web_folder


def modules(folder, **sources):
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)
    return Modules([folder])


def test_imports_become_constants_and_exports_what_a_module_returns(tmp_path):
    own = modules(
        tmp_path,
        a='import { one, two as other } from "./b.js";\nimport * as all from "./b.js";\nexport const sum = one;\n',
        b="export function one() {}\nconst hidden = 2;\nexport { hidden as two };\n//# sourceMappingURL=b.js.map\n",
    )
    script = own.joined(["a.js"], 'start(modules["a.js"]);')
    assert 'const { one, two: other } = modules["b.js"];' in script
    assert 'const all = modules["b.js"];' in script
    assert 'return { "one": one, "two": hidden };' in script
    assert 'return { "sum": sum };' in script
    assert script.index('modules["b.js"] = ') < script.index('modules["a.js"] = ') < script.index("start(")
    assert "export" not in script
    assert "sourceMappingURL" not in script


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"a": 'import { x } from "./gone.js";\n'}, "there is no module 'gone.js'"),
        (
            {"a": 'import { x } from "./b.js";\n', "b": 'import { y } from "./a.js";\n'},
            "in a circle: a.js → b.js → a.js",
        ),
        ({"a": "export default 1;\n"}, "a form of import or export that cannot be joined: export default 1"),
        ({"a": 'import x from "./a.js";\n'}, "cannot be joined"),
        ({"a": 'import { x } from "https://example.org/x.js";\n'}, "cannot be joined"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path, sources, told):
    with pytest.raises(EngineError, match=told):
        modules(tmp_path, **sources).joined(["a.js"])


def test_every_module_of_ours_can_be_joined_and_asks_for_nothing_from_elsewhere():
    folders = [
        web_folder("ostinato.inspect"),
        web_folder("ostinato.families.pairs"),
        web_folder("ostinato.families.rolls"),
    ]
    own = Modules(folders)
    script = own.joined(sorted(own.files))
    for call in ("fetch(", "XMLHttpRequest", "WebSocket", "EventSource", "eval(", "innerHTML =", "document.write"):
        assert call not in script.replace("l.innerHTML=", ""), call


def test_what_is_shipped_from_npm_is_what_was_recorded():
    vendor = files("ostinato.inspect") / "web" / "vendor"
    recorded = json.loads((vendor / "vendored.json").read_text())
    assert {name for one in recorded for name in one["files"]} | {"vendored.json"} == {f.name for f in vendor.iterdir()}
    for one in recorded:
        for name, about in one["files"].items():
            digest = base64.b64encode(hashlib.sha512((vendor / name).read_bytes()).digest()).decode()
            assert f"sha512-{digest}" == about["integrity"], name

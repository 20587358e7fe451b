"""Who may import whom, what may be slow to import, and how big things get. Violations fail here, not in review."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ostinato

ROOT = Path(ostinato.__file__).parent
ORDER = [  # lowest first; a module may import its own package and what lies below it
    {"errors", "units"},
    {"config"},
    {"disk"},
    {"batch", "music"},
    {"codecs"},
    {"engine"},
    {"cores"},
    {"data"},
    {"models"},
    {"decode"},
    {"training"},
    {"runs"},
    {"inspect"},
    {"families"},
    {"workshop"},
    {"app"},
]
LEVEL = {package: level for level, layer in enumerate(ORDER) for package in layer}
#: Families that may use others; all may use what lies in families/ itself.
USES = {"tunes": {"text"}}
ROOMS = sorted(path.parent.name for path in (ROOT / "families").glob("*/family.py"))
MODULES = sorted(ROOT.rglob("*.py"))
FACES = {"__init__", "__main__"}  # these re-export from every layer
MOST_LINES, MOST_BODY, MOST_POSITIONAL, MOST_FILES = 450, 45, 6, 20
FACADES = {("workshop/start.py", "train")} | {
    ("families/text/model.py", name)
    for name in ("generate", "stream", "generate_all", "generate_many", "exact_method", "written_by")
}
FORWARDERS = {("families/text/network.py", "forward")}
WITH_POSITIONS = {("cores/scans.py", "forward")}  # an autograd function takes no keywords
WIDE = {"music", "cores", "engine/compiled", "app/verbs"}  # folders of many small files of one kind
FAMILY = re.compile(rf"\b({'|'.join(ROOMS).upper()})\b")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def package_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """Every ostinato package that a module imports, with whether that happens when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"ostinato.{alias.name}" for alias in node.names] if node.module == "ostinato" else [node.module]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("ostinato."))


def test_every_package_has_its_place_in_the_order():
    assert {package_of(path) for path in MODULES} - FACES == set(LEVEL)


def test_imports_point_downwards():
    upward = [
        f"{name_of(path)} imports {target}"
        for path in MODULES
        if package_of(path) not in FACES
        for target in imports(path)
        if target != package_of(path) and LEVEL[target] >= LEVEL[package_of(path)]
    ]
    assert upward == []


def test_families_know_each_other_only_as_the_table_says():
    rooms = [path for path in MODULES if package_of(path) == "families" and len(path.relative_to(ROOT).parts) > 2]
    assert {path.relative_to(ROOT).parts[1] for path in rooms} == set(ROOMS)
    others = [
        f"{name_of(path)} imports family {other}"
        for path in rooms
        for other in re.findall(r"ostinato\.families\.(\w+)\.", path.read_text(encoding="utf-8"))
        if other not in {path.relative_to(ROOT).parts[1]} | USES.get(path.relative_to(ROOT).parts[1], set())
    ]
    assert others == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) else node.body
        size = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        where = f"{name_of(path)}:{node.lineno} {node.name}"
        assert size <= MOST_BODY, f"{where} has {size} lines"
        positions = len([argument for argument in node.args.args if argument.arg not in ("self", "cls")])
        few = positions <= MOST_POSITIONAL or (name_of(path), node.name) in WITH_POSITIONS
        assert few or "compiled" in name_of(path), f"{where} takes {positions} positional arguments"
        if node.args.kwarg:
            assert (name_of(path), node.name) in FACADES | FORWARDERS, f"{where} takes **{node.args.kwarg.arg}"


def test_folders_have_few_files():
    folders = {path.parent for path in MODULES}
    for folder in folders:
        files = [path for path in MODULES if path.parent == folder and path.stem != "__init__"]
        has_rooms = any(other.parent == folder for other in folders)
        if folder.relative_to(ROOT).as_posix() not in WIDE and not has_rooms:
            assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files"


@pytest.mark.parametrize("path", [p for p in MODULES if package_of(p) != "families"], ids=name_of)
def test_nothing_outside_asks_which_family_it_is(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            assert not FAMILY.search(ast.unparse(node)), f"{name_of(path)}:{node.lineno} {ast.unparse(node)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            kinds = ast.unparse(node.args[1])
            of_family = re.search(
                r"(Text|Tune|Pair|Label)(Family|Settings|Model)|LanguageModel|Translator|Annotator", kinds
            )
            assert not of_family, f"{name_of(path)}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_docstrings_begin_with_a_verb_or_a_noun(path):
    odd = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and (text := ast.get_docstring(node)):
            entries = re.findall(r"^\s+\*{0,2}\w[\w.]*: ((?:What|How|Of|Which|Whose)\b.*)", text, re.M)
            odd += entries + ([text.splitlines()[0]] if re.match(r"(What|How|Of|Which|Whose)\b", text) else [])
        if isinstance(node, ast.FunctionDef):
            stored = [n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            odd += [f"{node.name} assigns {n.id}" for n in stored if n.id == "found"]
    assert odd == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_what_is_public_say_what_they_are_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), name_of(path)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name_of(path)}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", [p for p in MODULES if package_of(p) != "app"], ids=name_of)
def test_the_library_never_prints_and_never_asks_an_object_what_it_has(path):
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    allowed = {"getattr"} if name_of(path) in ("__init__.py", "families/text/settings.py") else set()
    assert not calls & ({"print", "hasattr", "getattr", "setattr", "exec", "eval"} - allowed)


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "code",
    [
        "import ostinato; dir(ostinato)",
        "import ostinato.errors, ostinato.config, ostinato.disk, ostinato.batch, ostinato.codecs, ostinato.data",
        "import ostinato.data.cache, ostinato.data.fetching, ostinato.decode.shards",
        "import ostinato.runs, ostinato.families, ostinato.decode.pipeline, ostinato.decode.noise",
        "import ostinato.engine.engine, ostinato.engine.beam, ostinato.engine.sampling, ostinato.engine.scanning",
        "import ostinato.decode.compiled, ostinato.decode.paths, ostinato.decode.text",
        "import ostinato.families.text.model, ostinato.families.text.generation",
        "import ostinato.decode.searching, ostinato.decode.constraints, ostinato.data.ngrams, ostinato.data.copies",
        "from ostinato.app.commands import COMMANDS, module_of; [module_of(command.name) for command in COMMANDS]",
        "import ostinato.data.pairs, ostinato.data.pair_streams, ostinato.codecs.pairs",
        "from ostinato.app.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from ostinato.app.cli import main; main(['recipes', 'char-lm']); main(['data'])",
    ],
)
def test_the_torch_free_set_imports_no_torch(code):
    done = run_python(f"{code}\nimport sys; sys.exit('torch' in sys.modules and 7)")
    assert done.returncode == 0, done.stderr


def test_info_and_runs_need_no_torch(text_run):
    code = f"""
import sys
from ostinato.app.cli import main
assert main(["info", {str(text_run)!r}]) == 0
assert main(["runs", {str(text_run.parent)!r}]) == 0
assert main(["export", {str(text_run)!r}, {str(text_run / "m.safetensors")!r}]) == 0
assert main(["info", {str(text_run / "m.safetensors")!r}]) == 0
sys.exit("torch" in sys.modules and 7)
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_those_that_can_be_imported():
    assert sorted(ostinato._HOME) == sorted(ostinato.__all__)
    for name in ostinato.__all__:
        assert getattr(ostinato, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        ostinato.trian  # noqa: B018


POSIX_ONLY = {
    "fork",
    "getuid",
    "geteuid",
    "statvfs",
    "posix_fallocate",
    "chown",
    "mkfifo",
    "getpgid",
    "killpg",
    "setsid",
    "nice",
    "getloadavg",
    "SIGKILL",
    "SIGHUP",
    "SIGUSR1",
    "SIGALRM",
    "SIGSTOP",
    "O_DIRECTORY",
}
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_called_that_only_posix_has(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    from_ = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named |= {node.module for node in from_}
    used |= {alias.name for node in from_ if node.module in ("os", "signal") for alias in node.names}
    assert not used & POSIX_ONLY
    assert not named & POSIX_MODULES

"""Settings of the documentation site; tests/app/test_site.py builds it with warnings as errors."""

import importlib.metadata
from collections.abc import Callable
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

project = "ostinato"
author = "the ostinato developers"
release = importlib.metadata.version("ostinato")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"ostinato {release}"
exclude_patterns = ["_build", "howto/examples"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository; tests/app/test_docs.py checks those
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_custom_sections = ["Source"]
html_show_copyright = False
highlight_language = "none"


def show_equations(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show the indented equations of a docstring as they are written, not as a quotation."""
    shown: list[str] = []
    for line in lines:
        begins = line.startswith("    ") and shown and not shown[-1].strip()
        before = next((text for text in reversed(shown) if text.strip()), "")
        if begins and before and not before.startswith(" ") and before != "::":
            shown += ["::", ""]
        shown.append(line)
    lines[:] = shown


def as_mathml(display: str) -> Callable[[Any, Any], None]:
    """Make what writes an equation as MathML, which browsers show without a script or a network."""

    def visit(translator: Any, node: Any) -> None:
        translator.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", show_equations, priority=900)
    app.add_html_math_renderer("mathml", (as_mathml("inline"), None), (as_mathml("block"), None))

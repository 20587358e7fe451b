"""Settings of the documentation site; tests/app/test_site.py builds it with warnings as errors."""

import importlib.metadata

project = "ostinato"
author = "the ostinato developers"
release = importlib.metadata.version("ostinato")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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

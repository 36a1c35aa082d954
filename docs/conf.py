"""Sphinx: Markdown pages, and the reference from the docstrings."""

from pronghorn._version import __version__

project = "pronghorn"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"pronghorn {version}"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# "type" in a signature is the builtin; Sphinx also knows the field of that name of both WebSocket messages.
suppress_warnings = ["ref.python"]

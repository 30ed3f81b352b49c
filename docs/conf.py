"""How Sphinx builds these pages: `make docs`. Needs no network."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

import perrin
from perrin.cli.main import app as perrin_app
from perrin.settings.base import Settings

project = "perrin"
author = "The perrin developers"
project_copyright = author
version = release = perrin.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "_figures"]
html_theme = "furo"
html_math_renderer = "mathml"  # browsers draw it themselves; MathJax comes from the network
html_title = f"perrin {version}"
html_static_path = ["_static"]
html_css_files = ["perrin.css"]

default_role = "code"  # single backticks in docstrings are code
napoleon_use_rtype = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings say what goes in and out, with shapes and units
autodoc_class_signature = "mixed"

myst_enable_extensions = ["deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by what a user types."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, part in command.commands.items():
        yield from commands(f"{name} {word}", part)


def command_reference() -> str:
    """The help of every command, as Markdown."""
    parts = []
    for name, command in commands("perrin", typer.main.get_command(perrin_app)):
        context = command.make_context(name, [], resilient_parsing=True, terminal_width=90)
        parts.append(f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def describe_settings(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, lines: list[str]
) -> None:
    """Under the docstring of a settings model: its fields, meanings, defaults and bounds."""
    if what != "class" or not (inspect.isclass(obj) and issubclass(obj, Settings)):
        return
    for field, info in obj.model_fields.items():
        facts = [] if info.is_required() else [f"default {info.get_default()!r}"]
        facts += [str(bound) for bound in info.metadata if type(bound).__name__ in _BOUNDS]
        lines += ["", f"``{field}``", f"    {info.description or ''} ({'; '.join(facts)})"]


def describe_fields(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, lines: list[str]
) -> None:
    """Under the docstring of a data class: its fields, types, and what stands below each."""
    if what != "class" or not dataclasses.is_dataclass(obj):
        return
    analyzer = ModuleAnalyzer.for_module(obj.__module__)
    analyzer.analyze()
    for field in dataclasses.fields(obj):
        text = analyzer.attr_docs.get((obj.__qualname__, field.name))
        if text:
            lines += ["", f"``{field.name}`` : ``{field.type}``", f"    {' '.join(text).strip()}"]


_BOUNDS = {"Gt", "Ge", "Lt", "Le"}
myst_substitutions = {"commands": command_reference()}


def draw_inline(writer: Any, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def draw_block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    writer.body.append(tex2mathml(node.astext(), as_block=True))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (draw_inline, None), (draw_block, None))
    app.connect("autodoc-process-docstring", describe_settings)
    app.connect("autodoc-process-docstring", describe_fields)

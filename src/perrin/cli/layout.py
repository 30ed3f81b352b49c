"""How `--help` reads: examples first, options and commands in groups, nothing cut off."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

ANALYZE, MANY, SIMULATE = "Analyze", "Many measurements", "Simulate"
LOOK, NETWORKS = "Look", "Networks"
COMMANDS = (ANALYZE, LOOK, MANY, SIMULATE, NETWORKS)
"""Groups of commands, in the order of `perrin --help`."""

FINDING, SCORES, FILE = "How events are found", "Networks and filter", "What the file does not say"
NUMBERS = "Intervals and random numbers"
LINKING = "How particles are found and linked"
_OPTIONS = "Options"

Item = TypeVar("Item")


class Command(TyperCommand):
    """A command whose docstring may hold lines to be typed, indented by four."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the docstring; what is indented there stays as it is."""
        _write_text(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options by group: the common ones first, `--help` with them."""
        shown = [(one, one.get_help_record(ctx)) for one in self.get_params(ctx)]
        arguments = [said for one, said in shown if said and one.param_type_name == "argument"]
        options = [
            (getattr(one, "rich_help_panel", None) or _OPTIONS, said)
            for one, said in shown
            if said and one.param_type_name == "option"
        ]
        for title, rows in [("Arguments", arguments), *_grouped(options, first=_OPTIONS)]:
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(TyperGroup):
    """Commands by group, each with its whole first sentence."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the text; what is indented there stays as it is."""
        _write_text(self.help or "", formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, whole sentences."""
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (
                getattr(one, "rich_help_panel", None) or "Commands",
                (name, " ".join(_paragraphs(one.help or "")[0].split())),
            )
            for name, one in named
            if one is not None and not one.hidden
        ]
        order = {title: place for place, title in enumerate(COMMANDS)}
        for title, group in sorted(_grouped(rows), key=lambda one: order.get(one[0], 99)):
            with formatter.section(title):
                formatter.write_dl(group)


class App(typer.Typer):
    """A group of commands that are shown so."""

    def __init__(self, **given: Any) -> None:
        super().__init__(cls=Group, no_args_is_help=True, rich_markup_mode=None, **given)

    def command(self, name: str | None = None, **given: Any) -> Any:
        """Add a command, as `typer.Typer.command` does."""
        return super().command(name, cls=Command, **given)


def _paragraphs(text: str) -> list[str]:
    return inspect.cleandoc(text).split("\n\n")


def _write_text(text: str, formatter: Any) -> None:
    for paragraph in _paragraphs(text):
        formatter.write_paragraph()
        with formatter.indentation():
            if paragraph.startswith("    "):
                for line in paragraph.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line.strip()}\n")
            elif paragraph:
                formatter.write_text(paragraph.replace("::", ":"))


def _grouped(
    pairs: Iterable[tuple[str, Item]], *, first: str | None = None
) -> list[tuple[str, list[Item]]]:
    """Items by the title of their group, groups in the order in which they are met."""
    found: dict[str, list[Item]] = {} if first is None else {first: []}
    for title, item in pairs:
        found.setdefault(title, []).append(item)
    return list(found.items())

"""The right side of the page: results, to look at and to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import ui

from perrin.app.export import zipped
from perrin.app.folders import folder_kind
from perrin.app.guard import FILES
from perrin.app.tasks import Kind
from perrin.app.words import address
from perrin.app.workspace import AFFINITY

if TYPE_CHECKING:
    from perrin.app.session import Session

Chosen = Callable[[str], Awaitable[None]]
_TABLES = ("events.csv", "trajectories.csv", "tracks.csv", "measurements.csv", "wells.csv")
_ONWARD: dict[Kind | None, str] = {
    "tracked": "Go on with the tracks",
    "batch": "Affinities",
}


class Shelf:
    """Results folders with their reports, and calibrations with their pictures."""

    def __init__(self, session: Session, *, use_calibration: Chosen, choose: Chosen) -> None:
        """Take the session and what happens to what is chosen here; nothing is drawn yet."""
        self.session = session
        self.use_calibration = use_calibration
        self.choose = choose

    @ui.refreshable_method
    def showing(self) -> None:
        """Show a report or a calibration, and offer to take it away."""
        workspace = self.session.workspace
        there = [*workspace.results(), *filter(workspace.can_show, workspace.calibrations())]
        shown = self.session.shown if self.session.shown in there else None
        shown = shown or (there[0] if there else None)
        if shown is None:
            with ui.column().classes("w-full h-full items-center justify-center"):
                ui.label("The report appears here").classes("text-h6")
                ui.label(
                    "Choose or drop a movie, a table of events, tracks of moving particles, or a "
                    "sheet of many measurements. Nothing leaves this computer."
                ).classes("quiet welcome")
            return
        with ui.row().classes("items-center").style("padding: 6px 14px"):
            ui.select(there, value=shown, label="Results", on_change=self._show).props("dense")
            if shown.endswith(".json"):
                self._calibration(shown)
            else:
                self._folder(shown)
        if picture := self._picture(shown):
            ui.element("img").props(f'src="{picture}" alt="Picture of {quote(shown)}"').classes(
                "picture"
            )
            return
        ui.element("iframe").props(
            f'src="{address(shown, "report.html")}" title="Report of {quote(shown)}" '
            'sandbox="allow-scripts allow-downloads allow-modals"'
        )

    def _picture(self, shown: str) -> str:
        """Where the picture is that is shown; empty where there is a report instead."""
        if shown.endswith(".json"):
            return f"{FILES}{quote(shown.removesuffix('.json'))}.svg"
        folder = self.session.workspace.path(shown)
        return "" if (folder / "report.html").is_file() else address(shown, AFFINITY)

    def _folder(self, shown: str) -> None:
        folder = self.session.workspace.path(shown)
        if (folder / "report.html").is_file():
            self._button("Report", lambda: ui.download(address(shown, "report.html")))
        tables = [name for name in _TABLES if (folder / name).is_file()]
        if tables:
            self._button("Table", lambda: ui.download(address(shown, tables[0])))
        self._button("Everything (ZIP)", lambda: self._everything(shown))
        if words := _ONWARD.get(folder_kind(folder)):
            ui.button(words, on_click=lambda: self.choose(shown)).props("flat dense no-caps")

    def _calibration(self, shown: str) -> None:
        ui.label("Is each peak read as the right mass?").classes("quiet")
        ui.button("Use it", on_click=lambda: self._accept(shown)).props("dense no-caps")
        if shown in self.session.workspace.made:
            ui.button("Throw it away", on_click=lambda: self._refuse(shown)).props(
                "flat dense no-caps color=negative"
            )

    async def _accept(self, name: str) -> None:
        ui.notify(f"{name} is used for the movies that follow.")
        await self.use_calibration(name)

    async def _refuse(self, name: str) -> None:
        self.session.workspace.discard_calibration(name)
        self.session.shown = None
        self.showing.refresh()

    @staticmethod
    def _button(text: str, action: Callable[[], Any]) -> None:
        """Draw a button that takes something away."""
        ui.button(text, icon="download", on_click=action).props("flat dense no-caps")

    def _show(self, event: Any) -> None:
        self.session.shown = event.value
        self.showing.refresh()

    async def _everything(self, name: str) -> None:
        packed = await asyncio.to_thread(zipped, self.session.workspace.path(name))
        ui.download.content(packed, f"{name}.zip")

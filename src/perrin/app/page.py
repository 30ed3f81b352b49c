"""The one page of the app: files, what to do with them, choices; run and results beside them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nicegui import ui
from pydantic import ValidationError

from perrin._version import __version__
from perrin.app.choices import NO_MODEL, OF_THE_FILE, Choices, for_another_file
from perrin.app.form import FIELDS, Field
from perrin.app.looking import Look, look, together
from perrin.app.running import Runner
from perrin.app.session import Session
from perrin.app.shelf import Shelf
from perrin.app.style import PRIMARY, STYLE
from perrin.app.words import same, typed
from perrin.errors import PerrinError
from perrin.settings.base import what_is_wrong

if TYPE_CHECKING:
    from nicegui.events import UploadEventArguments

    from perrin.app.tasks import Task

_UNDECIDED = "not chosen"


class Page:
    """The page for one browser window, over the session that all windows share."""

    def __init__(self, session: Session) -> None:
        """Take the session; nothing is drawn yet."""
        self.session = session
        self.choices = session.workspace.remembered()
        self.look: Look | None = None
        self.task: Task | None = None
        self.listed: dict[str, tuple[bool, str]] = {}
        self.shelf = Shelf(session, use_calibration=self.use_calibration, choose=self.choose_only)
        self.runner = Runner(self)

    def build(self) -> None:
        """Draw everything."""
        self.client = ui.context.client
        ui.add_css(STYLE)
        ui.colors(primary=PRIMARY)
        with ui.row(wrap=False).classes("w-full").style("gap: 0"):
            with ui.column().classes("side").props('role="main"'):
                with ui.row(wrap=False).classes("items-baseline").style("gap: 10px"):
                    ui.label(f"perrin {__version__}").classes("text-h6 text-primary name")
                    ui.label(f"works in {self.session.workspace.folder}, nowhere else").classes(
                        "quiet"
                    )
                self._files()
                self.choosing()
                self.runner.build()
            with ui.column().classes("main"):
                self.shelf.showing()
        ui.timer(0.3, self.runner.tick)
        if self.session.chosen:  # the page was opened again: the session knows what was chosen
            ui.timer(0.05, self.look_again, once=True)

    # ---- files

    def _files(self) -> None:
        ui.label("1  Files").classes("step")
        ui.upload(
            label="Drop movies, tables or sheets here",
            multiple=True,
            auto_upload=True,
            on_upload=self._dropped,
        ).props("flat bordered")
        with ui.row().style("gap: 4px"):
            ui.button("Load example", on_click=self.runner.example).props("outline dense no-caps")
            ui.button("Select all", on_click=self._choose_all).props("flat dense no-caps")
            ui.button("Make a sheet", on_click=self._sheet).props("flat dense no-caps")
            ui.button("Look again", on_click=self.listing.refresh).props("flat dense no-caps")
        self.listing()

    @ui.refreshable_method
    def listing(self) -> None:
        """List the files of the folder, each to be chosen; below one that failed, why."""
        self.listed = self._rows()
        if not self.listed:
            ui.label("No files yet: drop some, or load the example.").classes("quiet")
        with ui.column().classes("files"):
            for name, (chosen, why) in self.listed.items():
                ui.checkbox(
                    name,
                    value=chosen,
                    on_change=lambda event, name=name: self._choose(name, chosen=event.value),
                ).classes("file").props("dense")
                if why:
                    ui.label(why).classes("problem because")

    def _rows(self) -> dict[str, tuple[bool, str]]:
        """The files by name: whether each is chosen, and why it failed."""
        session = self.session
        names = session.workspace.files()
        session.chosen = [name for name in session.chosen if session.workspace.has(name)]
        names += [name for name in session.chosen if name not in names]  # in a results folder
        return {name: (name in session.chosen, session.why(name)) for name in names}

    async def _dropped(self, event: UploadEventArguments) -> None:
        try:
            path = self.session.workspace.free(event.file.name)
            await event.file.save(path)
        except (PerrinError, OSError) as error:
            ui.notify(str(error), type="negative")
            return
        event.sender.reset()  # type: ignore[attr-defined]
        await self.choose_only(path.name)

    async def choose_only(self, name: str) -> None:
        """Choose one file and no other."""
        self.choices, self.task = for_another_file(self.choices), None
        self.session.chosen = [name]
        await self.look_again()

    async def _choose(self, name: str, *, chosen: bool) -> None:
        others = [other for other in self.session.chosen if other != name]
        self.choices = for_another_file(self.choices)
        self.session.chosen = [*others, name] if chosen else others
        if name in self.listed:
            self.listed[name] = (chosen, self.listed[name][1])  # its box shows it already
        await self.look_again()

    async def _choose_all(self) -> None:
        names = self.session.workspace.files()
        self.choices = for_another_file(self.choices)
        self.session.chosen = [] if set(names) <= set(self.session.chosen) else names
        await self.look_again()

    async def _sheet(self) -> None:
        try:
            name = self.session.workspace.make_sheet(self.session.chosen)
        except PerrinError as error:
            ui.notify(str(error), type="warning")
            return
        ui.notify(f"{name} has a row a file. Fill in samples and concentrations with any editor.")
        await self.choose_only(name)

    async def look_again(self) -> None:
        """Look at the chosen files and say what they are."""
        self.look = await self._seen()
        if self.client.is_deleted:  # the window was closed meanwhile
            return
        tasks = () if self.look is None else self.look.tasks
        if self.task not in tasks:
            self.task = tasks[0] if self.look is not None and tasks and self.look.certain else None
        if self.listed != self._rows():  # boxes drawn anew would lose the clicks under way
            self.listing.refresh()
        self.choosing.refresh()

    async def _seen(self) -> Look | None:
        session = self.session
        session.looks = {
            name: await asyncio.to_thread(look, session.workspace.path(name), self.choices)
            for name in list(session.chosen)
        }
        return together(list(session.looks.values()))

    # ---- choices

    @ui.refreshable_method
    def choosing(self) -> None:
        """Say what the chosen file is, ask what to do and for what it lacks, offer settings."""
        seen = self.look
        if seen is None:
            return
        ui.label(seen.description).classes("problem" if seen.kind is None else "")
        if seen.kind is None:
            return
        ui.label("; ".join(f"{name} {text}" for name, text in seen.facts)).classes("quiet")
        for sentence in seen.sentences:
            ui.label(sentence).classes("quiet")
        ui.label("2  Settings").classes("step")
        self._task(seen)
        task = self.task
        self.asking = ui.label("Still to be said:").classes("problem")
        fields = [] if task is None else [one for one in FIELDS if one.name in task.choices]
        asked = [one for one in fields if one.name in self.missing()]
        self.asking.set_visibility(bool(asked))
        for item in asked:
            self._input(item)
        for item in fields:
            if item.usual and item not in asked:
                self._input(item)
        if fields:
            with ui.expansion("All settings").classes("w-full").props("dense"):
                for item in fields:
                    if not item.usual and item not in asked:
                        self._input(item)

    def _task(self, seen: Look) -> None:
        """What is to be done; chosen already where the file leaves no doubt."""
        offered: dict[Any, str] = {task.verb: task.label for task in seen.tasks}
        if self.task is None:
            offered = {None: _UNDECIDED} | offered
        ui.select(
            offered,
            value=None if self.task is None else self.task.verb,
            label="What is it for?",
            on_change=self._decide,
        ).classes("w-full").props('data-name="task" dense')
        if self.task is not None and self.task.together and len(self.session.chosen) > 1:
            ui.select(
                {True: "each by itself", False: "overlaid, in one report"},
                value=self.session.apart,
                label="Several files",
                on_change=lambda event: setattr(self.session, "apart", event.value),
            ).classes("w-full").props("dense")

    def _decide(self, event: Any) -> None:
        tasks = () if self.look is None else self.look.tasks
        self.task = next((task for task in tasks if task.verb == event.value), None)
        self.choosing.refresh()

    def missing(self) -> list[str]:
        """Return the choices that are still to be made before it can run."""
        if self.look is None or self.task is None:
            return []
        needed = [name for name in self.task.needs if getattr(self.choices, name) is None]
        return [name for name in self.look.missing if name in self.task.options] + needed

    def _input(self, item: Field) -> None:
        """Draw one setting; it is kept as soon as it is valid, and said to be wrong otherwise."""
        value = getattr(self.choices, item.name)
        options = self._options(item)
        if options is not None:
            value = value if value in options else None
            made: Any = ui.select(options, value=value, label=item.label).props("dense")
        elif isinstance(value, bool):
            made = ui.checkbox(item.label, value=value)
        else:
            made = ui.input(item.label, value=typed(value))
            made.props("dense debounce=400" + (f' hint="{item.hint}"' if item.hint else ""))
        made.classes("w-full").props(f'data-name="{item.name}"')
        made.on_value_change(lambda event: self._set(item, event.value, made))

    def _options(self, item: Field) -> dict[Any, str] | None:
        """What can be chosen for a setting, and how it is named; None where it is typed."""
        workspace = self.session.workspace
        if item.name in ("edited", "movie"):
            others = [name for name in workspace.files() if name not in self.session.chosen]
            return {None: "not chosen"} | same(others)
        if item.name == "calibration":
            return {None: "none: contrasts only"} | same(workspace.calibrations())
        if item.name == "mass_calibration":
            return {None: "none: no masses"} | same(workspace.calibrations())
        if item.name == "table_calibration":
            return {None: "none: masses as they are in the table"} | same(workspace.calibrations())
        if item.name == "psf":
            return {None: "measured in the movie"} | same(workspace.psfs())
        if item.name == "model" and self.task is not None and self.task.network is not None:
            found = {None: "default"} | same(workspace.models(self.task.network))
            return found | ({NO_MODEL: "none"} if self.task.network == "classifier" else {})
        return item.options

    async def _set(self, item: Field, value: Any, made: Any) -> None:
        given = None if value == "" else value
        changed = self.choices.model_dump() | {item.name: given}
        try:
            self.choices = Choices.model_validate(changed)
        except ValidationError as error:
            made.props(f'error error-message="{what_is_wrong(error.errors()[0])}"')
            return
        made.props(remove="error")
        self.session.workspace.remember(self.choices)
        if item.name in OF_THE_FILE:
            self.look = await self._seen()  # and leave the form as it is: someone types in it
            self.asking.set_visibility(bool(self.missing()))

    async def use_calibration(self, name: str) -> None:
        """Take a calibration for the movies that follow."""
        self.choices = self.choices.model_copy(update={"calibration": name})
        self.session.workspace.remember(self.choices)
        self.choosing.refresh()

"""The one page of the app: files, choices, run, results."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import background_tasks, ui
from pydantic import ValidationError

from perrin._version import __version__
from perrin.app.choices import (
    NO_MODEL,
    TASKS,
    Choices,
    command,
    example_commands,
    for_another_file,
)
from perrin.app.export import zipped
from perrin.app.form import FIELDS, Field
from perrin.app.job import Job
from perrin.app.looking import Look, look
from perrin.app.words import address, same, status, typed
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import UploadEventArguments

    from perrin.app.choices import Kind
    from perrin.app.workspace import Workspace

_PRIMARY = "#2480c0"  # the blue of the figures, lighter: read on white and on black
_STYLE = """
.nicegui-content { padding: 0; gap: 0; }
.side { width: 380px; height: 100vh; overflow: auto; padding: 12px 18px; gap: 8px; }
.side { flex-wrap: nowrap; border-right: 1px solid #8884; }
.side > * { flex-shrink: 0; }
.main { flex: 1; height: 100vh; min-width: 0; }
.main { gap: 0; flex-wrap: nowrap; }
.welcome { max-width: 46ch; text-align: center; }
.main iframe { border: 0; width: 100%; height: 100%; }
.step { font-weight: 700; font-size: 15px; margin-top: 6px; }
.files { width: 100%; max-height: 190px; overflow: auto; gap: 0; }
.file { width: 100%; font-size: 14px; }
.quiet { opacity: .72; font-size: 13px; }
.facts { font-size: 13px; display: grid; grid-template-columns: max-content 1fr; gap: 1px 12px; }
.said { font-size: 12.5px; white-space: pre-wrap; overflow-wrap: anywhere; }
.said { max-height: 104px; overflow: auto; width: 100%; }
.problem { color: #b3261e; font-size: 13.5px; }
.run { position: sticky; bottom: -12px; width: 100%; gap: 6px; padding: 4px 0 12px; }
.run, .side { background: #fff; }
.q-uploader { width: 100%; max-height: 120px; }
.q-uploader__list { min-height: 30px; padding: 0; }
body.body--dark .run, body.body--dark .side { background: #121212; }
body.body--dark .problem { color: #ff8a80; }
"""


@dataclass
class Session:
    """What goes on, whatever browser looks at it: one person, one folder, one job at a time."""

    workspace: Workspace
    chosen: list[str] = field(default_factory=list)
    job: Job | None = None
    out: str | None = None
    shown: str | None = None


class Page:
    """The page for one browser window, over the session that all windows share."""

    def __init__(self, session: Session) -> None:
        """Take the session; nothing is drawn yet."""
        self.session = session
        self.choices = session.workspace.remembered()
        self.look: Look | None = None
        self.ended: Job | None = session.job  # whose end was shown

    def build(self) -> None:
        """Draw everything."""
        ui.add_css(_STYLE)
        ui.colors(primary=_PRIMARY)
        with ui.row(wrap=False).classes("w-full").style("gap: 0"):
            with ui.column().classes("side").props('role="main"'):
                ui.label(f"perrin {__version__}").classes("text-h6 text-primary")
                ui.label(f"works in {self.session.workspace.folder}, nowhere else").classes("quiet")
                self._files()
                self.choosing()
                self._running()
            with ui.column().classes("main"):
                self.showing()
        ui.timer(0.3, self._tick)
        if self.session.chosen:  # the page was opened again: the session knows what was chosen
            ui.timer(0.05, self._look, once=True)

    # ---- files

    def _files(self) -> None:
        ui.label("1  Files").classes("step")
        ui.upload(
            label="Drop movies, event tables or tracks here",
            multiple=True,
            auto_upload=True,
            on_upload=self._dropped,
        ).props("flat bordered")
        with ui.row():
            ui.button("Load example", on_click=self._example).props("outline dense no-caps")
            ui.button("Look again", on_click=self.listing.refresh).props("flat dense no-caps")
        self.listing()

    @ui.refreshable_method
    def listing(self) -> None:
        """List the files of the folder, each to be chosen."""
        names = self.session.workspace.files()
        self.session.chosen = [name for name in self.session.chosen if name in names]
        if not names:
            ui.label("No files yet: drop some, or load the example.").classes("quiet")
        with ui.column().classes("files"):
            for name in names:
                ui.checkbox(
                    name,
                    value=name in self.session.chosen,
                    on_change=lambda event, name=name: self._choose(name, chosen=event.value),
                ).classes("file").props("dense")

    async def _dropped(self, event: UploadEventArguments) -> None:
        try:
            path = self.session.workspace.free(event.file.name)
            await event.file.save(path)
        except (PerrinError, OSError) as error:
            ui.notify(str(error), type="negative")
            return
        event.sender.reset()  # type: ignore[attr-defined]
        self.choices = for_another_file(self.choices)
        self.session.chosen = [path.name]
        await self._look()

    async def _choose(self, name: str, *, chosen: bool) -> None:
        self.choices = for_another_file(self.choices)
        others = [other for other in self.session.chosen if other != name]
        self.session.chosen = [*others, name] if chosen else others
        await self._look()

    async def _look(self) -> None:
        """Look at the chosen files and say what they are."""
        self.look = await self._seen()
        self.listing.refresh()
        self.choosing.refresh()

    async def _seen(self) -> Look | None:
        """What the chosen files are; several go together if they are of one kind."""
        chosen, workspace = self.session.chosen, self.session.workspace
        looks = [
            await asyncio.to_thread(look, workspace.path(name), self.choices) for name in chosen
        ]
        if len({seen.kind for seen in looks}) > 1:
            return Look(None, "Files of different kinds do not go into one analysis.")
        if len(looks) > 1 and looks[-1].kind == "tracks":
            return Look(None, "Tracks are analyzed one file at a time.")
        return looks[-1] if looks else None

    # ---- choices

    @ui.refreshable_method
    def choosing(self) -> None:
        """Say what the chosen file is, ask for what it lacks, offer the settings of its kind."""
        seen = self.look
        if seen is None:
            return
        ui.label(seen.description).classes("problem" if seen.kind is None else "")
        if seen.kind is None:
            return
        with ui.element("div").classes("facts"):
            for name, text in seen.facts:
                ui.label(name).classes("quiet")
                ui.label(text)
        for sentence in seen.sentences:
            ui.label(sentence).classes("quiet")
        fields = [item for item in FIELDS if seen.kind in item.kinds]
        asked = [item for item in fields if item.name in seen.missing]
        self.asking = ui.label("The file does not say, so please do:").classes("problem")
        self.asking.set_visibility(bool(asked))
        for item in asked:
            self._input(item)
        ui.label("2  Settings").classes("step")
        for item in fields:
            if item.usual and item not in asked:
                self._input(item)
        with ui.expansion("All settings").classes("w-full").props("dense"):
            for item in fields:
                if not item.usual and item not in asked:
                    self._input(item)

    def _input(self, item: Field) -> None:
        """Draw one setting; it is kept as soon as it is valid, and said to be wrong otherwise."""
        value = getattr(self.choices, item.name)
        options = self._options(item)
        if options is not None:
            value = value if value in options else None
            made: Any = ui.select(options, value=value, label=item.label)
        elif isinstance(value, bool):
            made = ui.checkbox(item.label, value=value)
        else:
            made = ui.input(item.label, value=typed(value))
            made.props("dense debounce=400")
        made.classes("w-full").props(f'data-name="{item.name}"')
        made.on_value_change(lambda event: self._set(item, event.value, made))

    def _options(self, item: Field) -> dict[Any, str] | None:
        """What can be chosen for a setting, and how it is named; None where it is typed."""
        workspace = self.session.workspace
        if item.name == "calibration":
            return {None: "none: a spectrum of contrast"} | same(workspace.calibrations())
        if item.name == "model" and self.look is not None and self.look.kind is not None:
            found = {None: "default"} | same(workspace.models(TASKS[self.look.kind]))
            return found | ({NO_MODEL: "none"} if self.look.kind == "movie" else {})
        return item.options

    async def _set(self, item: Field, value: Any, made: Any) -> None:
        given = None if value == "" else value
        changed = self.choices.model_dump() | {item.name: given}
        try:
            self.choices = Choices.model_validate(changed)
        except ValidationError as error:
            made.props(f'error error-message="{error.errors()[0]["msg"]}"')
            return
        made.props(remove="error")
        self.session.workspace.remember(self.choices)
        if self.look is not None and item.name in self.look.missing:
            self.look = await self._seen()  # and leave the form as it is: someone types in it
            self.asking.set_visibility(self.look is not None and bool(self.look.missing))

    # ---- running

    def _running(self) -> None:
        with ui.column().classes("run"):
            ui.label("3  Run").classes("step")
            with ui.row():
                self.run_button = ui.button("Analyze", on_click=self._analyze).props("no-caps")
                self.cancel_button = ui.button("Cancel", on_click=self._cancel)
                self.cancel_button.props("no-caps outline color=negative")
            self.bar = ui.linear_progress(0, show_value=False).props("rounded size=10px")
            self.status = ui.label("").classes("said").props('role="status"')
            self.problem = ui.label("").classes("problem").props('role="alert"')

    def _analyze(self) -> None:
        seen, session = self.look, self.session
        if seen is None or seen.kind is None:
            ui.notify("Choose a file first.", type="warning")
            return
        if seen.missing:
            wanted = [item.label for item in FIELDS if item.name in seen.missing]
            ui.notify(f"Still missing: {', '.join(wanted)}.", type="warning")
            return
        choices = self._still_there(seen.kind)
        try:
            out = session.workspace.free(f"{Path(session.chosen[0]).stem}-results").name
        except PerrinError as error:
            ui.notify(str(error), type="negative")
            return
        self._begin(
            [command(seen.kind, session.chosen, choices, out=out)], f"Analyzing into {out}", out=out
        )

    def _still_there(self, kind: Kind) -> Choices:
        """Return the choices without files that have gone, or that belong to another kind."""
        workspace = self.session.workspace
        gone: dict[str, None] = {}
        if self.choices.calibration not in workspace.calibrations():
            gone["calibration"] = None
        models = workspace.models(TASKS[kind]) if kind in TASKS else []
        if self.choices.model not in [*models, *([NO_MODEL] if kind == "movie" else [])]:
            gone["model"] = None
        return self.choices.model_copy(update=gone)

    def _example(self) -> None:
        have = self.session.workspace.files()
        if "example.mp" in have and self.session.workspace.calibrations():
            self._use_example()
            return
        self._begin(example_commands(), "Simulating the example")

    def _use_example(self) -> None:
        self.session.chosen = ["example.mp"]
        kept = for_another_file(self.choices)
        self.choices = kept.model_copy(update={"calibration": "example-calibration.json"})
        background_tasks.create(self._look())

    def _begin(self, commands: list[list[str]], title: str, *, out: str | None = None) -> None:
        session = self.session
        if session.job is not None and session.job.state == "running":
            ui.notify("Something is running already; cancel it first.", type="warning")
            return
        session.job, session.out = Job(commands, session.workspace.folder, title), out
        background_tasks.create(session.job.run())

    async def _cancel(self) -> None:
        if self.session.job is not None:
            await self.session.job.cancel()

    def _tick(self) -> None:
        """Show how the job stands; when it has just ended, what came of it."""
        job = self.session.job
        running = job is not None and job.state == "running"
        self.cancel_button.set_visibility(running)
        self.cancel_button.set_enabled(job is not None and not job.stopping)
        self.bar.set_visibility(running)
        self.run_button.set_enabled(not running)
        if job is None:
            return
        self.bar.set_value(job.fraction)
        self.problem.set_text(job.error if job.state == "failed" else "")
        self.status.set_text(status(job))
        if not running and job is not self.ended:
            self.ended = job
            self._ended(job)

    def _ended(self, job: Job) -> None:
        if job.state == "done" and self.session.out is not None:
            self.session.shown = self.session.out
            self.showing.refresh()
        elif job.state == "done":
            self._use_example()
        self.listing.refresh()

    # ---- results

    @ui.refreshable_method
    def showing(self) -> None:
        """Show a report, and offer to take it away."""
        results = self.session.workspace.results()
        shown = self.session.shown if self.session.shown in results else None
        shown = shown or (results[0] if results else None)
        if shown is None:
            with ui.column().classes("w-full h-full items-center justify-center"):
                ui.label("The report appears here").classes("text-h6")
                ui.label(
                    "Choose or drop a movie, a table of events, or tracks of moving particles. "
                    "Nothing leaves this computer."
                ).classes("quiet welcome")
            return
        with ui.row().classes("items-center").style("padding: 6px 14px"):
            ui.select(results, value=shown, label="Results", on_change=self._show).props("dense")
            self._button("Report", lambda: ui.download(address(shown, "report.html")))
            table = "trajectories.csv"
            if (self.session.workspace.path(shown) / "events.csv").is_file():
                table = "events.csv"
            self._button("Table", lambda: ui.download(address(shown, table)))
            self._button("Everything (ZIP)", lambda: self._everything(shown))
        ui.element("iframe").props(
            f'src="{address(shown, "report.html")}" title="Report of {quote(shown)}" '
            'sandbox="allow-scripts allow-downloads allow-modals"'
        )

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

"""The third step of the page: run, cancel, how it stands, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from perrin.app.choices import NO_MODEL, Choices, command, example_commands
from perrin.app.form import FIELDS
from perrin.app.job import Job
from perrin.app.words import status
from perrin.errors import PerrinError
from perrin.io.output import named_after

if TYPE_CHECKING:
    from perrin.app.page import Page
    from perrin.app.tasks import Task


class Runner:
    """Buttons, bar and words of a job, for one window."""

    def __init__(self, page: Page) -> None:
        """Take the page; nothing is drawn yet."""
        self.page = page
        self.session = page.session
        self.ended: Job | None = page.session.job  # whose end was shown

    def build(self) -> None:
        """Draw it."""
        with ui.column().classes("run"):
            ui.label("3  Run").classes("step")
            with ui.row():
                self.run_button = ui.button("Analyze", on_click=self.analyze).props("no-caps")
                self.cancel_button = ui.button("Cancel", on_click=self.cancel)
                self.cancel_button.props("no-caps outline color=negative")
            self.bar = ui.linear_progress(0, show_value=False).props("rounded size=10px")
            self.status = ui.label("").classes("said").props('role="status"')
            self.problem = ui.label("").classes("problem").props('role="alert"')

    def analyze(self) -> None:
        """Start what was chosen, or say what is missing."""
        page, session = self.page, self.session
        if page.look is None or page.look.kind is None:
            ui.notify("Choose a file first.", type="warning")
            return
        if page.task is None:
            ui.notify("Say first what it is for.", type="warning")
            return
        if missing := page.missing():
            wanted = [item.label for item in FIELDS if item.name in missing]
            ui.notify(f"Still missing: {', '.join(wanted)}.", type="warning")
            return
        task, choices = page.task, self._still_there(page.task)
        files = session.readable()
        groups = [[name] for name in files]
        if task.together and not session.apart:
            groups = [files]
        try:
            outs = session.workspace.free_names(
                [named_after(session.workspace.path(group[0]), task.ending) for group in groups]
            )
        except PerrinError as error:
            ui.notify(str(error), type="negative")
            return
        commands = [
            command(task, group, choices, out=out) for group, out in zip(groups, outs, strict=True)
        ]
        self.begin(commands, f"{task.label}: {', '.join(outs)}", outs=outs, apart=files)

    def _still_there(self, task: Task) -> Choices:
        """Return the choices without files that have gone, or that belong to another task."""
        workspace, choices = self.session.workspace, self.page.choices
        gone: dict[str, None] = {}
        for name, there in (
            ("calibration", workspace.calibrations()),
            ("table_calibration", workspace.calibrations()),
            ("mass_calibration", workspace.calibrations()),
            ("psf", workspace.psfs()),
        ):
            if getattr(choices, name) not in there:
                gone[name] = None
        models = [] if task.network is None else workspace.models(task.network)
        if choices.model not in [*models, *([NO_MODEL] if task.network == "classifier" else [])]:
            gone["model"] = None
        return choices.model_copy(update=gone)

    def begin(
        self,
        commands: list[list[str]],
        title: str,
        *,
        outs: list[str] | None = None,
        apart: list[str] | None = None,
        note: str = "",
    ) -> None:
        """Run commands, unless some run already; `apart`: files that may fail by themselves."""
        session = self.session
        if session.job is not None and session.job.state == "running":
            ui.notify("Something is running already; cancel it first.", type="warning")
            return
        names = apart if apart is not None and len(apart) == len(commands) > 1 else []
        session.job = Job(commands, session.workspace.folder, title, apart=names, note=note)
        session.outs = outs or []
        background_tasks.create(session.job.run())

    async def cancel(self) -> None:
        """Ask the job to stop."""
        if self.session.job is not None:
            await self.session.job.cancel()

    def tick(self) -> None:
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
            self._end(job)

    def _end(self, job: Job) -> None:
        page, session = self.page, self.session
        made = [name for name in session.outs if session.workspace.can_show(name)]
        for name in made:
            if name.endswith(".json"):
                session.workspace.note_calibration(name)
        if job.state == "done" and made:
            session.shown = made[-1]
            page.shelf.showing.refresh()
        elif job.state == "done" and not session.outs:
            self.use_example()
        page.listing.refresh()

    def example(self) -> None:
        """Simulate a sample and a calibrant, or choose them where they are there already."""
        have = self.session.workspace.files()
        if "example.mp" in have and self.session.workspace.calibrations():
            self.use_example()
            return
        self.begin(
            example_commands(),
            "Simulating the example",
            note="The example is here: a sample and its calibration, both simulated. Analyze it.",
        )

    def use_example(self) -> None:
        """Choose the example, with its calibration."""
        page = self.page
        update = {"calibration": "example-calibration.json"}
        page.choices = page.choices.model_copy(update=update)
        background_tasks.create(page.choose_only("example.mp"))

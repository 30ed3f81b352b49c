"""What filtering does to a measurement: the paper's experiments, beside a perfect filter.

A folder with measurements of an earlier run can be given: ``python benchmarks/experiments.py DIR``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from _measure import print_table
from perrin.models.classifier import ClassifierModel
from perrin.paper.run import EXPERIMENTS, Ran, run_experiments
from perrin.paper.settings import ExperimentSettings

HOUR_S = 3600


def main() -> None:
    with tempfile.TemporaryDirectory() as own:
        out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(own) / "results"
        finished = run_experiments(
            list(EXPERIMENTS),
            out=out,
            settings=ExperimentSettings(),
            model=ClassifierModel.load("default"),
            progress=lambda done: print(f"{done:.0%}", file=sys.stderr, end="\r"),
        )
    for ran in finished:
        show(ran)
    cpu_s = sum(ran.measuring_s + ran.analyzing_s for ran in finished)
    print(
        f"CPU time of everything: {cpu_s:.0f} s (goal: an hour on two cores; reached: "
        f"{'yes' if cpu_s < HOUR_S else '**no**'})."
    )


def show(ran: Ran) -> None:
    """Print the goals of one experiment."""
    print(f"### {ran.experiment.title}\n")
    print_table(
        ("what", "paper", "goal", "found", "perfect filter", "reached"),
        [
            (goal.what, goal.paper, goal.goal, goal.ours, goal.perfect, goal.met)
            for goal in ran.findings.goals
        ],
    )
    print(f"\n{ran.findings.comparable}\n")
    for note in ran.findings.notes:
        print(f"- {note}")
    print()


if __name__ == "__main__":
    main()

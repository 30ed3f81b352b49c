"""Commands that train networks, one file each; the only ones that need torch."""

from __future__ import annotations

import typer

from perrin.cli.train.andi import train_andi
from perrin.cli.train.classifier import train_classifier
from perrin.cli.train.kinds import train_kinds
from perrin.cli.train.mixture import train_mixture
from perrin.cli.train.quantifier import train_quantifier


def register(train: typer.Typer) -> None:
    """Add the commands to the group."""
    train.command("mixture")(train_mixture)
    train.command("andi")(train_andi)
    train.command("kinds")(train_kinds)
    train.command("classifier")(train_classifier)
    train.command("quantifier")(train_quantifier)

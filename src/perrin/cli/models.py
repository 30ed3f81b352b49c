"""Commands for trained networks: list them, show a card, run the self-test."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def register(model: typer.Typer) -> None:
    """Add the commands to the group."""
    model.command("list")(list_models)
    model.command("show")(show_model)
    model.command("test")(test_model)


def list_models() -> None:
    """List the networks that come with the package.

    For example::

        perrin model list
    """
    from perrin.models.bundle import bundle_folder, list_bundles, read_card

    for name in list_bundles():
        card = read_card(bundle_folder(name))
        typer.echo(f"{name}: {card.summary()}, made with {card.perrin_version}")


def show_model(name: Annotated[str, typer.Argument(help="Name or folder.")]) -> None:
    """Show the card of a network, without its long tables.

    For example::

        perrin model show classifier
    """
    from perrin.models.bundle import bundle_folder, read_card

    card = read_card(bundle_folder(name))
    shown = card.model_dump(mode="json", exclude={"interval", "vector"})
    typer.echo(json.dumps(shown, indent=2))


def test_model(name: Annotated[str, typer.Argument(help="Name or folder.")]) -> None:
    """Run the self-test of a network: its own test input must give its own answer.

    For example::

        perrin model test classifier
    """
    from perrin.models.bundle import load_bundle

    worst = load_bundle(name).check_vector()
    typer.echo(f"{name}: as recorded (largest deviation {worst:.1g})")

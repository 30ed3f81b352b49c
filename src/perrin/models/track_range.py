"""Which tracks a card covers: what both networks of trajectories refuse alike."""

from __future__ import annotations

from perrin.models.cards import AndiCard, MixtureCard


def outside(card: AndiCard | MixtureCard, *, frames: int, dims: int) -> str | None:
    """Return why a track of so many frames and dimensions is not covered; None if it is."""
    shortest, longest = card.frames
    if not shortest <= frames <= longest:
        how = "too few" if frames < shortest else "too many"
        return f"{frames} frames, {how}: the model covers {shortest} to {longest}"
    if dims not in card.dims:
        return f"{dims} dimensions; the model covers {', '.join(map(str, card.dims))}"
    return None

"""The words that a page explains, each in a line; docs/glossary.md has them too."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "landings": (
        (
            "landing",
            "a molecule arrives on the glass and darkens its spot; an unbinding is one that leaves",
        ),
        ("contrast", "the relative change of the light by one molecule, in proportion to its mass"),
        (
            "ratiometric frame",
            "the mean of some frames over the mean of as many before: what has just changed",
        ),
        ("PSF", "point-spread function: the image of one molecule"),
        ("fit residual", "what a fit of the PSF leaves over, root mean square"),
        (
            "binder score",
            "how sure the classifier is that a landing stays, still and alone, 0 to 1",
        ),
        ("FWHM", "full width of a peak at half its height"),
        ("resolving power", "the mass of a peak over its FWHM"),
        (
            "valley",
            "the lowest density between two peaks over that of the smaller one: 0 is well apart",
        ),
        ("mixture", "the sum of normal distributions that describes the spectrum"),
    ),
    "tracks": (
        ("track", "the positions of one particle from frame to frame, linked"),
        ("localization error", "the standard error of one coordinate of one position"),
        ("touching", "positions where the image of another particle reaches in"),
        ("link", "the step from a position to the next one of the same particle; some are wrong"),
        ("immobile", "a track that does not move by more than its localization error explains"),
        (
            "stationary",
            "a track that keeps its place all the time while others move, as debris does",
        ),
        ("continues", "the track that this one most likely goes on from"),
        (
            "D",
            "the diffusion coefficient of normal diffusion: the mean squared displacement is 2 "
            "d D t, in d dimensions",
        ),
        (
            "MSD",
            "mean squared displacement: how far a particle has come after a time (the lag), "
            "squared, on average",
        ),
    ),
    "motion": (
        (
            "FBM",
            "fractional Brownian motion: each step remembers the earlier ones, as in a crowded "
            "or elastic medium; of exponent 1 it is Brownian motion",
        ),
        (
            "CTRW",
            "continuous-time random walk: the particle waits, jumps, and waits again, as on a "
            "surface that binds it",
        ),
        ("w", "the part of the motion that is a CTRW: 0 is FBM alone, 1 is a CTRW alone"),
        (
            "α",
            "how the mean squared displacement grows with time, as time to the power of α: 1 is"
            " normal diffusion, less is slower, more is faster",
        ),
        (
            "D",
            "the diffusion coefficient: the mean squared displacement is 2 d D times time to "
            "the power of an exponent, in d dimensions; the exponent is 1 where the interval of"
            " α holds 1, else α",
        ),
        (
            "MSD",
            "mean squared displacement: how far a particle has come after a time (the lag), "
            "squared, on average",
        ),
        ("noise", "the part of the steps that is error of the positions and no motion"),
        ("regime", "a part of a track in which the motion is of one kind"),
        (
            "out of model",
            "no mixture of FBM, CTRW and noise looks like this trajectory: its numbers mean little",
        ),
    ),
}
"""Word and meaning, by the kind of page."""

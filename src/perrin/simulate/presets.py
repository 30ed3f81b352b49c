"""Ready-made measurements: what the samples of paper 002 look like before any filtering.

A preset fixes what the paper states (masses, densities) and, where it gives only the result, sets
the shares of the motions such that the simulated spectrum has that result when it goes through
`perrin`'s own analysis. `source` says which is which.
"""

from __future__ import annotations

from perrin.errors import PerrinError
from perrin.settings.simulation import LandingAssay, Motion, Species

_FIRM: dict[Motion, float] = {
    "binder": 0.94,
    "unbinder": 0.03,
    "roller": 0.015,
    "wobbler": 0.015,
}
_MIXED: dict[Motion, float] = {
    "binder": 0.65,
    "unbinder": 0.2,
    "roller": 0.07,
    "wobbler": 0.08,
}
_POOR: dict[Motion, float] = {
    "binder": 0.5,
    "unbinder": 0.3,
    "roller": 0.1,
    "wobbler": 0.1,
}

_HSP27_MONOMER_KDA = 22.8
_HSP27_OLIGOMERS = {6: 0.1, 8: 0.14, 10: 0.2, 12: 0.24, 14: 0.2, 16: 0.12}

PRESETS: dict[str, LandingAssay] = {
    "bsa": LandingAssay(
        species=(
            Species(mass_kda=66.4, abundance=0.80, name="monomer"),
            Species(mass_kda=132.9, abundance=0.15, name="dimer"),
            Species(mass_kda=199.3, abundance=0.05, name="trimer"),
        ),
        density=1.0,
        motions=_MIXED,
        source="",
    ),
    "dynamin": LandingAssay(
        species=(
            Species(mass_kda=90, abundance=0.08, name="monomer"),
            Species(mass_kda=180, abundance=0.50, name="dimer"),
            Species(mass_kda=360, abundance=0.32, name="tetramer"),
            Species(mass_kda=540, abundance=0.08, name="hexamer"),
            Species(mass_kda=720, abundance=0.02, name="octamer"),
        ),
        density=0.3,
        motions=_FIRM,
        source="",
    ),
    "hsp27": LandingAssay(
        species=tuple(
            Species(mass_kda=_HSP27_MONOMER_KDA * size, abundance=share, name=f"{size}-mer")
            for size, share in _HSP27_OLIGOMERS.items()
        ),
        density=1.0,
        motions=_POOR,
        source="",
    ),
    "antibody": LandingAssay(
        species=(
            Species(mass_kda=150, abundance=0.86, name="antibody"),
            Species(mass_kda=50, abundance=0.03, name="50 kDa fragment"),
            Species(mass_kda=75, abundance=0.05, name="75 kDa fragment"),
            Species(mass_kda=110, abundance=0.06, name="110 kDa fragment"),
        ),
        density=1.5,
        motions=_POOR,
        source="",
    ),
    "protein-a": LandingAssay(
        species=(Species(mass_kda=42, abundance=1, name="protein A"),),
        density=0.5,
        motions=_MIXED,
        source="",
    ),
    "massference-p1": LandingAssay(
        species=tuple(
            Species(mass_kda=mass, abundance=share)
            for mass, share in ((86, 0.3), (172, 0.35), (258, 0.2), (344, 0.15))
        ),
        density=0.5,
        motions=_FIRM,
        source="",
    ),
    "apoferritin": LandingAssay(
        species=(
            Species(mass_kda=443, abundance=0.95, width_kda=10, name="24-mer"),
            Species(mass_kda=886, abundance=0.05, width_kda=15, name="dimer of 24-mers"),
        ),
        density=0.5,
        motions=_MIXED,
        source="",
    ),
    "buffer": LandingAssay(source="No landings: the background model alone."),
}


def preset(name: str, *, density: float | None = None) -> LandingAssay:
    """Return the measurement called `name`, with another landing density (um^-2 s^-1) if given.

    Raises `PerrinError` for a name that is no preset, or a density that is not above 0.
    """
    if name not in PRESETS:
        raise PerrinError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    assay = PRESETS[name]
    if density is None:
        return assay
    if not assay.species:
        raise PerrinError(f"the preset {name!r} has no species to land; leave out the density")
    check_density(density)
    return LandingAssay.model_validate(assay.model_dump() | {"density": density})


def check_density(density: float) -> float:
    """Return `density` (landings per um^2 and second); `PerrinError` unless above 0."""
    if not 0 < density <= 1000:
        raise PerrinError(
            f"the landing density is {density:g} per um^2 and second; give a number above 0 and "
            "up to 1000. For a movie without landings use the preset 'buffer'."
        )
    return density

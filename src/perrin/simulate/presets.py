"""Ready-made measurements: what the samples of paper 002 look like before any filtering.

A preset fixes what the paper states (masses, densities) and, where it gives only the result, sets
the fractions of the motions such that the simulated spectrum has that result when it goes through
`perrin`'s own analysis. `source` says which is which.
"""

from __future__ import annotations

from perrin.errors import PerrinError
from perrin.settings.simulation import LandingAssay, Motions, Species

# Fractions of the motions: how well a sample sticks to the glass.
_FIRM: Motions = {"binder": 0.94, "unbinder": 0.03, "roller": 0.015, "wobbler": 0.015}
_MIXED: Motions = {"binder": 0.5, "unbinder": 0.27, "roller": 0.08, "wobbler": 0.15}
_LOOSE: Motions = {"binder": 0.38, "unbinder": 0.34, "roller": 0.1, "wobbler": 0.18}
_HARDLY: Motions = {"binder": 0.05, "unbinder": 0.2, "roller": 0.17, "wobbler": 0.58}

_HSP27_MONOMER_KDA = 22.8
_HSP27: tuple[tuple[int, float, float], ...] = (  # subunits, abundance, width in kDa
    (6, 0.048, 5.0),
    (8, 0.13, 5.5),
    (10, 0.21, 6.8),
    (12, 0.25, 7.0),
    (14, 0.215, 6.5),
    (16, 0.15, 8.0),
)

PRESETS: dict[str, LandingAssay] = {
    "bsa": LandingAssay(
        species=(
            Species(mass_kda=66.4, abundance=0.80, name="monomer"),
            Species(mass_kda=132.9, abundance=0.15, name="dimer"),
            Species(mass_kda=199.3, abundance=0.05, name="trimer"),
        ),
        density=1.0,
        motions=_MIXED,
        source="Masses from the sequence. Paper 002: optimal and suboptimal events mixed, counts "
        "between the peaks, mirrored at negative mass; fractions, motions and density are assumed.",
    ),
    "dynamin": LandingAssay(
        species=(
            Species(mass_kda=90, abundance=0.06, name="monomer"),
            Species(mass_kda=180, abundance=0.50, width_kda=4.5, name="dimer"),
            Species(mass_kda=360, abundance=0.36, width_kda=5.5, name="tetramer"),
            Species(mass_kda=540, abundance=0.07, width_kda=6.5, name="hexamer"),
            Species(mass_kda=720, abundance=0.01, width_kda=7.5, name="octamer"),
        ),
        density=0.3,
        motions=_FIRM,
        source="Paper 002: dimer 180 and tetramer 360 kDa, firm binding, resolving power about 10 "
        "and 17 at 40 ms; 0.3 per um^2 and second is its lowest density, 34.6 its highest. "
        "Abundances and motions are assumed, widths set for the resolving power.",
    ),
    "hsp27": LandingAssay(
        species=tuple(
            Species(
                mass_kda=_HSP27_MONOMER_KDA * subunits,
                abundance=abundance,
                width_kda=width,
                name=f"{subunits}-mer",
            )
            for subunits, abundance, width in _HSP27
        ),
        density=1.5,
        motions=_LOOSE,
        source="Subunit mass from the sequence (22.8 kDa). Paper 002, Table 3: even oligomers from "
        "6 to 16 with valley-to-peak ratios .69 .42 .38 .38 .50 before filtering and .06 .09 .25 "
        ".23 .30 after; abundances and widths are set for both, the motions for the former.",
    ),
    "antibody": LandingAssay(
        species=(
            Species(mass_kda=150, abundance=0.86, width_kda=6.5, name="antibody"),
            *(
                Species(mass_kda=mass, abundance=fraction, name=f"fragment of {mass} kDa")
                for mass, fraction in ((110, 0.06), (75, 0.05), (50, 0.03))
            ),
        ),
        density=6.0,
        motions=_HARDLY,
        source="Paper 002: 150 kDa, strong unbinding mirrored at negative mass, degradation "
        "products below 120 kDa, resolving power 3.9 before and 7.6 after filtering; the width is "
        "set for the latter, motions and density for the former.",
    ),
    "protein-a": LandingAssay(
        species=(Species(mass_kda=42, abundance=1, name="protein A"),),
        density=0.5,
        motions=_MIXED,
        source="Paper 002: 42 kDa, near the detection limit; motions and density are assumed.",
    ),
    "massference-p1": LandingAssay(
        species=tuple(
            Species(mass_kda=mass, abundance=fraction)
            for mass, fraction in ((86, 0.3), (172, 0.35), (258, 0.2), (344, 0.15))
        ),
        density=0.5,
        motions=_FIRM,
        source="Masses of the calibrant MassFerence P1 (monomer to tetramer); abundances, motions "
        "and density are assumed.",
    ),
    "apoferritin": LandingAssay(
        species=(
            Species(mass_kda=443, abundance=0.95, width_kda=10, name="24-mer"),
            Species(mass_kda=886, abundance=0.05, width_kda=15, name="two 24-mers"),
        ),
        density=0.5,
        motions=_MIXED,
        source="443 kDa, the mass given for the horse spleen protein as a size standard; widths, "
        "abundances, motions and density are assumed.",
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

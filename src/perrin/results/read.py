"""One way to read a result of any kind back."""

from __future__ import annotations

from pathlib import Path

from perrin.diffusion.characterize import DiffusionResult
from perrin.errors import PerrinError
from perrin.io.kinds import folder_of_many
from perrin.io.manifest import check_unchanged
from perrin.pipeline import LandingsResult
from perrin.results.stored import stored_kind
from perrin.tracking.track import TrackingResult


def read_results(
    folder: str | Path,
) -> LandingsResult | tuple[LandingsResult, ...] | TrackingResult | DiffusionResult:
    """Return the result that `write_results`, or a command, wrote into a folder.

    The class is that which was written, with the same tables, digit by digit; several
    measurements come back as a tuple. `source` is the name of the file, without its folder.

    Raises `PerrinError` for a folder that holds no results, those of a version that does not fit
    this one, or a file that is no longer what perrin wrote.
    """
    path = Path(folder)
    many = folder_of_many(path)
    if many is not None:
        raise PerrinError(f"{path} is {many}.")
    kind = stored_kind(path)
    check_unchanged(path, (".csv", ".h5", ".npz"))
    if kind == "landings":
        from perrin.results.landings import read_landings

        return read_landings(path)
    if kind == "tracks":
        from perrin.results.tracks import read_tracks_folder

        return read_tracks_folder(path)
    if kind == "diffusion":
        from perrin.results.diffusion import read_diffusion

        return read_diffusion(path)
    raise PerrinError(f"{path} holds results of a kind, {kind!r}, that this perrin does not know.")

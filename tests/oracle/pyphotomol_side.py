"""Counts of species by pyphotomol: for a Python that has it; writes JSON, a list a file.

python pyphotomol_side.py 86,172 FILE ...
"""

import contextlib
import io
import json
import sys

import pyphotomol  # not of this environment


def counts(path: str, masses: list[float]) -> list[float]:
    """Areas of the Gaussians that it fits near the masses, as its notebooks do."""
    one = pyphotomol.PyPhotoMol()
    with contextlib.redirect_stdout(io.StringIO()):
        one.import_file(path)
        one.count_binding_events()
        one.create_histogram(use_masses=True, window=[0, 400], bin_width=5)
        one.fit_histogram(masses, mean_tolerance=10, std_tolerance=30)
        one.create_fit_table()
    return list(one.fit_table["Counts"])


if __name__ == "__main__":
    wanted = [float(mass) for mass in sys.argv[1].split(",")]
    sys.stdout.write(json.dumps([counts(path, wanted) for path in sys.argv[2:]]))

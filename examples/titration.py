"""Write 24 event tables of a simulated titration and their sheet, as an instrument would.

10 nM of A (66 kDa), .5 to 120 nM of B (150 kDa), a complex AB with a Kd of 12 nM, two replicates,
one of which stayed empty.
python examples/titration.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from perrin.mass.affinity_model import parse_model

KD_NM, A_NM = 12.0, 10.0
B_NM = (0.5, 1.0, 2.0, 4.0, 6.0, 9.0, 13.0, 20.0, 30.0, 50.0, 80.0, 120.0)
EMPTY = "B2_rep2.csv"
MASSES_KDA = {"A": 66.0, "B": 150.0, "AB": 216.0}


def main(folder: Path) -> None:
    """Write ``B0.5_rep1.csv`` and so on, and ``plate.csv``."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    model = parse_model("A+B=AB")
    sheet = ["file,sample,replicate,A_nM,B_nM"]
    for b_nm in B_NM:
        found = model.concentrations(np.log([KD_NM]), np.array([[A_NM, b_nm]]))[0]
        shares = found / found.sum()
        for replicate in (1, 2):
            counts = dict(zip(model.species, rng.multinomial(1500, shares), strict=True))
            masses = np.concatenate(
                [
                    rng.normal(MASSES_KDA[name], 5 + 0.04 * MASSES_KDA[name], n)
                    for name, n in counts.items()
                ]
            )
            table = pd.DataFrame({"contrast": -3.8e-5 * masses, "mass_kda": masses})
            name = f"B{b_nm:g}_rep{replicate}.csv"
            table = table[:0] if name == EMPTY else table
            table.to_csv(folder / name, index=False, float_format="%.6g")
            sheet.append(f"{name},{b_nm:g} nM,{replicate},{A_NM:g},{b_nm:g}")
    (folder / "plate.csv").write_text("\n".join(sheet) + "\n", encoding="utf-8")
    print(f"24 tables and plate.csv in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "titration"))

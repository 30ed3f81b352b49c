"""The hash by which an input is known again."""

import hashlib
from pathlib import Path

from perrin.results.folder import provenance


def test_a_folder_has_the_hash_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "movie.zarr"
    (folder / "c").mkdir(parents=True)
    (folder / "c" / "0").write_bytes(b"one")
    (folder / "zarr.json").write_bytes(b"{}")
    (found,) = provenance(inputs=[folder])["inputs"]
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"{}"))
    listed = f"{one}  c/0\n{two}  zarr.json\n"
    assert found == {
        "name": "movie.zarr",
        "files": 2,
        "bytes": 5,
        "sha256": hashlib.sha256(listed.encode()).hexdigest(),
    }
    (folder / "c" / "0").write_bytes(b"two")
    assert provenance(inputs=[folder])["inputs"][0]["sha256"] != found["sha256"]

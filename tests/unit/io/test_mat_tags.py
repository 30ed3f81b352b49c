"""The elements of a MATLAB file are looked at before it is read: whole ones pass, others do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat

from perrin.errors import PerrinError
from perrin.io.mat_tags import check_tags

CONTENTS = {
    "numbers": np.arange(12.0).reshape(3, 4),
    "bytes": np.arange(5, dtype=np.uint8),
    "complex": np.array([1 + 2j, 3]),
    "text": "some words",
    "empty": np.zeros((0, 3)),
    "cell": np.array([np.arange(3), "a", np.zeros((0, 0))], dtype=object),
    "struct": {"x": np.arange(4.0), "name": "b", "inner": {"y": 1}},
    "sparse": sparse.csc_matrix(np.eye(3)),
    "truth": np.array([True, False]),
}


@pytest.mark.parametrize("packed", [False, True])
def test_what_scipy_writes_passes(packed, tmp_path):
    savemat(tmp_path / "a.mat", CONTENTS, do_compression=packed)
    check_tags(tmp_path / "a.mat")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_file_that_is_cut_off_does_not(packed, share, tmp_path):
    savemat(tmp_path / "a.mat", CONTENTS, do_compression=packed)
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content[: int(share * len(content))])
    with pytest.raises(PerrinError, match="damaged MATLAB file"):
        check_tags(tmp_path / "a.mat")


def test_other_versions_are_left_to_their_readers(tmp_path):
    savemat(tmp_path / "a.mat", {"x": np.arange(3.0)}, format="4")
    check_tags(tmp_path / "a.mat")

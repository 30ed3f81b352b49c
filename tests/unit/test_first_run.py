import types

import pytest
from numba import config, njit

from perrin.cli.first_run import say_first_run
from perrin.diffusion import likelihood
from perrin.landing import fit


@pytest.mark.parametrize(
    ("steps", "module", "name"),
    [("landings", fit, "fit_patch"), ("diffusion", likelihood, "best_fit")],
)
def test_it_is_said_until_the_kernels_are_compiled(
    steps, module, name, tmp_path, monkeypatch, capsys
):
    stats = types.SimpleNamespace(cache_path=str(tmp_path))
    kernel = getattr(module, name)
    monkeypatch.setattr(module, name, types.SimpleNamespace(stats=stats))
    say_first_run(steps)
    assert "first run" in capsys.readouterr().err
    file = f"{kernel.py_func.__module__.split('.')[-1]}.{kernel.py_func.__qualname__}-152.py311.nbi"
    (tmp_path / file).touch()
    say_first_run(steps)
    assert capsys.readouterr().err == ""


def test_numba_gives_a_compiled_kernel_such_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    kernel = njit(cache=True)(fit._shortened.py_func)
    assert kernel(2.0) == 1.0
    assert list(tmp_path.rglob("fit._shortened-*.nbi"))

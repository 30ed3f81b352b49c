import types

from numba import config, njit

from perrin.cli.first_run import say_first_run
from perrin.landing import fit


def test_it_is_said_until_the_kernels_are_compiled(tmp_path, monkeypatch, capsys):
    stats = types.SimpleNamespace(cache_path=str(tmp_path))
    monkeypatch.setattr(fit, "fit_patch", types.SimpleNamespace(stats=stats))
    say_first_run()
    assert "first run" in capsys.readouterr().err
    (tmp_path / "fit.fit_patch-152.py311.nbi").touch()
    say_first_run()
    assert capsys.readouterr().err == ""


def test_numba_gives_a_compiled_kernel_such_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    kernel = njit(cache=True)(fit._shortened.py_func)
    assert kernel(2.0) == 1.0
    assert list(tmp_path.rglob("fit._shortened-*.nbi"))

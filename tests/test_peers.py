"""benchmarks/peers.py: engines compute the same as fastnn where they are installed, and a comparison that fails is told."""
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import peers  # noqa: E402
from peer_jobs import cases, with_fastnn  # noqa: E402

SMALL = {
    "product": dict(m=5, k=7, n=3, transposes="tn"), "layer": dict(m=5, k=7, n=3), "depthwise": dict(n=2, side=5, c=3),
    "conv": dict(n=2, image=(7, 6), c=4, f=6, window=(3, 3), stride=2, padding="valid", dilation=1, groups=2, first=False),
    "separable": dict(n=2, side=5, c=3, f=4), "pool": dict(how="max", n=2, side=6, c=3), "norm": dict(n=2, side=5, c=3),
    "loss": dict(n=6, classes=4), "update": dict(rule="adam", shapes=[[3, 4], [5]]), "bias_relu": dict(rows=6, columns=5),
    "unary": dict(name="sigmoid", n=50), "binary": dict(name="add", n=50), "sum": dict(axis=1), "random": dict(name="normal", n=400000),
    "dropout": dict(n=1000, m=400), "conv_pool": dict(n=2, side=8, c=4, f=5, first=False), "dense_relu": dict(m=5, k=7, n=3),
    "sparse": dict(m=5, k=40, n=3, per=6),
}
MORE = [("pool", dict(how="average", n=2, side=6, c=3)), ("update", dict(rule="rmsprop", shapes=[[3, 4], [5]])),
        ("conv", dict(SMALL["conv"], stride=1, padding="same", groups=1, dilation=2, first=True)), ("sum", dict(axis=0)),
        ("conv_pool", dict(n=2, side=8, c=1, f=5, first=True)), ("layer", dict(m=1, k=7, n=3))]
JOBS = [*SMALL.items(), *MORE]


@pytest.mark.parametrize("engine", ["torch", "numpy", "scipy"])
@pytest.mark.parametrize("kind, sizes", JOBS, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(JOBS)])
def test_engines_agree(engine, kind, sizes, tmp_path):
    pytest.importorskip(engine)
    module = importlib.import_module(f"peer_jobs.with_{engine}")
    if kind not in module.JOBS:
        pytest.skip(f"{engine} has no {kind}")
    case = cases.Case(kind, kind, sizes, check="moments" if kind in ("random", "dropout") else "values")
    described = {name: {part: peers.describe(m, job, f"{tmp_path}/{name}-{part}", 1) for part, job in m.JOBS[kind](case, **sizes).items()}
                 for name, m in (("fastnn", with_fastnn), (engine, module))}
    peers.compare(case, engine, described, tmp_path)


def test_every_case_has_its_jobs():
    assert set(peers.FAMILIES) == set(cases.FAMILIES)
    for family in cases.FAMILIES.values():
        for case in family:
            assert case.kind in with_fastnn.JOBS and case.kind in SMALL
    names = [case.name for family in cases.FAMILIES.values() for case in family]
    assert len(names) == len(set(names))


def test_what_is_played_again_is_what_was_computed():
    job = with_fastnn.JOBS["product"](cases.Case("x", "product", {}), m=4, k=3, n=2, transposes="nn")["product"]
    before = job.outputs.numpy().copy()
    job.outputs.data[...] = 0
    assert np.array_equal(job().numpy(), before) and job.flops == 2 * 4 * 3 * 2 and job.bytes == 4 * (12 + 6 + 8)


def test_a_difference_is_told(tmp_path):
    case, described = cases.Case("one", "product", {}), {name: {"product": {"arrays": 1}} for name in ("fastnn", "numpy")}
    np.save(tmp_path / "fastnn-product-0.npy", np.ones(3))
    np.save(tmp_path / "numpy-product-0.npy", np.array([1, 1, 1.01]))
    with pytest.raises(SystemExit, match="one, product: fastnn and numpy differ by 9.9e-03"):
        peers.compare(case, "numpy", described, tmp_path)


def test_rows_add_up():
    described = {part: {"flops": 2000, "bytes": 10, "limit": 1.0} for part in ("forward", "data")}
    found = list(peers.rows(cases.Case("one", "layer", {}), {"fastnn": {"forward": 2.0, "data": 4.0}, "torch": {"forward": 3.0, "data": 9.0}},
                            described))
    assert [cells[:2] for cells in found] == [("one", "forward"), ("", "data"), ("", "all")]
    assert peers.line(*found[-1], ["torch", "numpy"]) == "|  | all | 6.00 | 1 GFLOP/s | 33 % | 12.0 (x2.00) |  |"

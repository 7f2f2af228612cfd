"""Linear algebra: cases for make_ops.py."""
import numpy as np

rng = np.random.default_rng(11)


def normal(*shape):
    return rng.normal(size=shape)


def positive(*shape):
    """Symmetric positive definite matrices, well conditioned."""
    a = normal(*shape).astype("float32").astype("float64")
    return a @ np.swapaxes(a, -1, -2) + 2 * np.eye(shape[-1])


def solid(*shape):
    """Square matrices far from singular."""
    return normal(*shape) + 3 * np.eye(shape[-1])


CASES = {
    "det": ("linalg.det", [solid(4, 4)]),
    "det_batch": ("det", [solid(2, 3, 3, 3)]),
    "det_negative": ("det", [solid(3, 3)[[1, 0, 2]]]),
    "slogdet": ("slogdet", [solid(4, 4)[[1, 0, 2, 3]]]),
    "slogdet_batch": ("slogdet", [solid(3, 2, 2)]),
    "logdet": ("logdet", [positive(2, 4, 4)]),
    "inv": ("linalg.inv", [solid(5, 5)]),
    "inv_batch": ("inv", [solid(2, 3, 3)]),
    "solve": ("linalg.solve", [solid(4, 4), normal(4, 3)]),
    "solve_vector": ("solve", [solid(4, 4), normal(4)]),
    "solve_batch": ("solve", [solid(2, 3, 3), normal(2, 3, 2)]),
    "triangular": ("linalg.solve_triangular", [np.triu(solid(4, 4)), normal(4, 3)]),
    "triangular_full": ("solve_triangular", [solid(4, 4), normal(4)], {"lower": True}),
    "triangular_lower": ("solve_triangular", [solid(2, 3, 3), normal(2, 3, 2)], {"lower": True}),
    "cholesky": ("linalg.cholesky", [positive(4, 4)]),
    "cholesky_batch": ("cholesky", [positive(2, 2, 3, 3)]),
    "cholesky_upper": ("cholesky", [positive(3, 3)], {"upper": True}),
    "cholesky_inverse": ("linalg.cholesky_inverse", [np.tril(solid(3, 3))]),
    "cholesky_inverse_upper": ("cholesky_inverse", [np.triu(solid(3, 3))], {"upper": True}),
    "lu_factor": ("linalg.lu_factor", [normal(4, 4)], {}, {"gradient": False}),
    "lu_factor_batch": ("lu_factor", [normal(2, 3, 3)], {}, {"gradient": False}),
    "lu_factor_tall": ("lu_factor", [normal(5, 3)], {}, {"gradient": False}),
    "lu_factor_wide": ("lu_factor", [normal(3, 5)], {}, {"gradient": False}),
    "qr": ("linalg.qr", [solid(4, 4)], {}, {"values": False}),
    "qr_tall": ("qr", [normal(5, 3)], {}, {"values": False, "gradient": False}),
    "qr_wide": ("qr", [normal(2, 3, 5)], {}, {"values": False, "gradient": False}),
    "qr_complete": ("qr", [normal(5, 3)], {"mode": "complete"}, {"values": False, "gradient": False}),
    "svd_values": ("linalg.svd", [normal(2, 4, 3)], {"compute_uv": False}),
    "svd_shapes": ("svd", [normal(2, 4, 3)], {}, {"values": False, "gradient": False}),
    "svd_thin": ("svd", [normal(4, 3)], {"full_matrices": False}, {"values": False, "gradient": False}),
    "eig_shapes": ("linalg.eigh", [positive(2, 3, 3)], {}, {"values": False, "gradient": False}),
    "lstsq": ("linalg.lstsq", [normal(6, 3), normal(6, 2)], {}, {"tolerance": 2e-4}),
    "lstsq_vector": ("lstsq", [normal(6, 3), normal(6)], {}, {"tolerance": 2e-4}),
    "lstsq_wide": ("lstsq", [normal(3, 6), normal(3, 2)], {}, {"tolerance": 2e-4}),
    "pinv": ("linalg.pinv", [normal(5, 3)], {}, {"tolerance": 2e-4}),
    "pinv_batch": ("pinv", [normal(2, 3, 5)], {}, {"tolerance": 2e-4}),
    "pinv_rcond": ("pinv", [normal(4, 4)], {"rcond": 0.3}, {"gradient": False, "tolerance": 2e-4}),
    "rank": ("linalg.matrix_rank", [np.stack([np.outer([1.0, 2, 3], [1.0, 0, 2]), np.eye(3)])], {}, {"gradient": False}),
    "rank_tol": ("matrix_rank", [np.diag([3.0, 1.0, 0.1])], {"tol": 0.5}, {"gradient": False}),
    **{f"norm_vector_{order}": ("linalg.norm", [normal(3, 4)], {"ord": order, "axis": -1})
       for order in (None, 1, 2, 3, -1, -2, 0.5, float("inf"), float("-inf"))},
    "norm_vector_0": ("norm", [np.array([[0.0, 2, 0], [1, 1, 1]])], {"ord": 0, "axis": 1}, {"gradient": False}),
    **{f"norm_matrix_{order}": ("norm", [normal(3, 4, 2)], {"ord": order, "axis": (0, 1)})
       for order in (None, "fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))},
    "norm_swapped": ("norm", [normal(3, 4, 2)], {"ord": 1, "axis": (2, 0), "keepdims": True}),
    "norm_nuc_keepdims": ("norm", [normal(3, 4, 2)], {"ord": "nuc", "axis": (-1, 0), "keepdims": True}),
    "norm_all": ("norm", [normal(2, 3, 2)], {"keepdims": True}),
    "norm_whole_matrix": ("norm", [normal(3, 4)], {"ord": 1}),
    "norm_whole_vector": ("norm", [normal(5)], {"ord": 3}),
}

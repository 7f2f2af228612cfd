"""CTC and cross-entropies: cases for make_ops.py."""
import numpy as np

rng = np.random.default_rng(12)


def normal(*shape):
    return rng.normal(size=shape)


def probabilities(*shape, axis=-1):
    p = rng.uniform(0.05, 1, shape)
    return p / p.sum(axis, keepdims=True)


LABELS = np.array([[1, 2, 2, 3], [2, 2, 0, 0], [4, 1, 3, 0]], "int32")
LENGTHS, STEPS = np.array([4, 2, 3], "int32"), np.array([8, 7, 5], "int32")
WHOLE = {"gradient": False}
CASES = {
    "ctc": ("ctc_loss", [LABELS, normal(3, 8, 5), LENGTHS, STEPS]),
    "ctc_mask": ("nn.ctc_loss", [LABELS, 3 * normal(3, 8, 6), LENGTHS, STEPS], {"mask_index": 5}),
    "ctc_empty": ("ctc_loss", [LABELS, normal(3, 8, 5), np.zeros(3, "int32"), STEPS]),
    "ctc_impossible": ("ctc_loss", [LABELS, normal(3, 8, 5), LENGTHS, np.array([3, 2, 2], "int32")], {}, {"dtypes": ["float64"]}),
    "greedy": ("ctc_decode", [normal(3, 9, 4), STEPS], {}, WHOLE),
    "greedy_unmerged": ("nn.ctc_decode", [normal(3, 9, 4), STEPS], {"merge_repeated": False, "mask_index": 2}, WHOLE),
    "beam": ("ctc_decode", [normal(3, 8, 4), STEPS], {"strategy": "beam_search", "beam_width": 6, "top_paths": 3}, WHOLE),
    "beam_wide": ("ctc_decode", [2 * normal(2, 6, 5), STEPS[1:]], {"strategy": "beam_search", "beam_width": 40, "top_paths": 4, "mask_index": 4}, WHOLE),
    "losses_ctc": ("keras.losses.ctc", [LABELS, 2 * normal(3, 8, 5)], {}, {"symbolic": False}),
    "binary": ("nn.binary_crossentropy", [probabilities(3, 4), probabilities(3, 4)]),
    "binary_logits": ("binary_crossentropy", [rng.integers(0, 2, (3, 4)).astype("float64"), 5 * normal(3, 4)], {"from_logits": True}),
    "categorical": ("categorical_crossentropy", [probabilities(3, 4), 2 * probabilities(3, 4)]),
    "categorical_axis": ("categorical_crossentropy", [probabilities(3, 4, 2, axis=1), probabilities(3, 4, 2, axis=1)], {"axis": 1}),
    "categorical_logits": ("categorical_crossentropy", [probabilities(3, 4), 3 * normal(3, 4)], {"from_logits": True}),
    "sparse": ("sparse_categorical_crossentropy", [np.array([0, 3, 1]), probabilities(3, 4)]),
    "sparse_column": ("sparse_categorical_crossentropy", [np.array([[0], [3], [1]]), 2 * probabilities(3, 4)]),
    "sparse_logits": ("sparse_categorical_crossentropy", [np.array([[0, 3], [1, 1]]), 3 * normal(2, 2, 4)], {"from_logits": True}),
}

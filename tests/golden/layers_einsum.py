"""Cases of EinsumDense and Dot: see make_layers.py."""

CASES = {
    "einsum_dense": ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4}, (3, 5), False),
    "einsum_dense_bias": ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c", "activation": "relu"}, (3, 5), False),
    "einsum_dense_heads": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [3, 2, 3], "bias_axes": "de", "activation": "tanh"}, (2, 3, 4), False),
    "einsum_dense_combine": ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": [3, 5], "bias_axes": "e"}, (2, 3, 2, 4), False),
    "einsum_dense_left": ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 4, "bias_axes": "y", "activation": "softmax"}, (2, 3, 5), False),
    "einsum_dense_left_bare": ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 4}, (3, 5), False),
    "einsum_dense_left_two": ("EinsumDense", {"equation": "...xy,yz->...xz", "output_shape": [3, 4], "bias_axes": "xz"}, (2, 2, 3, 5), False),
    "einsum_dense_right": ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 4, "bias_axes": "c"}, (2, 5, 3, 2), False),
    "einsum_dense_middle": ("EinsumDense", {"equation": "abc,bd->adc", "output_shape": [4, 3], "bias_axes": "d"}, (2, 5, 3), False),
    "einsum_dense_partial_bias": ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [3, 4], "bias_axes": "b", "activation": "sigmoid"}, (2, 3, 5), False),
    "einsum_dense_batch": ("EinsumDense", {"equation": "abc,bcd->abd", "output_shape": [3, 4], "bias_axes": "bd"}, (2, 3, 5), False),
    "einsum_dense_turned": ("EinsumDense", {"equation": "abc,dc->adb", "output_shape": [4, 3]}, (2, 3, 5), False),
    "einsum_dense_configured": (
        "EinsumDense",
        {
            "equation": "abc,cd->abd", "output_shape": [3, 4], "bias_axes": "d", "activation": "elu", "kernel_initializer": "he_normal",
            "bias_initializer": "ones", "kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2",
            "kernel_constraint": "max_norm", "bias_constraint": "non_neg", "name": "projection",
        },
        (2, 3, 5),
        False,
    ),
    **{
        f"dot_{label}": ("Dot", arguments, shapes, False)
        for label, arguments, shapes in (
            ("vectors", {"axes": 1}, [(3, 5), (3, 5)]), ("last", {"axes": -1}, [(3, 4, 5), (3, 2, 5)]), ("normalized", {"axes": 1, "normalize": True}, [(3, 5), (3, 5)]),
            ("matrices", {"axes": [2, 1]}, [(2, 3, 4), (2, 4, 5)]), ("first", {"axes": [1, 2]}, [(2, 4, 3), (2, 5, 4)]),
            ("vector_matrix", {"axes": [1, 2]}, [(2, 4), (2, 5, 4)]), ("matrix_vector", {"axes": [2, 1]}, [(2, 3, 4), (2, 4)]),
            ("wide", {"axes": [2, 3], "normalize": True}, [(2, 3, 4, 2), (2, 2, 3, 4)]), ("negative", {"axes": [-1, 1]}, [(2, 3, 4), (2, 4, 3)]),
        )
    },
}  # fmt: skip

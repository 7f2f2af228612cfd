"""Cases of the attention layers: see make_layers.py."""

PAIR, TRIPLE = [(2, 3, 4), (2, 5, 4)], [(2, 3, 4), (2, 5, 6), (2, 5, 4)]
MASKS = {"masks": {"mask": [(2, 3), (2, 5)]}}
HEADS = {"num_heads": 2, "key_dim": 3}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
SCORES, CAUSAL = {"return_attention_scores": True}, {"use_causal_mask": True}
# A query that sees no key is what -1e9 rounds to: with a causal mask, names have been chosen whose random masks let the first key through.


def positional(shapes, call=None, masks=None):
    """A case's shapes and what comes after them, of a layer called on several tensors; JAX computes scores in float32."""
    return shapes, False, {"positional": True, "single": True, **({"call": call} if call else {}), **({"masks": masks} if masks else {})}


CASES = {
    **{
        f"{kind.lower()}_{label}": (kind, arguments, shapes, False, *([extra] if extra else []))
        for kind in ("Attention", "AdditiveAttention")
        for label, arguments, shapes, extra in (
            ("pair", {}, PAIR, {}), ("triple", {"dropout": 0.3}, TRIPLE, {}), ("scale", {"use_scale": True}, PAIR, {}), ("no_scale", {"use_scale": False}, TRIPLE, {}),
            ("masks", {}, PAIR, MASKS), ("query_mask", {}, PAIR, {"masks": {"mask": [(2, 3), None]}}), ("value_mask", {"use_scale": True}, PAIR, {"masks": {"mask": [None, (2, 5)]}}),
            ("causal", {"use_scale": True}, PAIR, {"call": CAUSAL}), ("causal_masks_values", {}, TRIPLE, {"call": CAUSAL, "masks": {"mask": [(2, 3), (2, 5)]}}),
            ("scores", {}, TRIPLE, {"call": SCORES}), ("scores_masked_causal", {}, PAIR, {"call": {**SCORES, **CAUSAL}, **MASKS}), ("one_step", {}, [(2, 1, 4), (2, 6, 4)], {}),
            ("rank_4", {}, [(2, 2, 3, 4), (2, 2, 5, 4)], {}),
        )
    },
    "attention_concat": ("Attention", {"score_mode": "concat"}, PAIR, False),
    "attention_concat_scale": ("Attention", {"score_mode": "concat", "use_scale": True, "seed": 3}, TRIPLE, False, MASKS),
    "mha": ("MultiHeadAttention", HEADS, *positional(PAIR)),
    "mha_key": ("MultiHeadAttention", {**HEADS, "flash_attention": False}, *positional([(2, 3, 4), (2, 5, 6), (2, 5, 7)])),
    "mha_no_bias": ("MultiHeadAttention", {**HEADS, "use_bias": False, "output_shape": 5}, *positional(PAIR)),
    "mha_output_shape": ("MultiHeadAttention", {**HEADS, "output_shape": [3, 2], "seed": 4}, *positional(PAIR)),
    "mha_mask": ("MultiHeadAttention", HEADS, *positional(PAIR, masks={"attention_mask": (2, 3, 5)})),
    "mha_mask_heads": ("MultiHeadAttention", HEADS, *positional(PAIR, masks={"attention_mask": (2, 2, 3, 5)})),
    "mha_value_mask": ("MultiHeadAttention", HEADS, *positional(PAIR, masks={"value_mask": (2, 5)})),
    "mha_key_mask": ("MultiHeadAttention", HEADS, *positional(TRIPLE, masks={"key_mask": (2, 5), "attention_mask": (2, 3, 5)})),
    "mha_causal": ("MultiHeadAttention", HEADS, *positional(PAIR, CAUSAL)),
    "mha_causal_mask": ("MultiHeadAttention", HEADS, *positional(PAIR, CAUSAL, {"value_mask": (2, 5)})),
    "mha_window": ("MultiHeadAttention", {**HEADS, "sliding_window": 2}, *positional([(2, 5, 4), (2, 5, 4)], CAUSAL)),
    "mha_scores": ("MultiHeadAttention", HEADS, *positional([(2, 5, 4), (2, 5, 4)], SCORES)),
    "mha_scores_mask": ("MultiHeadAttention", HEADS, *positional([(2, 5, 4), (2, 5, 4)], {**SCORES, **CAUSAL}, {"attention_mask": (2, 5, 5)})),
    "mha_scores_causal": ("MultiHeadAttention", HEADS, *positional([(2, 5, 4), (2, 5, 4)], {**SCORES, **CAUSAL})),
    "mha_dropout_inference": ("MultiHeadAttention", {**HEADS, "dropout": 0.4}, *positional(PAIR, CAUSAL, {"attention_mask": (2, 3, 5)})),
    "mha_value_dim": ("MultiHeadAttention", {**HEADS, "dropout": 0.1, "value_dim": 5, "use_gate": True}, *positional(PAIR)),
    "mha_gate": ("MultiHeadAttention", {**HEADS, "use_gate": True}, *positional(PAIR)),
    "mha_axes": ("MultiHeadAttention", {**HEADS, "attention_axes": 2}, *positional([(2, 3, 4, 5), (2, 3, 2, 5)])),
    "mha_axes_two": ("MultiHeadAttention", {**HEADS, "attention_axes": [1, 2]}, *positional([(2, 3, 2, 5), (2, 2, 4, 5)])),
    "mha_axes_all": ("MultiHeadAttention", HEADS, *positional([(2, 3, 2, 5), (2, 2, 4, 5)], masks={"attention_mask": (2, 3, 2, 2, 4)})),
    "mha_configured": (
        "MultiHeadAttention",
        {
            **HEADS, "kernel_initializer": "he_normal", "bias_initializer": "ones", "kernel_regularizer": "l2", "bias_regularizer": "l1",
            "activity_regularizer": "l2", "kernel_constraint": "max_norm", "bias_constraint": "non_neg", "name": "heads",
        },
        *positional(PAIR),
    ),
    "gqa": ("GroupQueryAttention", GROUPS, *positional(PAIR)),
    "gqa_key": ("GroupQueryAttention", {**GROUPS, "num_key_value_heads": 1, "use_bias": False}, *positional([(2, 3, 4), (2, 5, 4), (2, 5, 7)])),
    "gqa_mask": ("GroupQueryAttention", GROUPS, *positional(PAIR, masks={"attention_mask": (2, 3, 5), "value_mask": (2, 5)})),
    "gqa_causal": ("GroupQueryAttention", {**GROUPS, "flash_attention": False}, *positional(PAIR, CAUSAL)),
    "gqa_window": ("GroupQueryAttention", {**GROUPS, "sliding_window": 2}, *positional([(2, 5, 4), (2, 5, 4)])),
    "gqa_scores": ("GroupQueryAttention", {**GROUPS, "seed": 2}, *positional([(2, 5, 4), (2, 5, 4)], {**SCORES, **CAUSAL}, {"value_mask": (2, 5)})),
    "gqa_dropout_inference": ("GroupQueryAttention", {**GROUPS, "dropout": 0.4}, *positional(PAIR, masks={"attention_mask": (2, 3, 5)})),
    "gqa_gate": ("GroupQueryAttention", {**GROUPS, "use_gate": True}, *positional(PAIR)),
    "gqa_configured": (
        "GroupQueryAttention",
        {
            **GROUPS, "kernel_initializer": "he_normal", "bias_initializer": "ones", "kernel_regularizer": "l2", "bias_regularizer": "l1",
            "activity_regularizer": "l2", "kernel_constraint": "max_norm", "bias_constraint": "non_neg",
        },
        *positional(PAIR),
    ),
}  # fmt: skip

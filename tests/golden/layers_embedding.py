"""Cases of Embedding and ReversibleEmbedding: see make_layers.py."""

WORDS = {"integers": 7}
SIZES = {"input_dim": 7, "output_dim": 4}
CASES = {
    "embedding": ("Embedding", SIZES, (3, 5), False, WORDS),
    "embedding_vector": ("Embedding", SIZES, (6,), False, WORDS),
    "embedding_rank_3": ("Embedding", {"input_dim": 7, "output_dim": 3}, (2, 3, 4), False, WORDS),
    "embedding_mask_zero": ("Embedding", {**SIZES, "mask_zero": True, "trainable": False}, (3, 5), False, WORDS),
    "embedding_configured": (
        "Embedding",
        {
            **SIZES, "embeddings_initializer": "he_normal", "embeddings_regularizer": "l2", "embeddings_constraint": "max_norm",
            "activity_regularizer": "l1", "name": "words",
        },
        (3, 5),
        False,
        WORDS,
    ),
    "reversible_embedding": ("ReversibleEmbedding", SIZES, (3, 5), False, WORDS),
    "reversible_embedding_untied": ("ReversibleEmbedding", {**SIZES, "tie_weights": False, "embeddings_regularizer": "l1"}, (3, 5), False, WORDS),
}  # fmt: skip

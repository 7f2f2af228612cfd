"""What attention and its gradient give, by NumPy."""
import numpy as np


def probabilities(query, key, mask, scale, causal):
    """(batch, heads, steps, steps of keys), and the logarithms of the sums."""
    key = np.repeat(key, query.shape[2] // key.shape[2], axis=2)
    scores = scale * np.einsum("btnh,bsnh->bnts", query, key)
    seen = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    if causal:
        seen = seen & np.tri(*scores.shape[2:], dtype=bool)
    scores = np.where(seen, scores, -np.inf)
    blind = ~seen.any(-1, keepdims=True)
    most = np.where(blind, 0, scores.max(-1, keepdims=True))
    e = np.where(blind, 1, np.exp(scores - most))
    total = e.sum(-1, keepdims=True)
    return e / total, np.where(blind, -np.inf, most + np.log(total))[..., 0], ~blind


def attention(query, key, value, mask=None, *, scale, causal=False):
    p, lse, _ = probabilities(query, key, mask, scale, causal)
    return np.einsum("bnts,bsnc->btnc", p, np.repeat(value, query.shape[2] // value.shape[2], axis=2)), lse


def attention_grad(dy, dlse, query, key, value, mask, y, lse, *, scale, causal=False):
    group = query.shape[2] // key.shape[2]
    scores = scale * np.einsum("btnh,bsnh->bnts", query, np.repeat(key, group, axis=2))
    seen = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    if causal:
        seen = seen & np.tri(*scores.shape[2:], dtype=bool)
    p = np.where(seen, np.exp(scores - lse[..., None]), 0)
    dp = np.einsum("btnc,bsnc->bnts", dy, np.repeat(value, group, axis=2))
    ds = scale * p * (dp - np.einsum("btnc,btnc->bnt", dy, y)[..., None])

    def grouped(x):
        return x.reshape(*x.shape[:2], x.shape[2] // group, group, x.shape[3]).sum(3)

    return (np.einsum("bnts,bsnh->btnh", ds, np.repeat(key, group, axis=2)), grouped(np.einsum("bnts,btnh->bsnh", ds, query)),
            grouped(np.einsum("bnts,btnc->bsnc", p, dy)))

"""CTC by counting: every sequence of classes, of which those count that collapse to the labels."""
import itertools

import numpy as np


def log_softmax(x):
    x = x.astype("float64")
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def forward(labels, said, blank):
    """log of the probability of labels, by the usual recursion over labels with blanks between them."""
    with_blanks = [blank] + [k for label in labels for k in (label, blank)]
    alpha = np.full(len(with_blanks), -np.inf)
    alpha[:2] = said[0, with_blanks[:2]]
    for row in said[1:]:
        after = np.full_like(alpha, -np.inf)
        for s, k in enumerate(with_blanks):
            after[s] = alpha[s]
            if s:
                after[s] = np.logaddexp(after[s], alpha[s - 1])
            if s > 1 and k != blank and k != with_blanks[s - 2]:
                after[s] = np.logaddexp(after[s], alpha[s - 2])
            after[s] += row[k]
        alpha = after
    return np.logaddexp.reduce(alpha[-2:])


def ctc(labels, logits, label_length, logit_length, *, blank=0):
    said = log_softmax(logits)
    return np.array([-forward(row[:n], s[:t], blank) for row, s, n, t in zip(labels, said, label_length, logit_length)])


def ctc_grad(dloss, labels, logits, label_length, logit_length, *, blank=0):
    """By differences of fourth order in float64."""
    x, h = logits.astype("float64"), 1e-3
    dx = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        b = slice(i[0], i[0] + 1)
        for step, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = x[b].copy()
            moved[(0,) + i[1:]] += step * h
            dx[i] += dloss[i[0]] * weight * ctc(labels[b], moved, label_length[b], logit_length[b], blank=blank)[0] / (12 * h)
    return dx


def collapse(path, blank):
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def ctc_best_classes(x, lengths, *, blank=0, merge_repeated=True):
    paths, scores = np.full((1,) + x.shape[:2], -1, "int32"), np.zeros((len(x), 1))
    for b, n in enumerate(lengths):
        best = x[b, :n].argmax(-1)
        path = collapse(best, blank) if merge_repeated else [k for k in best if k != blank]
        paths[0, b, :len(path)], scores[b] = path, -x[b, :n].max(-1).sum()
    return paths, scores


def ctc_best_paths(x, lengths, *, beam_width, top_paths, blank=0):
    """All sequences, for a beam that loses none."""
    paths, scores = np.full((top_paths,) + x.shape[:2], -1, "int32"), np.zeros((len(x), top_paths))
    for b, n in enumerate(lengths):
        said, found = log_softmax(x[b]), {}
        for path in itertools.product(range(x.shape[2]), repeat=int(n)):
            key = collapse(path, blank)
            found[key] = np.logaddexp(found.get(key, -np.inf), said[range(n), path].sum())
        for k, path in enumerate(sorted(found, key=found.get, reverse=True)[:top_paths]):
            paths[k, b, :len(path)], scores[b, k] = path, found[path]
    return paths, scores

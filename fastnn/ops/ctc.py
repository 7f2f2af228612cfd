"""Connectionist temporal classification: sequences of labels for longer sequences of predictions, the loss and the decoding."""
import numpy as np

from .. import config
from ..device import BadIndex
from ..op import integers, normal, op
from ..tensor import FLOATS, Spec
from ._host import host_op
from ._shapes import operand
from .elementwise import cast

# ---- Loss -------------------------------------------------------------------------------------------------------

LENGTHS = integers(3, low=1, high=4, dtype="int32"), integers(3, low=6, high=9, dtype="int32")


@op
class ctc:
    """The loss of each sample, from labels (batch, n), logits (batch, steps, classes) and the lengths of both."""
    outputs = "loss"
    cases = [((integers(3, 4, low=1, high=5, dtype="int32"), normal(3, 8, 5), *LENGTHS), {}),
             ((integers(3, 4, low=0, high=4, dtype="int32"), normal(3, 8, 5), *LENGTHS), dict(blank=4)),
             ((integers(0, 4, dtype="int32"), normal(0, 8, 5), integers(0, dtype="int32"), integers(0, dtype="int32")), {})]

    def spec(labels, logits, label_length, logit_length, *, blank=0):
        return Spec(logits.shape[:1], logits.dtype)

    def cpu(labels, logits, label_length, logit_length, loss, *, blank):
        return "ctc_loss", (labels, logits, label_length, logit_length, loss, *labels.shape, *logits.shape[1:], blank)

    def flops(labels, logits): return 4 * logits.size + 20 * labels.size * logits.shape[1]

    def vjp(dloss, labels, logits, label_length, logit_length, blank):
        return None, ctc_grad(dloss, labels, logits, label_length, logit_length, blank=blank), None, None


@op
class ctc_grad:
    """The gradient of `ctc` for its logits: the softmax less the share of each class in the paths of the labels, times dloss."""
    outputs = "dlogits"
    cases = [((normal(3), *ctc.cases[0][0]), {}), ((normal(3), *ctc.cases[1][0]), dict(blank=4))]

    def spec(dloss, labels, logits, label_length, logit_length, *, blank=0):
        return logits

    def cpu(dloss, labels, logits, label_length, logit_length, dlogits, *, blank):
        return "ctc_grad", (labels, logits, label_length, logit_length, dloss, dlogits, *labels.shape, *logits.shape[1:], blank)

    def flops(labels, logits): return 8 * logits.size + 40 * labels.size * logits.shape[1]


def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """The CTC loss of each sample: -log of the probability that the predictions, without repetitions and blanks, are the labels.

    Args:
        target: integer labels, (batch, max_labels).
        output: logits, (batch, steps, classes).
        target_length: how many labels each sample has, (batch,).
        output_length: how many steps each sample has, (batch,).
        mask_index: the class of blanks, which is no label.

    Returns:
        Tensor (batch,).  Labels that cannot be said in so many steps have a loss near 10^5.

    Raises:
        ValueError: shapes that do not go together, a label that is no class.

    Source: Graves et al., "Connectionist Temporal Classification", 2006.

    Example:
        >>> float(ctc_loss([[1]], convert_to_tensor([[[0.0, 0.0]]]), [1], [1])) == float(log(2.0))
        True
    """
    target, output = operand(target), operand(output)
    lengths = [cast(operand(x), dtype="int32") for x in (target_length, output_length)]
    if output.dtype not in FLOATS:
        output = cast(output, dtype=config.floatx())
    batches = {x.shape[:1] for x in (target, output, *lengths)} - {(None,)}
    if len(target.shape) != 2 or len(output.shape) != 3 or len(batches) > 1 or any(len(x.shape) != 1 for x in lengths):
        raise ValueError(f"[ctc_loss] target has the shape {target.shape}, output {output.shape}, target_length {lengths[0].shape} and "
                         f"output_length {lengths[1].shape}: expected (batch, labels), (batch, steps, classes), (batch,) and (batch,)")
    try:
        return ctc(cast(target, dtype="int32"), output, *lengths, blank=int(mask_index))
    except BadIndex as error:
        where = "mask_index" if error.position < 0 else "target at position " + str(divmod(error.position, target.shape[1]))
        raise ValueError(f"[ctc_loss] {where} is {error.value}, and there are {error.limit} classes: expected 0 ... {error.limit - 1}") from None


# ---- Decoding ---------------------------------------------------------------------------------------------------

@host_op
class ctc_best_classes:
    """Greedy decoding: the best class of each step, without repetitions and blanks; -1 where there is nothing more."""
    outputs = "paths scores"
    cases = [((normal(3, 8, 5), LENGTHS[1]), {}), ((normal(3, 8, 5), LENGTHS[1]), dict(blank=4, merge_repeated=False))]

    def spec(x, lengths, *, blank=0, merge_repeated=True):
        return Spec((1,) + x.shape[:2], "int32"), Spec(x.shape[:1] + (1,), x.dtype)

    def host(x, lengths, *, blank, merge_repeated):
        paths, scores = np.full((1,) + x.shape[:2], -1, "int32"), np.zeros((x.shape[0], 1), x.dtype)
        for b, (rows, n) in enumerate(zip(x, lengths)):
            best = rows[:n].argmax(-1)
            scores[b] = -rows[:n].max(-1).sum()
            said = best != blank
            if merge_repeated:
                said[1:] &= best[1:] != best[:-1]
            paths[0, b, :said.sum()] = best[said]
        return paths, scores


@host_op
class ctc_best_paths:
    """Beam search: the paths with the highest log-probabilities; -1 where there is nothing more."""
    outputs = "paths scores"
    cases = [((normal(2, 5, 3), integers(2, low=3, high=6, dtype="int32")), dict(beam_width=30, top_paths=2))]

    def spec(x, lengths, *, beam_width=100, top_paths=1, blank=0):
        return Spec((top_paths,) + x.shape[:2], "int32"), Spec(x.shape[:1] + (top_paths,), x.dtype)

    def host(x, lengths, *, beam_width, top_paths, blank):
        paths = np.full((top_paths,) + x.shape[:2], -1, "int32")
        scores = np.full((x.shape[0], top_paths), -np.inf)
        wide = x.astype("float64")
        high = wide.max(-1, keepdims=True)
        said = wide - high - np.log(np.exp(wide - high).sum(-1, keepdims=True))
        for b, n in enumerate(lengths):
            for k, (path, score) in enumerate(_beam_search(said[b, :max(n, 1)], beam_width, blank)[:top_paths]):
                paths[k, b, :len(path)], scores[b, k] = path, score
        return paths, scores


NEVER = -float("inf")


def _beam_search(said, width, blank):
    """Paths and their log-probabilities, the best first; said: log-probabilities (steps, classes)."""
    beams = {(): (NEVER, 0.0)}      # path: log-probabilities of it with its last label being said, and with a blank behind it
    for t, row in enumerate(said.tolist()):
        found = {}

        def add(path, kind, score):
            scores = found.setdefault(path, [NEVER, NEVER])
            scores[kind] = np.logaddexp(scores[kind], score)

        for path, (emit, rest) in beams.items():
            both = np.logaddexp(emit, rest)
            add(path, 1, both + row[blank])
            for label, score in enumerate(row):
                if label == blank:
                    continue
                if path and path[-1] == label:
                    add(path, 0, emit + score)
                    add(path + (label,), 0, rest + score)
                else:
                    add(path + (label,), 0, both + score)
        # of equals the one with the lower labels, as in TensorFlow
        best = sorted(found, key=lambda path: (-np.logaddexp(*found[path]), path))[:width]
        beams = {path: found[path] for path in best}
    return sorted(((path, float(np.logaddexp(*scores))) for path, scores in beams.items()), key=lambda found: (-found[1], found[0]))


def ctc_decode(inputs, sequence_lengths, strategy="greedy", beam_width=100, top_paths=1, merge_repeated=True, mask_index=0):
    """The sequences of labels that predictions stand for.

    Args:
        inputs: logits, (batch, steps, classes).
        sequence_lengths: how many steps each sample has, (batch,).
        strategy: "greedy": the best class of each step; "beam_search": the most probable sequences.
        beam_width, top_paths: of beam search: how many sequences are followed, and how many are given.
        merge_repeated: of greedy decoding: whether a class in successive steps is one label.
        mask_index: the class of blanks, which is no label.

    Returns:
        (paths, scores): paths int32, (top_paths, batch, steps), 1 with greedy decoding; -1 behind the last label.  scores (batch, top_paths):
        log-probabilities of beam search; with greedy decoding minus the sum of the largest logits.

    Raises:
        ValueError: another strategy, another shape.

    Example:
        >>> paths, _ = ctc_decode(one_hot([[1, 1, 0, 2]], 3), [4])
        >>> paths.tolist()
        [[[1, 2, -1, -1]]]
    """
    inputs, lengths = operand(inputs), cast(operand(sequence_lengths), dtype="int32")
    if inputs.dtype not in FLOATS:
        inputs = cast(inputs, dtype=config.floatx())
    if len(inputs.shape) != 3 or len(lengths.shape) != 1:
        raise ValueError(f"[ctc_decode] inputs have the shape {inputs.shape} and sequence_lengths {lengths.shape}, expected "
                         "(batch, steps, classes) and (batch,)")
    if strategy == "greedy":
        return ctc_best_classes(inputs, lengths, blank=int(mask_index), merge_repeated=bool(merge_repeated))
    if strategy == "beam_search":
        return ctc_best_paths(inputs, lengths, beam_width=int(beam_width), top_paths=int(top_paths), blank=int(mask_index))
    raise ValueError(f"[ctc_decode] strategy must be 'greedy' or 'beam_search', received {strategy!r}")

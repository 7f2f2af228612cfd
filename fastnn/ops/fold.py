"""The windows of an axis laid side by side, and added up again: im2col, col2im, and what is made of them."""
import math

import numpy as np

from ..op import normal, op
from ..tensor import Spec
from ._shapes import operand
from .shape import reshape, transpose

# ---- Along one axis ---------------------------------------------------------------------------------------------

def _cases():
    def case(a, d, b, e, o, size, stride=1, dilation=1, before=0):
        return (a, d, b, e), (a, o, b, size, e), dict(size=size, stride=stride, dilation=dilation, before=before)
    return [case(2, 5, 6, 4, 3, 3), case(2, 5, 6, 1, 5, 3, before=1), case(3, 9, 1, 7, 5, 3, stride=2, before=1),
            case(1, 11, 4, 3, 4, 2, stride=3), case(2, 8, 3, 2, 6, 3, dilation=2, before=1), case(2, 3, 2, 5, 4, 7, before=3),
            case(2, 5, 3, 2, 4, 2, before=-1), case(0, 5, 3, 2, 4, 2), case(2, 12, 130, 16, 12, 3, before=1),
            case(2, 4, 700, 1, 3, 2), case(1, 4, 3, 2, 3, 1, stride=2, before=1)]


@op
class unfold_axis:
    """The windows of the second axis, laid side by side before the last.

    Args:
        x: (A, D, B, E).
        count: O, the number of windows.
        size, stride, dilation: of the windows, in cells of D.
        before: cells of zeros before the first of D; negative: cells left out.

    Returns:
        Tensor (A, O, B, size, E): [a, o, b, k, e] is x[a, o * stride - before + k * dilation, b, e], 0 outside.
    """
    cases = [((normal(*x),), dict(count=cols[1], **attrs)) for x, cols, attrs in _cases()]

    def spec(x, *, count, size, stride, dilation, before):
        a, _, b, e = x.shape
        return Spec((a, count, b, size, e), x.dtype)

    def cpu(x, y, *, count, size, stride, dilation, before):
        return "unfold_axis", (x, y, *x.shape, count, size, stride, dilation, before)

    def vjp(dy, x, size, stride, dilation, before):
        return fold_axis(dy, length=x.shape[1], size=size, stride=stride, dilation=dilation, before=before)


@op
class fold_axis:
    """The windows of an axis, each added to where `unfold_axis` takes it from: (A, O, B, size, E) -> (A, length, B, E)."""
    cases = [((normal(*cols),), dict(length=x[1], **attrs)) for x, cols, attrs in _cases()]

    def spec(cols, *, length, size, stride, dilation, before):
        a, _, b, _, e = cols.shape
        return Spec((a, length, b, e), cols.dtype)

    def cpu(cols, y, *, length, size, stride, dilation, before):
        return "fold_axis", (cols, y, *y.shape, cols.shape[1], size, stride, dilation, before)

    def flops(cols): return cols.size

    def vjp(dy, cols, size, stride, dilation, before):
        return unfold_axis(dy, count=cols.shape[1], size=size, stride=stride, dilation=dilation, before=before)

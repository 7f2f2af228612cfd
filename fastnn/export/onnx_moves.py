"""Converters of ops that move elements: shapes, slices, joins, gathers."""
import numpy as np

from .onnx_converters import converts
from .onnx_graph import FAR, place_from
from .sizes import Size, values_of
from .trace import GIVE_SIZES, refusal


@converts("reshape")
def reshape(g, x, *, to):
    return g.reshape(x, to.shape)


@converts("transpose")
def transpose(g, x, *, axes):
    return g.transpose(x, range(x.rank)[::-1] if axes is None else [k % x.rank for k in axes])


@converts("broadcast_to")
def broadcast_to(g, x, *, to):
    lead = len(to.shape) - x.rank       # a size of 1 takes that of x
    target = [1 if k >= lead and x.shape[k - lead] == n else n for k, n in enumerate(to.shape)]
    return x if not lead and all(n == 1 for n in target) else g.node("Expand", x, g.sizes(target))


@converts("full")
def full(g, *, fill_value, to):
    return _filled(g, g.sizes(to.shape), fill_value, to.dtype)


@converts("full_like")
def full_like(g, x, *, fill_value, to):
    sizes = g.node("Shape", x)
    sizes.dtype = "int64"
    return _filled(g, sizes, fill_value, to.dtype)


def _filled(g, sizes, value, dtype):
    y = g.node("Expand", g.number(value, dtype), sizes)
    y.dtype = dtype
    return y


@converts("strided_slice")
def strided_slice(g, x, *, starts, steps, sizes):
    """Slice, of the axes that are cut."""
    axes, begins, ends, strides = [], [], [], []
    for axis, (n, start, step, size) in enumerate(zip(x.shape, starts, steps, sizes)):
        if start == 0 and step == 1 and size == n:
            continue
        axes.append(axis)
        strides.append(step)
        begins.append(place_from(start, n, g.count))
        ends.append(_end(g, n, start, step, size))
    if not axes:
        return x
    return g.node("Slice", x, g.sizes(begins), g.sizes(ends), g.whole(axes), g.whole(strides))


def _end(g, n, start, step, size):
    """Where a slice ends: beyond the axis if it takes what there is, else a number, or what is worked out."""
    columns = list(zip(*[values_of(v, g.count) for v in (n, start, size)]))
    if step > 0:
        ends = [a + step * (m - 1) + 1 if m else a for _, a, m in columns]
        whole = all(a + step * m >= full for full, a, m in columns)
        stop = max(ends)        # a number in Python, which shorter axes do not reach
        if not whole and all(m == max(-((a - min(full, stop)) // step), 0) for full, a, m in columns):
            return stop
    else:
        ends = [a + step * (m - 1) - 1 if m else a for _, a, m in columns]
        whole = all(a + step * m < 0 for _, a, m in columns)
    if whole:
        return FAR if step > 0 else -FAR
    return place_from(ends[0] if len(set(ends)) == 1 else Size(ends), n, g.count)


@converts("join")
def join(g, *xs, axis):
    return g.node("Concat", *xs, axis=axis) if len(xs) > 1 else xs[0]


@converts("pad_constant")
def pad_constant(g, x, *, pad_width, value):
    pads = [before for before, _ in pad_width] + [behind for _, behind in pad_width]
    return g.node("Pad", x, g.sizes(pads), g.number(value, x), mode="constant") if any(pads) else x


# ---- By indices -------------------------------------------------------------------------------------------------

@converts("gather")
def gather(g, x, indices, *, axis):
    return g.node("Gather", x, indices if indices.dtype in ("int32", "int64") else g.cast(indices, "int64"), axis=axis)


@converts("take_along")
def take_along(g, x, indices, *, axis):
    return g.node("GatherElements", x, indices, axis=axis)


@converts("flat_index")
def flat_index(g, indices, *, sizes):
    """The place in the flat array of elements that several indices name."""
    if any(n.__class__ is Size for n in sizes):
        raise refusal(g.layer, "takes elements by several indices from axes of open sizes")
    behind = g.node("Less", indices, g.whole(0))
    inside = g.node("Where", behind, g.node("Add", indices, g.whole(sizes)), indices)
    inside.dtype = "int64"
    strides = [int(np.prod(sizes[k + 1:])) for k in range(len(sizes))]
    return g.node("ReduceSum", g.node("Mul", inside, g.whole(strides)), g.whole([-1]), keepdims=0)


@converts("one_hot_rows")
def one_hot_rows(g, indices, *, num_classes, to):
    column = g.node("Unsqueeze", indices, g.whole([-1]))
    y = g.node("Equal", column, g.constant(np.arange(num_classes, dtype=indices.dtype), "classes"))
    y.dtype = "bool"
    return g.cast(y, to.dtype)


@converts("places_in")
def places_in(g, ordered, values, *, right):
    """How many elements of the sorted vector stand before each value."""
    before = g.node("LessOrEqual" if right else "Less", ordered, g.node("Unsqueeze", values, g.whole([-1])))
    before.dtype = "bool"
    return g.node("ReduceSum", g.cast(before, "int32"), g.whole([-1]), keepdims=0)


@converts("scatter_rows")
def scatter_rows(g, x, index, u, *, mode, drop):
    """Indices outside are those of a row behind the last one, which goes again."""
    kinds = {"set": "none", "add": "add", "mul": "mul", "max": "max", "min": "min"}
    if drop:
        limit = g.node("Squeeze", g.sizes(x.shape[:1]), g.whole([0]))
        inside = g.node("And", g.node("GreaterOrEqual", index, g.whole(0)), g.node("Less", index, limit))
        index = g.node("Where", inside, index, limit)
        x = g.node("Pad", x, g.whole([0] * x.rank + [1] + [0] * (x.rank - 1)), mode="constant")
    y = g.node("ScatterND", x, g.node("Unsqueeze", index, g.whole([-1])), u, reduction=kinds[mode])
    return g.node("Slice", y, g.whole([0]), g.whole([-1]), g.whole([0])) if drop else y


@converts("put_slice")
def put_slice(g, x, u, *, starts):
    """x or u by a constant mask, which axes that u fills repeat."""
    pads, inside = [[], []], np.ones((1,) * x.rank, bool)
    for axis, (n, m, start) in enumerate(zip(x.shape, u.shape, starts)):
        if n != m:
            if any(size.__class__ is Size for size in (n, m, start)):
                raise refusal(g.layer, "puts a slice into an axis of open size")
            places = np.arange(n).reshape((-1,) + (1,) * (x.rank - axis - 1))
            inside = inside & (places >= start) & (places < start + m)
        pads[0].append(start if n != m else 0)
        pads[1].append(n - m - start if n != m else 0)
    wide = g.node("Pad", u, g.whole(pads[0] + pads[1]), mode="constant")
    y = g.node("Where", g.constant(inside, "inside"), wide, x)
    y.dtype = x.dtype
    return y


@converts("take_diagonal")
def take_diagonal(g, x, *, offset, to):
    rows, columns = x.shape[-2:]
    if rows.__class__ is Size or columns.__class__ is Size:
        raise refusal(g.layer, "takes a diagonal of open size")
    first = max(offset, 0) - min(offset, 0) * columns
    places = first + (columns + 1) * np.arange(to.shape[-1])
    return g.node("Gather", g.reshape(x, (*x.shape[:-2], rows * columns)), g.whole(places), axis=x.rank - 2)


@converts("repeat_cells")
def repeat_cells(g, x, *, factors):
    return g.node("Resize", x, None, g.constant(np.asarray(factors, "float32"), "scales"), mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor")


# ---- Constants of open sizes ------------------------------------------------------------------------------------

def made_outside(g, value):
    """A tensor that Python made and whose size or number follows sizes of the inputs: a size, one value, a range, a triangle.

    Raises:
        NotExportable: anything else.
    """
    made = _a_size(g, value) or _a_range(g, value) or _a_triangle(g, value) or _one_value(g, value)
    if made is None:
        raise refusal(g.layer, f"takes a tensor of shape {value.shape} that Python made, and that is another for other inputs",
                      f"make it with fastnn.ops, or {GIVE_SIZES}")
    return made


def _a_size(g, value):
    if value.shape != () or value.dtype == "bool" or any(a != int(a) for a in value.arrays):
        return None
    return g.cast(_scalar(g, Size(int(a) for a in value.arrays)), value.dtype)


def _a_range(g, value):
    first, step = next(((a[0], a[1] - a[0]) for a in value.arrays if len(value.shape) == 1 and len(a) > 1), (0, 0))
    if not step or any(not np.array_equal(a, first + step * np.arange(len(a))) for a in value.arrays):
        return None
    y = g.cast(_range(g, value.shape[0]), value.dtype)
    y = y if step == 1 else g.node("Mul", y, g.number(step, y))
    return y if first == 0 else g.node("Add", y, g.number(first, y))


def _a_triangle(g, value):
    """Ones on and below a diagonal."""
    if len(value.shape) != 2 or not all(a.size for a in value.arrays):
        return None
    above = int(np.count_nonzero(value.arrays[0][0])) - 1
    if any(not np.array_equal(a, np.tri(*a.shape, above, dtype=a.dtype)) for a in value.arrays):
        return None
    rows, columns = [_range(g, n) for n in value.shape]
    rows = g.node("Unsqueeze", g.node("Add", rows, g.whole(above)) if above else rows, g.whole([1]))
    y = g.node("GreaterOrEqual", rows, columns)
    y.dtype = "bool"
    return g.cast(y, value.dtype)


def _one_value(g, value):
    values = {one for a in value.arrays for one in np.unique(a).tolist()}
    return _filled(g, g.sizes(value.shape), values.pop(), value.dtype) if len(values) == 1 and value.shape else None


def _scalar(g, size):
    y = g.node("Squeeze", g.sizes([size]), g.whole([0]))
    y.dtype = "int64"
    return y


def _range(g, size):
    """The integers from 0 up to a size."""
    y = g.node("Range", g.whole(0), _scalar(g, size), g.whole(1))
    y.dtype = "int64"
    return y

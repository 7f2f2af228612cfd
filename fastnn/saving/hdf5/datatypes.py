"""Types of elements: section "Datatype Message", and their counterparts in NumPy."""
import dataclasses
import math
from typing import Callable, Optional

import numpy as np

from .heaps import global_object
from .source import Damaged, Fields, Refused

INTEGER, FLOAT, STRING, BITFIELD, OPAQUE, ENUM, VARIABLE, ARRAY = 0, 1, 3, 4, 5, 8, 9, 10
REFUSED = {2: "times", 6: "compounds", 7: "references", 11: "complex numbers"}

# exponent's location and size, mantissa's location and size, bias -> NumPy's kind and bytes
IEEE = {(10, 5, 0, 10, 15): "f2", (23, 8, 0, 23, 127): "f4", (52, 11, 0, 52, 1023): "f8"}
BFLOAT16 = (7, 8, 0, 7, 127)


STRING_SIZE = 72        # bytes of memory that a short str takes, with the references to it


@dataclasses.dataclass
class Datatype:
    """Attributes:
        stored: NumPy dtype of an element in the file.
        dtype: NumPy dtype of an element that was read.
        shape: dimensions that array types add.
        decode: function from (array of stored, source) to an array of dtype; None where they are the same.
    """
    stored: np.dtype
    dtype: np.dtype
    shape: tuple = ()
    decode: Optional[Callable] = None

    @property
    def itemsize(self):
        """Bytes in the file."""
        return self.stored.itemsize * math.prod(self.shape)

    def growth(self, count):
        """Bytes of memory that so many elements take beyond those in the file."""
        return count * math.prod(self.shape) * STRING_SIZE if self.dtype == object else 0

    def array(self, data, shape, source):
        """Bytes as they are in the file -> array."""
        stored = np.frombuffer(data, self.stored).reshape(shape + self.shape)
        return stored.copy() if self.decode is None else self.decode(stored, source)


def read_datatype(fields, depth=0):
    """"Datatype Message" -> Datatype."""
    if depth > 4:
        raise Refused("its type of elements is nested too deeply")
    first = fields.number()
    version, kind = first >> 4, first & 15
    bits, size = fields.number(3), fields.number(4)
    if not 1 <= version <= 5 or not size:
        raise Damaged(f"a datatype of version {version} and {size} bytes is unknown")
    if kind in (INTEGER, BITFIELD):
        return _integer(fields, bits, size, "i" if kind == INTEGER and bits & 8 else "u")
    if kind == FLOAT:
        return _float(fields, bits, size)
    if kind == STRING:
        return Datatype(np.dtype(f"S{size}"), np.dtype(object), decode=_string_decoder(bits & 15))
    if kind == OPAQUE:
        return Datatype(np.dtype(f"V{size}"), np.dtype(f"V{size}"))
    if kind == ENUM:
        return _enum(fields, version, bits & 0xFFFF, depth)
    if kind == VARIABLE and bits & 15 == 1 and size == 8 + fields.source.offset_size:
        return Datatype(np.dtype(f"V{size}"), np.dtype(object), decode=_variable_strings)
    if kind == ARRAY:
        return _array(fields, version, size, depth)
    what = REFUSED.get(kind, "lists of varying length" if kind == VARIABLE else f"the unknown class {kind}")
    raise Refused(f"its elements are {what}; numbers, booleans and strings are read")


def _order(bits):
    return ">" if bits & 1 else "<"


def _integer(fields, bits, size, kind):
    if (fields.number(2), fields.number(2)) != (0, 8 * size) or size not in (1, 2, 4, 8):
        raise Refused(f"its integers of {size} bytes do not fill them")
    dtype = np.dtype(f"{_order(bits)}{kind}{size}")
    return Datatype(dtype, dtype)


def _float(fields, bits, size):
    offset, precision = fields.number(2), fields.number(2)
    form = (*(fields.number() for _ in range(4)), fields.number(4))
    if offset or precision != 8 * size or bits >> 8 & 255 != 8 * size - 1 or bits & 0x40 or bits >> 4 & 3 != 2:
        form = None
    if form == BFLOAT16 and size == 2:
        return bfloat16(_order(bits))
    name = IEEE.get(form)
    if name is None or int(name[1]) != size:
        raise Refused(f"its floating point numbers of {size} bytes are not of IEEE's formats of 16, 32 or 64 bits")
    dtype = np.dtype(_order(bits) + name)
    return Datatype(dtype, dtype)


def bfloat16(order="<"):
    """The upper halves of float32, which is what they become."""
    def decode(stored, source):
        return (stored.view(f"{order}u2").astype(np.uint32) << 16).view(np.float32)
    return Datatype(np.dtype(f"{order}u2"), np.dtype(np.float32), decode=decode)


def _enum(fields, version, count, depth):
    base = read_datatype(fields, depth + 1)
    if base.stored.kind not in "iu" or base.shape:
        raise Damaged("an enumeration is not of integers")
    names = []
    for _ in range(count):
        end = fields.data.index(b"\0", fields.at)
        names.append(fields.data[fields.at:end])
        length = end + 1 - fields.at
        fields.skip(length if version >= 3 else length + -length % 8)
    values = np.frombuffer(fields.take(count * base.itemsize), base.stored).tolist()
    if base.itemsize == 1 and dict(zip(names, values)) == {b"FALSE": 0, b"TRUE": 1}:      # as h5py writes booleans
        return Datatype(base.stored, np.dtype(bool), decode=lambda stored, source: stored != 0)
    return base


def _array(fields, version, size, depth):
    rank = fields.number()
    fields.skip(3 if version < 3 else 0)
    shape = tuple(fields.number(4) for _ in range(rank))
    fields.skip(4 * rank if version < 3 else 0)
    base = read_datatype(fields, depth + 1)
    whole = dataclasses.replace(base, shape=shape + base.shape)
    if whole.itemsize != size or len(whole.shape) > 32:
        raise Damaged("the size of an array type is not that of its elements")
    return whole


def _objects(values, shape):
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def _string_decoder(padding):
    """Strings of fixed size end at the first zero (padding 0), before zeros (1) or before spaces (2)."""
    def decode(stored, source):
        values = stored.ravel().tolist()        # NumPy strips zeros at the end
        if padding == 0:
            values = [value.partition(b"\0")[0] for value in values]
        elif padding == 2:
            values = [value.rstrip(b" ") for value in values]
        return _objects([value.decode() for value in values], stored.shape)
    return decode


def _variable_strings(stored, source):
    """For each string its length, the address of a collection in the global heap, and a number there."""
    data, size, known, values = stored.tobytes(), stored.itemsize, source.strings, []
    for start in range(0, len(data), size):
        reference = data[start:start + size]
        if reference not in known:
            fields = Fields(reference, source)
            length, address, index = fields.number(4), fields.address(), fields.number(4)
            source.spend(length + 64)       # references may share a string, but not all of them a long one in many lengths
            known[reference] = global_object(source, address, index)[:length].decode() if length else ""
        values.append(known[reference])
    return _objects(values, stored.shape)

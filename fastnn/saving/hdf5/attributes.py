"""Attributes of groups and datasets: section "Attribute Message"."""
import collections.abc
import copy
import math

from .datatypes import read_datatype
from .fractal_heap import in_heap
from .headers import ATTRIBUTE, ATTRIBUTE_INFO, DATASPACE, DATATYPE, resolved
from .messages import read_space
from .source import Damaged, guarded


class Attributes(collections.abc.Mapping):
    """Attributes by name; values are decoded when they are asked for.

    Numbers and booleans are NumPy scalars or arrays, strings are str, arrays of strings are (flat) lists of str, and what has
    no value is None.
    """

    def __init__(self, header, where):
        self.where, self._source = f"an attribute of {where}", header.source
        self._values = {}
        self._parts = dict(_read_attribute(message) for message in _messages(header))

    def __iter__(self):
        return iter(self._parts)

    def __len__(self):
        return len(self._parts)

    def __repr__(self):
        return f"<attributes {', '.join(self._parts)}>"

    def __getitem__(self, name):
        if name not in self._values:
            self._values[name] = self._value(*self._parts[name])
        return copy.copy(self._values[name])

    @guarded
    def _value(self, datatype, space, data):
        datatype, (shape, _) = read_datatype(datatype()), read_space(space())
        if shape is None:
            return None
        size = math.prod(shape) * datatype.itemsize
        if size > len(data):
            raise Damaged("an attribute is larger than its message")
        self._source.claim(0, datatype.growth(math.prod(shape)))
        array = datatype.array(data[:size], shape, self._source)
        if array.dtype == object:
            return array.ravel().tolist() if array.ndim else array[()]
        return array if array.ndim else array[()]


def _messages(header):
    """The attributes' messages as Fields: in the header, and, if they are many or large, in a heap ("Attribute Info Message")."""
    source = header.source
    for flags, data in header.messages.get(ATTRIBUTE, []):
        yield resolved(source, flags, data, ATTRIBUTE)
    if header.has(ATTRIBUTE_INFO):
        for heap, record in in_heap(source, header.get(ATTRIBUTE_INFO), 2, 8):
            yield resolved(source, record[8], heap.get(record[:8]), ATTRIBUTE)


def _read_attribute(fields):
    """(name, (datatype, space, data)); the first two as functions that give Fields."""
    version = fields.version(1, 2, 3)
    flags = fields.number() if version > 1 else fields.skip(1) and 0
    sizes = [fields.number(2) for _ in range(3)]
    fields.skip(1 if version == 3 else 0)
    name, datatype, space = (fields.take(size + (-size % 8 if version == 1 else 0))[:size] for size in sizes)
    source = fields.source

    def part(data, shared, kind):
        return lambda: resolved(source, 2 if shared else 0, data, kind)
    value = part(datatype, flags & 1, DATATYPE), part(space, flags & 2, DATASPACE), fields.take(fields.left)
    return name.partition(b"\0")[0].decode(), value

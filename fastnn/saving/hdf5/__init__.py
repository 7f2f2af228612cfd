"""Reading HDF5 files, safely: in Python and NumPy, after the "HDF5 File Format Specification" (versions 2 to 4).

The C library reads files of strangers at the reader's risk: bytes flipped at random end it in a segmentation fault or an endless
loop about once in 500 times.  Here nothing but an HDF5Error can happen, in time and memory that the file's size bounds.
What refers to other files (external links, external storage, virtual datasets), what is declared and not stored, and what
would grow beyond measure is refused.

From the ground up: `source.py` reads bytes and knows the budgets, `headers.py` reads objects as lists of messages,
`messages.py` and `datatypes.py` what messages say, `heaps.py`, `fractal_heap.py`, `btrees.py` and `arrays.py` what holds many
things, `links.py`, `attributes.py` and `chunks.py` what lies there, `storage.py` with `filters.py` the data; `file.py` has
Group and Dataset.
"""
from .file import Dataset, Group, read_hdf5
from .source import HDF5Error

__all__ = ["Dataset", "Group", "HDF5Error", "read_hdf5"]

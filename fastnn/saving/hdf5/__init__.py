"""Reading HDF5 files, safely: in Python and NumPy, after the "HDF5 File Format Specification" (versions 2 to 4).

The C library reads files of strangers at the reader's risk: bytes flipped at random end it in a segmentation fault or an endless
loop about once in 500 times.  Here nothing but an HDF5Error can happen, in time and memory that the file's size bounds.
What refers to other files (external links, external storage, virtual datasets), what is declared and not stored, and what
would grow beyond measure is refused.

A file is read from the ground up by `source.py` (bytes), `headers.py` (objects as lists of messages), `messages.py` and `datatypes.py`
(what a message says), `heaps.py`, `btrees.py` and `arrays.py` (where many things lie), `links.py`, `attributes.py` and `chunks.py` (what groups, objects
and datasets keep there), and `file.py` (Group and Dataset).
"""
from .file import Dataset, Group, read_hdf5
from .source import HDF5Error

__all__ = ["Dataset", "Group", "HDF5Error", "read_hdf5"]

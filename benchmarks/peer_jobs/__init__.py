"""What peers.py measures (`cases`), and how each engine does it: one module for each, `with_<engine>`.

An engine's `jobs(case)` gives a function for each part of a case ("forward", "data" ...); called, it computes the part anew and
returns what it found.  `arrays(found)` gives that as NumPy arrays, laid out as fastnn has them, for the comparison.
"""

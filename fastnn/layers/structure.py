"""Nested lists, tuples and dicts: of inputs, of shapes, and of what a layer holds."""


def contents(value, kind):
    """All objects of a class in nested dicts, lists, tuples and sets."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, kind):
            yield item
        elif isinstance(item, (list, tuple, dict, set, frozenset)):
            yield from contents(item, kind)


def unique(items):
    return list({id(item): item for item in items}.values())


def is_structure(x):
    """Whether a list or dict is one of inputs, rather than numbers in nested lists."""
    if isinstance(x, dict):
        return not hasattr(x, "tocsr")      # scipy keeps one of its sparse formats in a dict
    return isinstance(x, (list, tuple)) and any(item is None or hasattr(item, "shape") or is_structure(item) for item in x)


def map_structure(function, x):
    if isinstance(x, dict) and is_structure(x):
        parts = {key: map_structure(function, x[key]) for key in sorted(x)}     # in the order of `flatten`
        return {key: parts[key] for key in x}
    if is_structure(x):
        parts = [map_structure(function, value) for value in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return function(x)


def flatten(x):
    if isinstance(x, dict):
        return [leaf for key in sorted(x) for leaf in flatten(x[key])]
    if is_structure(x):
        return [leaf for item in x for leaf in flatten(item)]
    return [x]


def map_shapes(function, shape):
    if isinstance(shape, dict):
        return {key: map_shapes(function, value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(item, (list, tuple, dict)) for item in shape):
        return [map_shapes(function, item) for item in shape]
    return function(tuple(shape))

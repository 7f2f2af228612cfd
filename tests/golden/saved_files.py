"""What `.keras` and `.weights.h5` files hold, to compare those of fastnn with those of real Keras.  Needs h5py."""
import io
import json
import zipfile

import h5py


def tree(file):
    """{path: what is there} of an HDF5 file: of a dataset shape and dtype, of a group its attributes."""
    found = {}

    def visit(path, node):
        attributes = {key: str(value) for key, value in sorted(node.attrs.items())}
        found[path] = [list(node.shape), node.dtype.str, attributes] if isinstance(node, h5py.Dataset) else attributes

    with h5py.File(file) as opened:
        visit("", opened)
        opened.visititems(visit)
    return found


def contents(path):
    """(config, tree of the weights) of a `.keras` file."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json")), tree(io.BytesIO(archive.read("model.weights.h5")))


def unlike(wanted, found, at=""):
    """Where two plain values differ: lines "path: wanted ... found ..."."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [line for key in keys for line in unlike(wanted.get(key, MISSING), found.get(key, MISSING), f"{at}/{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [line for i, pair in enumerate(zip(wanted, found)) for line in unlike(*pair, f"{at}/{i}")]
    return [] if wanted == found and type(wanted) is type(found) else [f"{at}: Keras {wanted!r}, fastnn {found!r}"]


class Missing:
    def __repr__(self):
        return "nothing"


MISSING = Missing()


def differences(theirs, ours):
    """How a `.keras` file of fastnn differs from one of real Keras, beyond what is known (see `normal`)."""
    (config, weights), (own_config, own_weights) = contents(theirs), contents(ours)
    return (unlike(normal(config), normal(own_config), "config")
            + unlike(normal_tree(weights), normal_tree(own_weights), "weights"))


# Layers without weights of which Keras notes the shape they were built for, and fastnn does not build: all one, Keras then builds them.
BUILT_BY_KERAS = ("Flatten", "Permute", "RepeatVector", "Rescaling", "ZeroPadding", "Cropping", "UpSampling", "AdaptiveAverage", "AdaptiveMax",
                  "Lambda")


def normal_tree(weights):
    """A tree without what may differ:

    - groups of helpers that hold nothing: fastnn's attention has no layer for its softmax;
    - how wide the numbers are: Keras with JAX has 32 bits where others have 64.
    """
    return {path: [node[0], *node[2:]] if isinstance(node, list) else node for path, node in weights.items() if "/_softmax" not in path}


def normal(config):
    """A config without what may differ:

    - `shared_object_id` of what is no layer: whether two layers have the same regularizer or dtype policy, or equal ones, is all one,
      and Keras hands on objects where fastnn makes new ones.  The numbers of layers, which are addresses in memory, become 0, 1 ...
    - arguments of calls that are None, which Keras writes down for some layers.
    - build configs of layers without weights (`BUILT_BY_KERAS`).
    - `jit_compile`, where "auto" becomes what the backend can do.
    """
    known = {}

    def visit(value, key=None):
        if isinstance(value, list):
            return [visit(part) for part in value]
        if not isinstance(value, dict):
            return value
        found = {name: visit(part, name) for name, part in value.items()
                 if not (key == "kwargs" and part is None) and name != "jit_compile"}
        if "build_config" in found and str(found.get("class_name")).startswith(BUILT_BY_KERAS):
            del found["build_config"]
        if "shared_object_id" in found:
            number = found.pop("shared_object_id")
            if "build_config" in found:
                found["shared_object_id"] = known.setdefault(number, len(known))
        return found

    return visit(config)

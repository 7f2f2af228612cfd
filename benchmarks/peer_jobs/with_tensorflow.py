"""TensorFlow: its products, through a compiled function."""
import numpy as np

from .cases import data


def start(threads, engine):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def arrays(found):
    return [np.array(found)]


def product(case, m, k, n, transposes):
    import tensorflow as tf
    ta, tb = (t == "t" for t in transposes)
    a, b = (tf.constant(data(case, *x)) for x in (("a", *((k, m) if ta else (m, k))), ("b", *((n, k) if tb else (k, n)))))
    multiply = tf.function(lambda a, b: tf.matmul(a, b, transpose_a=ta, transpose_b=tb))
    return {"product": lambda: multiply(a, b)}


JOBS = {"product": product}

"""Spectral normalization of the weights of a layer."""
import numpy as np

from .. import initializers, ops
from ..tensor import Spec
from .input_spec import InputSpec
from .wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, before each call in training; Miyato et al., 2018.

    The singular value is found by power iteration, which goes on from call to call.

    Args:
        layer: a layer with a `kernel`, or with `embeddings`.
        power_iterations: how many steps of it each call makes.
        Others: see `Layer`.

    Weights:
        the kernel of the layer, which holds the divided values; vector_u, (1, last size of the kernel), not trained; the
        layer's others.

    Raises:
        ValueError: a layer that has neither, a number of iterations below 1.

    Example:
        >>> layer = fastnn.layers.SpectralNormalization(fastnn.layers.Dense(4), power_iterations=30)
        >>> y = layer(np.ones((2, 3)), training=True)
        >>> float(np.linalg.norm(layer.layer.kernel.numpy(), 2).round(3))
        1.0
    """

    mixes_samples_in_training = True    # a call is a step of the iteration

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        if isinstance(power_iterations, bool) or not isinstance(power_iterations, (int, np.integer)) or power_iterations <= 0:
            raise ValueError(f"Argument `power_iterations` must be a positive integer. Received: power_iterations={power_iterations!r}")
        self.power_iterations = int(power_iterations)

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        name = next((name for name in ("kernel", "embeddings") if hasattr(self.layer, name)), None)
        if name is None:
            raise ValueError(f"SpectralNormalization takes a layer with a `kernel` or `embeddings`. Received: {type(self.layer).__name__}")
        self.kernel = getattr(self.layer, name)
        self.vector_u = self.add_weight((1, self.kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), trainable=False,
                                        name="vector_u", dtype=self.kernel.dtype)

    def call(self, inputs, training=False):
        if training and not isinstance(inputs, Spec):
            self._normalize_kernel()
        return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def _normalize_kernel(self):
        """One power iteration (or several), and the division; a kernel of zeros stays, and the vector with it."""
        kernel = ops.stop_gradient(self.kernel)
        before = ops.stop_gradient(self.vector_u)
        weights = ops.reshape(kernel, (-1, kernel.shape[-1]))
        u = before
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, weights, transpose_b=True))
            u = _unit(ops.matmul(v, weights))
        sigma = ops.sum(ops.matmul(v, weights) * u)
        zero = ops.all(ops.equal(kernel, 0.0))
        self.vector_u.assign(ops.where(zero, before, u))
        self.kernel.assign(ops.where(zero, kernel, kernel / sigma))

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(vector):
    """A vector of length 1; zero stays."""
    return ops.normalize(vector, axis=(0, 1))

"""Random numbers by rejection: gamma and binomial distributions; fastnn.random has them with seeds.

Element i of a draw has a stream of its own, so its numbers depend on the state, on i and on its parameters alone.
"""
from ..op import op, uniform
from .random import STATE, _check_state


def _check_parameters(name, state, *parameters):
    _check_state(name, state)
    if any(p.shape != parameters[0].shape or p.dtype != parameters[0].dtype for p in parameters):
        raise ValueError(f"[{name}] parameters have the shapes {[p.shape for p in parameters]} and the dtypes "
                         f"{[p.dtype for p in parameters]}, expected the same for all")


@op
class random_gamma:
    """Gamma distributed numbers of scale 1, or their logarithms, for each alpha."""
    updates = "state"
    cases = [((STATE, uniform(5, 13, low=0.05, high=4.0)), {}), ((STATE, uniform(300, low=0.05, high=40.0)), dict(logarithm=True)),
             ((STATE, uniform(0, 2)), {})]

    def spec(state, alpha, *, logarithm=False):
        _check_parameters("random_gamma", state, alpha)
        return alpha

    def cpu(state, alpha, y, *, logarithm):
        return "random_gamma", (state, alpha, y, y.size, int(logarithm))

    def flops(y): return 50 * y.size


@op
class random_binomial:
    """How many of `counts` trials succeed, each with its probability."""
    updates = "state"
    cases = [((STATE, uniform(60, low=0, high=20), uniform(60, low=0, high=1)), {}),
             ((STATE, uniform(7, 40, low=100, high=2000), uniform(7, 40, low=0, high=1)), {}), ((STATE, uniform(0, 2), uniform(0, 2)), {})]

    def spec(state, counts, probabilities):
        _check_parameters("random_binomial", state, counts, probabilities)
        return counts

    def cpu(state, counts, probabilities, y):
        return "random_binomial", (state, counts, probabilities, y, y.size)

    def flops(y): return 100 * y.size

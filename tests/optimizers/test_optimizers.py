"""Optimizers and schedules against what Keras' did (tests/golden/make_optimizers.py), and what must not pass."""
import copy
import json
import pickle

import numpy as np
import pytest

from fastnn import constraints, ops, optimizers
from fastnn.tensor import Tensor, Variable, convert_to_tensor
from tests.losses.test_losses import GOLDEN, golden_script

VALUES = json.loads((GOLDEN / "optimizers.json").read_text())
SCRIPT = golden_script("make_optimizers")


def run(optimizer, dtype="float32", dtypes=None, name=""):
    """The variables after ten steps of the optimizer."""
    values, gradients = SCRIPT["start"]()
    dtypes = dtypes or [dtype] * len(values)
    variables = [Variable(v.astype(d), name=n) for n, v, d in zip(SCRIPT["NAMES"], values, dtypes)]
    for step in SCRIPT["gradients_of"](name, gradients):
        optimizer.apply([Tensor(g.astype(d)) for g, d in zip(step, dtypes)], variables)
    return variables


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(VALUES["optimizers"]))
def test_ten_steps_are_those_of_keras(name, dtype):
    optimizer = SCRIPT["make"](optimizers, *SCRIPT["CASES"][name])
    variables = run(optimizer, dtype, name=name)
    expected = VALUES["optimizers"][name]
    for v, e in zip(variables, expected["variables"]):
        np.testing.assert_allclose(v.numpy(), e, rtol=2e-5, atol=2e-6)
    for v, expected_name in zip(optimizer.variables, expected["names"]):
        assert v.name == expected_name or expected_name.startswith("variable")      # one that Keras only counts
    assert [list(v.shape) for v in optimizer.variables] == [list(np.shape(e)) for e in expected["state"]]
    for v, e in zip(optimizer.variables, expected["state"]):
        np.testing.assert_allclose(v.numpy(), e, rtol=2e-5, atol=2e-6, err_msg=v.name)


@pytest.mark.parametrize("name", sorted(VALUES["schedules"]))
def test_schedules_are_those_of_keras(name):
    class_name, arguments = SCRIPT["SCHEDULES"][name]
    schedule = getattr(optimizers.schedules, class_name)(**arguments)
    for s in (schedule, optimizers.schedules.deserialize(optimizers.schedules.serialize(schedule))):
        found = [float(s(Variable(step, dtype="int64"))) for step in range(30)]
        np.testing.assert_allclose(found, VALUES["schedules"][name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(VALUES["optimizers"]))
def test_configs(name):
    optimizer = SCRIPT["make"](optimizers, *SCRIPT["CASES"][name])
    again = optimizers.get(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert without_names(optimizer.get_config()) == without_names(VALUES["optimizers"][name]["config"])


def without_names(config):
    """A config without what is counted, and with rates as float64 and float32 have them alike."""
    if isinstance(config, dict):
        return {key: without_names(value) for key, value in config.items() if key not in ("name", "module", "registered_name")}
    return float(np.float32(config)) if isinstance(config, float) else config


def test_state_can_be_saved_and_taken_back():
    one, other = optimizers.Adam(0.01), optimizers.Adam(0.02)
    run(one)
    other.build([Variable(v.astype("float32")) for v in SCRIPT["start"]()[0]])
    store = {}
    one.save_own_variables(store)
    other.load_own_variables(store)
    for a, b in zip(one.variables, other.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning, match="not loaded"):
        optimizers.SGD().load_own_variables(store)
    again = pickle.loads(pickle.dumps(one.get_weights()))
    other.set_weights(again)


def test_variables_of_two_dtypes_count_each_step_once():
    optimizer = optimizers.Nadam()
    mixed = run(optimizer, dtypes=["float32", "float64"])
    assert int(optimizer.iterations) == 10
    expected = VALUES["optimizers"]["nadam"]["variables"]
    for v, e in zip(mixed, expected):
        np.testing.assert_allclose(v.numpy(), e, rtol=2e-5, atol=2e-6)


def test_the_learning_rate_can_be_set_at_any_time():
    optimizer, v = optimizers.SGD(1.0), Variable([1.0])
    optimizer.apply([Tensor(np.ones(1, "float32"))], [v])
    optimizer.learning_rate = 0.25
    optimizer.apply_gradients([(Tensor(np.ones(1, "float32")), v)])
    assert v.numpy() == [-0.25] and float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate.assign(0.5)
    optimizer.apply([Tensor(np.ones(1, "float32"))])
    assert v.numpy() == [-0.75] and int(optimizer.iterations) == 3
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(TypeError, match="schedule"):
        scheduled.learning_rate = 0.1
    called = optimizers.SGD(lambda: 0.5)
    called.apply([Tensor(np.ones(1, "float32"))], [v])
    assert v.numpy() == [-1.25]


def test_variables_are_kept_once():
    optimizer, steps, v = optimizers.SGD(1.0), Variable(5, dtype="int64"), Variable([1.0])
    optimizer.iterations, optimizer.learning_rate = steps, Variable(0.5)
    optimizer.own = Variable(2.0, name="own")
    optimizer.apply([Tensor(np.ones(1, "float32"))], [v])
    assert [float(one) for one in optimizer.variables] == [6.0, 0.5, 2.0] and v.numpy() == [0.5] and int(steps) == 6


def test_constraints_hold_after_an_update():
    v = Variable([0.5, 0.5])
    v.constraint = constraints.NonNeg()
    optimizers.SGD(1.0).apply([Tensor(np.array([1.0, -1.0], "float32"))], [v])
    np.testing.assert_array_equal(v.numpy(), [0.0, 1.5])


def test_excluded_variables_do_not_decay():
    kernel, bias, other = [Variable([1.0], name=n) for n in ("kernel", "bias", "other")]
    optimizer = optimizers.AdamW(learning_rate=0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[other], var_names=["bias"])
    optimizer.apply([Tensor(np.zeros(1, "float32"))] * 3, [kernel, bias, other])
    np.testing.assert_allclose([float(kernel), float(bias), float(other)], [0.95, 1.0, 1.0], rtol=1e-6)
    with pytest.raises(ValueError, match="before"):
        optimizer.exclude_from_weight_decay(var_names=["x"])


def test_moving_averages_become_the_weights():
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    v = Variable([0.0])
    for _ in range(2):
        optimizer.apply([Tensor(np.array([-1.0], "float32"))], [v])
    assert v.numpy() == [2.0]
    optimizer.finalize_variable_values([v])
    assert v.numpy() == [1.5]


def test_some_or_all_gradients_missing():
    a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
    optimizer = optimizers.SGD(1.0)
    with pytest.warns(UserWarning, match="'b'"):
        optimizer.apply([Tensor(np.ones(1, "float32")), None], [a, b])
    assert a.numpy() == [0.0] and b.numpy() == [1.0]
    with pytest.raises(ValueError, match="no gradients for any variable"):
        optimizer.apply([None, None], [a, b])


def test_infinite_gradients_do_not_pass_as_zero():
    v = Variable([1.0, 1.0])
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([Tensor(np.array([np.inf, 1.0], "float32"))], [v])
    assert np.isnan(v.numpy()).all()


ONE = Tensor(np.ones(1, "float32"))


@pytest.mark.parametrize("error, call, words", [
    (ValueError, lambda: optimizers.get("adm"), ["adam"]),
    (ValueError, lambda: optimizers.get(3), ["optimizer"]),
    (TypeError, lambda: optimizers.SGD(momentun=0.1), ["momentun"]),
    (ValueError, lambda: optimizers.SGD("fast"), ["learning_rate", "'fast'"]),
    (ValueError, lambda: optimizers.SGD(-1.0), ["learning_rate", "-1.0"]),
    (ValueError, lambda: optimizers.SGD(momentum=2.0), ["momentum"]),
    (ValueError, lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ["only one"]),
    (ValueError, lambda: optimizers.SGD(gradient_accumulation_steps=1), ["gradient_accumulation_steps"]),
    (ValueError, lambda: optimizers.AdamW(weight_decay=None), ["weight_decay"]),
    (ValueError, lambda: optimizers.Lion(beta_1=0.0), ["beta_1", "0.0"]),
    (ValueError, lambda: optimizers.Ftrl(learning_rate_power=0.5), ["learning_rate_power", "0.5"]),
    (ValueError, lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), ["l1_regularization_strength", "-1.0"]),
    (ValueError, lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0), ["clipnorm", "inner"]),
    (ValueError, lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False), ["loss_scale_factor"]),
    (ValueError, lambda: optimizers.OptimizerMap(optimizers.SGD(), {"a.": optimizers.SGD(), ".b": optimizers.SGD()})["ab"], ["'ab'", "'a.'"]),
    (AttributeError, lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD())).learning_rate, ["optimizers"]),
    (ValueError, lambda: optimizers.SGD().apply([ONE]), ["build"]),
    (ValueError, lambda: optimizers.SGD().apply([ONE, ONE], [Variable([1.0])]), ["2 gradients", "1 variables"]),
    (ValueError, lambda: optimizers.SGD().apply([ONE], [Variable([1.0, 2.0], name="w")]), ["'w'", "(1,)", "(2,)"]),
    (ValueError, lambda: optimizers.schedules.ExponentialDecay(0.1, 0, 0.5), ["decay steps"]),
    (ValueError, lambda: optimizers.schedules.PiecewiseConstantDecay([1], [0.1]), ["boundaries"]),
])
def test_bad_input_is_told(error, call, words):
    with pytest.raises(error) as found:
        call()
    for word in words:
        assert word in str(found.value)


def test_piecewise_rates_are_exact():
    schedule = optimizers.schedules.PiecewiseConstantDecay([1, 2], [1.0, 1e-6, 1e-8])
    assert [float(schedule(step)) for step in (0, 1, 2, 3)] == [1.0, 1.0, np.float32(1e-6), np.float32(1e-8)]


def test_variables_that_the_optimizer_does_not_know():
    optimizer = optimizers.Adam()
    optimizer.apply([ONE], [Variable([1.0])])
    with pytest.raises(ValueError, match="'new'"):
        optimizer.apply([ONE], [Variable([1.0], name="new")])


def test_a_million_parameters_give_the_same_bits_on_any_number_of_threads(threads, rng):
    gradient = rng.standard_normal(300_001).astype("float32")
    found = []
    for n in (1, 2, 4):
        threads(n)
        v = Variable(np.ones(300_001, "float32"))
        optimizer = optimizers.Adam(global_clipnorm=1.0)
        for _ in range(3):
            optimizer.apply([Tensor(gradient)], [v])
        found.append(v.numpy().tobytes())
    assert found[0] == found[1] == found[2]


class KerasMomentum(optimizers.Optimizer):
    """An optimizer as users write them for Keras."""

    def __init__(self, learning_rate=0.1, **arguments):
        super().__init__(learning_rate=learning_rate, **arguments)
        self.factor = 0.9

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momenta = [self.add_variable_from_reference(reference_variable=v, name="momentum") for v in variables]
        self.last_step = Variable(-1, dtype="int64", trainable=False, name="last_step")

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        m = self.momenta[self._get_variable_index(variable)]
        self.assign(m, ops.subtract(ops.multiply(m, ops.cast(self.factor, variable.dtype)), ops.multiply(gradient, learning_rate)))
        self.assign_add(variable, m)
        self.assign(self.last_step, self.iterations)


class Half(optimizers.schedules.LearningRateSchedule):
    """A schedule as users write them for Keras."""

    def __call__(self, step):
        return 0.1 * ops.power(0.5, ops.cast(step, "float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arguments", [
    {}, {"learning_rate": Half(), "weight_decay": 0.1}, {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "use_ema": True, "ema_overwrite_frequency": 2, "weight_decay": 0.2},
    {"gradient_accumulation_steps": 4, "learning_rate": Half(), "global_clipnorm": 0.7, "loss_scale_factor": 2.0}])
def test_an_optimizer_written_for_keras(arguments, dtype):
    """The same as SGD with momentum, whatever surrounds the updates."""
    arguments = {"learning_rate": 0.1, **arguments}
    own, known = KerasMomentum(**arguments), optimizers.SGD(momentum=0.9, **arguments)
    for v, w in zip(run(own, dtype), run(known, dtype)):
        np.testing.assert_allclose(v.numpy(), w.numpy(), rtol=2e-6, atol=1e-6)
    for v, w in zip(own.variables, known.variables):
        np.testing.assert_allclose(v.numpy(), w.numpy(), rtol=2e-6, atol=1e-6, err_msg=v.name)
    updates = 10 // arguments.get("gradient_accumulation_steps", 1)
    assert int(own.last_step) == updates - 1 and own.variables[-1] is own.last_step


def test_variables_of_two_dtypes_are_taken_back_where_no_update_is_due():
    steps = {"gradient_accumulation_steps": 3}
    for v, w in zip(run(KerasMomentum(**steps), dtypes=["float32", "float64"]),
                    run(optimizers.SGD(0.1, momentum=0.9, **steps), dtypes=["float32", "float64"])):
        np.testing.assert_allclose(v.numpy(), w.numpy(), rtol=2e-6, atol=1e-6)


class Doubled(optimizers.Adam):
    """An optimizer of Keras with another `update_step`."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * 2.0, variable, learning_rate * 0.5)


@pytest.mark.parametrize("arguments", [{}, {"amsgrad": True, "gradient_accumulation_steps": 3, "weight_decay": 0.1}])
def test_an_update_step_of_a_class_derived_from_one_of_these(arguments):
    plain = optimizers.Adam(0.005, **{**arguments, "weight_decay": 2 * arguments.get("weight_decay", 0)})
    values, gradients = SCRIPT["start"]()
    v, w = [[Variable(x.astype("float32")) for x in values] for _ in range(2)]
    doubled = Doubled(0.01, **arguments)
    for step in gradients:
        doubled.apply([Tensor(g.astype("float32")) for g in step], v)
        plain.apply([Tensor((2 * g).astype("float32")) for g in step], w)
    for a, b in zip(v, w):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", [pickle.loads, None])
@pytest.mark.parametrize("name", ["Adafactor", "Muon", "ScheduleFreeAdamW", "LossScaleOptimizer", "MultiOptimizer"])
def test_a_copy_goes_on_with_variables_of_its_own(name, how):
    """`pickle` and `copy` of an optimizer in the middle of a training, with the weights."""
    inner = optimizers.Muon(0.1)
    made = {"LossScaleOptimizer": lambda cls: cls(inner), "MultiOptimizer": lambda cls: cls(optimizers.OptimizerMap(inner))}
    optimizer = made.get(name, lambda cls: cls(0.1))(getattr(optimizers, name))
    variables = run(optimizer)
    twin, others = pickle.loads(pickle.dumps((optimizer, variables))) if how else copy.deepcopy((optimizer, variables))
    gradients = [Tensor(np.ones(v.shape, "float32")) for v in variables]
    optimizer.apply(gradients, variables)
    twin.apply(gradients, others)
    for v, w in zip([*variables, *optimizer.variables], [*others, *twin.variables]):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_an_optimizer_without_an_update():
    with pytest.raises(TypeError, match="update_step"):
        optimizers.Optimizer(0.1).apply([convert_to_tensor([1.0])], [Variable([1.0])])


def test_excluded_names_of_weights_do_not_cost_the_plan():
    from fastnn import layers
    from fastnn.models import Sequential
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    optimizer = optimizers.AdamW(0.01)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=2, epochs=4, verbose=0)
    lines = []
    model.plan_summary(print_fn=lines.append)
    assert "launches as one call" in "\n".join(lines)
    assert optimizer.variables[0].path == f"{optimizer.name}/iteration"


def test_a_layer_as_an_activation_survives_a_config():
    from fastnn import layers
    dense = layers.Dense(2, activation=layers.Activation("tanh"))
    twin = layers.Dense.from_config(dense.get_config())
    assert twin.activation.activation.__name__ == "tanh"

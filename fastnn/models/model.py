"""Model: a layer with fit, evaluate and predict."""
from ..layers import Layer
from ..layers.structure import map_shapes
from ..tensor import Spec
from ..utils.serialization import deserialize, serialize_value
from ..utils.warn_utils import warn
from .files import Files
from .fit import Fit
from .summary import print_summary
from .trainer import Trainer


class Model(Fit, Files, Layer):
    """A layer that is trained: `Model(inputs, outputs)` of symbolic tensors; or derive from it, make layers in `__init__`, and
    compute in `call`.

    Args:
        inputs, outputs: symbolic tensors, or lists or dicts of them: see `Functional`.
        trainable: whether the weights are trained.
        dtype: "float32" or "float64"; None: `fastnn.config.floatx()`.
        name: the model's name; None: made from the class name.

    Example:
        >>> inputs = layers.Input((4,))
        >>> Model(inputs, layers.Dense(1)(inputs)).count_params()
        5
        >>> class Net(Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden = layers.Dense(32, activation="relu")
        ...         self.out = layers.Dense(1)
        ...     def call(self, x):
        ...         return self.out(self.hidden(x))
        >>> model = Net()
        >>> model.compile("adam", "mse")
        >>> model.fit(x, y, epochs=2)
    """

    saved_properties = ("layers",)      # in files layers have these paths, see fastnn/saving/state.py

    def __new__(cls, *args, **kwargs):
        if cls is Model and (args or "inputs" in kwargs or "outputs" in kwargs):
            from .functional import Functional
            return Functional.__new__(Functional)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *tensors, trainable=True, dtype=None, name=None, **kwargs):
        for argument, tensor in zip(("inputs", "outputs"), tensors):
            kwargs[argument] = tensor
        given = {key: kwargs.pop(key) for key in ("inputs", "outputs") if key in kwargs}
        if len(given) == 1 or len(tensors) > 2:
            raise TypeError(f"Model takes both `inputs` and `outputs`, and all else by name. Received: {sorted(given)}, {len(tensors)} "
                            "arguments by position")
        super().__init__(trainable=trainable, dtype=dtype, name=name, **kwargs)
        self.supports_masking = True
        self.history = None
        self._init_trainer()
        if given:
            self._become_functional(given)

    def _become_functional(self, tensors):
        """Makes the object of a user's class that called `super().__init__(inputs, outputs)` a functional model, too."""
        from .functional import Functional, with_graph
        if not isinstance(self, Functional):
            self.__class__ = with_graph(type(self))
        self._set_graph(**tensors)

    def _hand_on_mask(self, inputs, outputs, given):
        return outputs              # the layers inside have set the masks

    @property
    def layers(self):
        """The layers that the model holds directly."""
        return list(self._layers)

    @layers.setter
    def layers(self, value):
        raise AttributeError("`Model.layers` is made from the layers that are attributes: use another name for yours")

    @property
    def reads_strings(self):
        """Whether there is a layer that takes text."""
        return any(layer.reads_strings for layer in self._flatten_layers() if layer is not self and not isinstance(layer, Model))

    def get_layer(self, name=None, index=None):
        """A layer by name, or by its index in `layers`.

        Raises:
            ValueError: none or both of the arguments, or no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer() takes a name or an index, received name={name!r}, index={index!r}")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f'model "{self.name}" has {len(layers)} layers, there is none with index {index}')
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f'model "{self.name}" has no layer {name!r}. Its layers: {", ".join(l.name for l in layers)}')

    def summary(self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False,
                layer_range=None):
        """Prints a table of the layers with the shapes of their outputs and their numbers of weights.

        Args:
            line_length: width of the table.
            positions: where columns end, as fractions of the width.
            print_fn: what the text is given to, instead of `print`.
            expand_nested: whether models that are layers are opened.
            show_trainable: whether a column tells which layers are trained.
            layer_range: names (or regular expressions) of the first and the last layer to show.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def profile_step(self, x, y=None, sample_weight=None, *, batch_size=32, steps=20, training=True):
        """Runs training steps on the first samples of some data, and tells where their time goes, kernel by kernel.

        Nothing is changed by it: weights, optimizer, metrics, moving averages and random numbers are put back bit for bit.

        Args:
            x, y, sample_weight: as for `fit`; arrays.
            batch_size: how many of the first samples make the batch.
            steps: of how many steps the medians are taken (a few more run first).
            training: whether steps of training run; False: predictions of `x`.

        Returns:
            A Profile: `print` it, or take its `rows`, `group("layer")` and `table(by="time", top=10)`.

        Raises:
            ValueError: the model is not compiled; data that are no arrays; bad numbers.

        Example:
            >>> model.profile_step(x, y, batch_size=64)
        """
        from .profile import profile_model
        return profile_model(self, x, y, sample_weight, batch_size, steps, training)

    def gradients_of(self, data):
        """The gradients that a step of training would take, without making it: nothing is changed, bit for bit.

        Args:
            data: a batch as `train_step` gets it: x, (x, y) or (x, y, sample_weight) of tensors.

        Returns:
            A list of (weight, gradient): gradients are NumPy arrays, before they are clipped; None for a weight that the loss
            does not depend on.

        Raises:
            ValueError: the model has no weights yet.

        Example:
            >>> batch = fastnn.ops.array(x), fastnn.ops.array(y)
            >>> [gradient.shape for _, gradient in model.gradients_of(batch)]
            [(4, 1), (1,)]
        """
        from .gradients import gradients_of
        self._assert_compiled("gradients_of")
        return gradients_of(self, data)[0]

    def _first_not_finite(self, data):
        """Where NaN or infinity comes up first in a step with this batch: see `gradients.first_not_finite`."""
        from .gradients import first_not_finite
        return first_not_finite(self, data)

    def plan_summary(self, every_shape=False, print_fn=None):
        """Prints what has become of the model's steps: for each that is replayed as one call a table of its launches.

        A row for each launch: op, layer, shapes, microseconds (the median of some runs), GFLOP/s, GB/s, the share of what the
        machine can do; above it the memory that the plan works in, and what that would be if none were used again.  Steps that
        run op by op are listed with the reason.  For a table each step runs once op by op, and its plan some times, on made-up
        data; weights, optimizer, metrics and random numbers are put back bit for bit.

        Args:
            every_shape: whether there is a table for each shape of batches, and not only for the one that came most often.
            print_fn: what the text is given to, instead of `print`.

        Example:
            >>> model.fit(x, y, epochs=5, verbose=0)
            >>> model.plan_summary()
        """
        from .plan_report import print_plans
        print_plans(self, every_shape, print_fn)

    # ---- Building, for a class without a `build` of its own ------------------------------------------------

    def build(self, input_shape):
        """Makes all weights by a call on symbolic inputs of this shape (with the batch axis; a list or dict of shapes for several)."""
        self(map_shapes(lambda shape: Spec(shape, self.dtype), input_shape))

    def _build_once(self, shape, also):
        if type(self).build is not Model.build:
            return super()._build_once(shape, also)
        self.__dict__["_build_shapes"] = {"input_shape": shape}     # the layers are built as the call meets them
        self.built = True

    # ---- Compiling again -----------------------------------------------------------------------------------

    def get_compile_config(self):
        """The arguments of `compile`, as plain values; none before it."""
        if self._compile_config is None:
            return {}
        return {name: serialize_value(value) for name, value in self._compile_config.items()}

    def compile_from_config(self, config):
        """Compiles the model again from the result of `get_compile_config`, and makes the variables of the optimizer."""
        if type(self).compile is not Trainer.compile and type(self).compile_from_config is Model.compile_from_config:
            warn(f"{type(self).__name__} has a `compile` of its own: the model is not compiled. Compile it, or give the class "
                 "`get_compile_config` and `compile_from_config`, too")
            return
        self.compile(**{name: deserialize(value) if isinstance(value, (dict, list)) else value for name, value in config.items()})
        self._build_optimizer()

    def _build_optimizer(self):
        if self.built and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    # ---- Config --------------------------------------------------------------------------------------------

    def get_config(self):
        """The arguments that make this model again, as plain values."""
        if type(self).get_config is Model.get_config:
            return {"name": self.name, "trainable": self.trainable, **self._own_arguments()}
        return super().get_config()

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new model from the result of `get_config`; of a functional one a Functional."""
        from .functional import Functional
        if "input_layers" in config and not issubclass(cls, Functional):
            return Functional.from_config(config, custom_objects)
        return super().from_config(config)

    # A model's pickled copy (and `copy.deepcopy`) is made of its attributes; what was collected for steps is left behind.
    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name not in ("_collected", "history", "_plans", "_present_fit")}

    def __reduce__(self):
        return restore_model, (vars(type(self)).get("_written_as", type(self)), "_network" in vars(self)), self.__getstate__()

    def __setstate__(self, state):
        vars(self).update(state, _collected=None, history=None, _plans={})


def restore_model(cls, functional):
    """An empty model of a class, for `pickle` to fill."""
    model = cls.__new__(cls)
    if functional:
        from .functional import Functional, with_graph
        if not isinstance(model, Functional):
            model.__class__ = with_graph(cls)
    return model

"""Compiling a model, and one step of training, evaluation and prediction: what subclasses may override."""
import inspect
from collections.abc import MutableMapping

from .. import metrics, optimizers
from ..layers import Layer
from ..layers.structure import contents
from ..tape import GradientTape
from ..tensor import Tensor
from ..utils.batch_utils import unpack_x_y_sample_weight
from ..utils.warn_utils import warn
from .arrays import leaves
from .compile import CompiledLoss, CompiledMetrics


class StepLogs(MutableMapping):
    """What `train_step` returns: values by name, computed from the metrics only when somebody looks."""

    __slots__ = ("_model", "_values")

    def __init__(self, model):
        self._model, self._values = model, None

    def _read(self):
        if self._values is None:
            self._values = self._model.get_metrics_result()
        return self._values

    def __getitem__(self, name):
        return self._read()[name]

    def __setitem__(self, name, value):
        self._read()[name] = value

    def __delitem__(self, name):
        del self._read()[name]

    def __iter__(self):
        return iter(self._read())

    def __len__(self):
        return len(self._read())

    def __repr__(self):
        return repr(self._read())


class Collected:
    """What the steps need of a model and what stays the same between them, collected when it is compiled."""

    def __init__(self, model):
        self.trained = model.trainable_variables
        self.layers = model._flatten_layers()
        self.regularized = [v for v in self.trained if v.regularizer is not None]
        self.own_losses = type(model).losses is not Layer.losses


class Trainer:
    """The part of `Model` that learns: `compile` and the steps."""

    _present_fit = None                 # the fit that runs
    sparse_inputs = True        # what its layers make of them is theirs to say

    def _init_trainer(self):
        self.optimizer = self.loss = self._compile_loss = self._compile_metrics = self._loss_tracker = None
        self.compiled, self.stop_training, self.run_eagerly, self.jit_compile = False, False, False, False
        self.steps_per_execution = 1
        self._collected = None
        self._compile_config = None
        self._plans = {}
        self._old_compute_loss = "training" not in inspect.signature(self.compute_loss).parameters

    # ---- Compile -------------------------------------------------------------------------------------------

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, weighted_metrics=None,
                run_eagerly=False, steps_per_execution=1, jit_compile="auto", auto_scale_loss=True):
        """Says how the model learns.

        Args:
            optimizer: name, or an Optimizer.
            loss: name, Loss, or function `f(y_true, y_pred)`; for several outputs a list or dict.
            loss_weights: a number for each loss.
            metrics: list of names, Metrics and functions `f(y_true, y_pred)`; "accuracy" fits itself to the outputs.
            weighted_metrics: the same, where sample weights count.
            run_eagerly: whether every step runs op by op, in Python, instead of being recorded and then replayed as one call.
            jit_compile: taken for the sake of Keras; steps are compiled by recording them.
            steps_per_execution: how many steps pass between two calls of the callbacks' batch hooks.
            auto_scale_loss: taken for the sake of Keras; there is no float16 to scale for.

        Raises:
            ValueError: an unknown name (the nearest known ones are told).

        Example:
            >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        """
        if isinstance(steps_per_execution, bool) or not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(f"`steps_per_execution` must be an integer >= 1, received {steps_per_execution!r}")
        names = getattr(self, "output_names", None)
        compiled_loss = None if loss is None else CompiledLoss(loss, loss_weights, names)
        compiled_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names)
        outputs = getattr(self, "_outputs_spec", None)
        for compiled in (compiled_loss, compiled_metrics):
            if compiled is not None and outputs is not None:
                compiled.check(outputs)
        self.optimizer = optimizers.get(optimizer)
        self.loss, self._compile_loss, self._compile_metrics = loss, compiled_loss, compiled_metrics
        self._loss_tracker = _mean("loss")
        self.run_eagerly, self.jit_compile = bool(run_eagerly), False
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True
        self._compile_config = dict(optimizer=self.optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics,
                                    weighted_metrics=weighted_metrics, run_eagerly=run_eagerly,
                                    steps_per_execution=steps_per_execution, jit_compile=jit_compile)
        self._collected, self._plans = None, {}
        if self._is_complete():
            self._collect()

    def _is_complete(self):
        """Whether all weights are there."""
        return self.built and all(layer.built for layer in self._flatten_layers())

    def _collect(self):
        """What the steps need; trainable variables are those of the moment of `compile`, as in Keras."""
        self._collected = Collected(self)
        return self._collected

    def _assert_compiled(self, method):
        if not self.compiled:
            raise ValueError(f"model \"{self.name}\" must be compiled before `{method}()`: call model.compile(optimizer=..., "
                             "loss=...) first")

    # ---- Metrics -------------------------------------------------------------------------------------------

    @property
    def metrics(self):
        """The loss's mean, the compiled metrics (as one object), and metrics set as attributes or held by layers."""
        found = []
        if self.compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found.extend(self._compile_loss.metrics)
        seen = {id(m) for m in found}
        for layer in self._flatten_layers():
            if layer is not self and isinstance(layer, Trainer):
                continue
            for metric in _metrics_of(layer):
                if id(metric) not in seen:
                    seen.add(id(metric))
                    found.append(metric)
        return found

    @property
    def metrics_names(self):
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self):
        """Sets all metrics back to their beginning."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """The metrics' values by name."""
        found = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                found.update(result)
            else:
                found[metric.name] = result
        return found

    # ---- One step ------------------------------------------------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The total loss of a batch: the compiled losses and the penalties of layers and weights.

        Args:
            x: inputs.  y: targets.  y_pred: outputs of the model for `x`.  sample_weight: weights of the samples.
            training: whether this is a step of training.

        Returns:
            A scalar tensor.  Subclasses may override this.
        """
        loss = None
        if self._compile_loss is not None:
            if y is None:
                raise ValueError(f'model "{self.name}" was compiled with loss={self.loss!r}, but there are no targets: '
                                 "pass y, or let the generator yield (x, y)")
            loss = self._compile_loss(y, y_pred, sample_weight)
        for penalty in self._penalties():
            loss = penalty if loss is None else loss + penalty
        if loss is None:
            raise ValueError(f'model "{self.name}" has no loss to minimise: pass `loss` to compile(), or call '
                             "self.add_loss(...) in a layer")
        return loss

    def _penalties(self):
        collected = self._collected or self._collect()
        if collected.own_losses:
            return self.losses
        for layer in collected.layers:
            if layer._losses:
                return self.losses
        return [v.regularizer(v) for v in collected.regularized] if collected.regularized else ()

    def _loss_of(self, x, y, y_pred, sample_weight, training):
        if self._old_compute_loss:
            return self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_loss(x, y, y_pred, sample_weight, training=training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Counts a batch in the compiled metrics; returns the values by name.  Subclasses may override this."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return StepLogs(self)

    def train_step(self, data):
        """One step of training: forward, backward, update.  Subclasses may override this.

        Args:
            data: x, (x, y) or (x, y, sample_weight), tensors.

        Returns:
            Values by name, for the logs.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            if self._collected is not None:
                for v in self._collected.trained:
                    if not v.trainable:         # set since `compile`, which is what counts
                        tape.watch(v)
            y_pred = self(x, training=True)
            loss = self._loss_of(x, y, y_pred, sample_weight, True)
            scaled = self.optimizer.scale_loss(loss)
        self._loss_tracker.update_state(loss, sample_weight=batch_length(x))
        variables = (self._collected or self._collect()).trained
        if variables:
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
        else:
            warn(f'model "{self.name}" has no trainable weights: training does not change it')
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        """One step of evaluation.  Arguments and result as for `train_step`."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._loss_of(x, y, y_pred, sample_weight, False)
        self._loss_tracker.update_state(loss, sample_weight=batch_length(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data):
        """One step of prediction: the outputs for a batch of inputs."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    # ---- The dtype of inputs -------------------------------------------------------------------------------

    def _input_dtype(self, name, where=None):
        """The dtype in which data of this dtype enter the model: floats in the model's, integers where it wants them.

        where: position or key of the input, where there are several.
        """
        if name == "string":
            return name if self.reads_strings else self.dtype
        return self.dtype if name.startswith("float") else name


def batch_length(x):
    """The number of samples of a batch."""
    return (x if x.__class__ is Tensor else leaves(x)[0]).shape[0]


def _mean(name):
    return metrics.Mean(name=name)


def _metrics_of(layer):
    """The metrics that are attributes of a layer, also in lists and dicts."""
    return contents({name: value for name, value in vars(layer).items() if name not in ("_loss_tracker", "_compile_config")}, metrics.Metric)


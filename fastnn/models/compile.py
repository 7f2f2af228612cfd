"""What `compile` was given, resolved: losses and metrics for each output of the model, once the outputs are known."""
from .. import losses, metrics as metric_classes
from ..changes import Noted
from .arrays import leaves

ACCURACY, CROSSENTROPY = ("accuracy", "acc"), ("crossentropy", "ce")


# ---- By name ----------------------------------------------------------------------------------------------------

def kind_of_classes(y_true, y_pred):
    """Which of "binary", "sparse_categorical" and "categorical" the shapes of targets and predictions speak of."""
    if y_pred.shape[-1] == 1:
        return "binary"
    sparse = len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1 and y_pred.shape[-1] > 1
    return "sparse_categorical" if sparse else "categorical"


def resolve_loss(identifier, y_true=None, y_pred=None):
    """A Loss for a name, function or Loss; "crossentropy" goes by the shapes."""
    name = identifier
    if isinstance(identifier, str) and identifier.lower() in CROSSENTROPY:
        identifier = f"{kind_of_classes(y_true, y_pred)}_crossentropy"
    loss = losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    return losses.LossFunctionWrapper(loss, name=name if isinstance(name, str) else function_name(loss))


def resolve_metric(identifier, y_true=None, y_pred=None):
    """A Metric for a name, function or Metric; "accuracy" goes by the shapes.  Its name is the one that was asked for."""
    if isinstance(identifier, str) and identifier.lower() in ACCURACY + CROSSENTROPY:
        what = "accuracy" if identifier.lower() in ACCURACY else "crossentropy"
        metric = metric_classes.get(f"{kind_of_classes(y_true, y_pred)}_{what}")
    else:
        metric = metric_classes.get(identifier)
    if not isinstance(metric, metric_classes.Metric):
        metric = metric_classes.MeanMetricWrapper(metric, name=function_name(metric))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def function_name(function):
    return getattr(function, "__name__", None) or type(function).__name__


def check_names(identifiers, known, get):
    """Raises the error of an unknown name now, not at the first step."""
    for identifier in identifiers:
        if isinstance(identifier, (list, tuple, dict)):
            check_names(leaves(identifier), known, get)
        elif isinstance(identifier, str) and identifier.lower() not in known:
            get(identifier)


# ---- Losses -----------------------------------------------------------------------------------------------------

class CompiledLoss(Noted):
    """The losses of a model's outputs as one function.

    Args:
        loss: a loss (name, function, Loss) for all outputs, or a list or dict of losses for each.
        loss_weights: a number, or a list or dict of numbers like `loss`.
    """

    def __init__(self, loss, loss_weights=None):
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict, int, float)):
            raise ValueError("`loss_weights` must be a number, list or dict, "
                             f"received {loss_weights!r} (of type {type(loss_weights).__name__})")
        check_names([loss], CROSSENTROPY, losses.get)
        self.loss, self.loss_weights = loss, loss_weights
        self.terms = None           # (Loss, weight, tracker) for each output
        self.single = None          # the Loss of a model with one output and no weight

    @property
    def metrics(self):
        """The mean of each output's loss, where there are several."""
        return [tracker for _, _, tracker in self.terms or () if tracker is not None]

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.single is not None and y_pred.__class__ is not dict and y_pred.__class__ is not list:
            return self.single(first(y_true), y_pred, first(sample_weight))
        if self.terms is None:
            self.build(y_true, y_pred)
            return self(y_true, y_pred, sample_weight)
        return self._sum(y_true, y_pred, sample_weight)

    def build(self, y_true, y_pred):
        """Resolves the names, by the shapes of targets and outputs."""
        outputs = leaves(y_pred)
        names = sorted(y_pred) if isinstance(y_pred, dict) else [str(i) for i in range(len(outputs))]
        chosen = per_output(self.loss, names, "loss")
        weights = per_output(self.loss_weights, names, "loss_weights")
        targets = align(y_true, y_pred, chosen)
        several = len(outputs) > 1
        self.terms = []
        for identifier, weight, name, t, p in zip(chosen, weights, names, targets, outputs):
            loss = None if identifier is None else resolve_loss(identifier, t, p)
            tracker = metric_classes.Mean(name=f"{name}_loss") if several and loss is not None else None
            self.terms.append((loss, weight, tracker))
        if len(outputs) == 1 and not isinstance(y_pred, (list, tuple, dict)) and self.terms[0][1] is None:
            self.single = self.terms[0][0]

    def _sum(self, y_true, y_pred, sample_weight):
        outputs = leaves(y_pred)
        targets = align(y_true, y_pred, [loss for loss, _, _ in self.terms])
        given = leaves(sample_weight) or [None]
        given = given * len(outputs) if len(given) == 1 else given
        total = None
        for (loss, weight, tracker), t, p, w in zip(self.terms, targets, outputs, given):
            if loss is None:
                continue
            value = loss(t, p, w)
            if tracker is not None:
                tracker.update_state(value, sample_weight=p.shape[0])
            value = value if weight is None else value * weight
            total = value if total is None else total + value
        return total


def first(value):
    """The one array of targets or weights that may stand in a list."""
    return leaves(value)[0] if isinstance(value, (list, tuple, dict)) else value


def per_output(value, names, argument):
    """One entry for each output, from one for all, a list, or a dict by name."""
    if isinstance(value, dict):
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise ValueError(f"`{argument}` names the outputs {unknown}, the model has {names}")
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(f"`{argument}` has {len(value)} entries for {len(names)} outputs: {value}")
        return list(value)
    return [value] * len(names)


def align(y_true, y_pred, chosen):
    """The targets in the order of the outputs; outputs without a loss need none."""
    if isinstance(y_true, dict) and isinstance(y_pred, dict):
        return [y_true.get(name) for name in sorted(y_pred)]
    found = leaves(y_true)
    if len(found) == len(chosen):
        return found
    wanted = [i for i, loss in enumerate(chosen) if loss is not None]
    if len(found) != len(wanted):
        raise ValueError(f"the model has {len(chosen)} outputs, {len(wanted)} of them with a loss, "
                         f"but there are {len(found)} targets")
    targets = dict(zip(wanted, found))
    return [targets.get(i) for i in range(len(chosen))]


# ---- Metrics ----------------------------------------------------------------------------------------------------

class CompiledMetrics(Noted):
    """The metrics of a model's outputs, updated together.

    Args:
        metrics: list (or dict by output) of names, functions and Metrics; sample weights do not count in them.
        weighted_metrics: the same, with sample weights.
    """

    name = "compile_metrics"

    def __init__(self, metrics, weighted_metrics=None):
        for argument, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple, dict)):
                raise ValueError(f"`{argument}` must be a list, received {value!r}: write {argument}=[{value!r}]")
            check_names(leaves(value), ACCURACY + CROSSENTROPY, metric_classes.get)
        self.user_metrics, self.user_weighted_metrics = metrics, weighted_metrics
        self.entries = None         # (Metric, output's index, name in the logs, whether weights count)

    @property
    def metrics(self):
        """The Metric objects, once the first batch has shown which they are."""
        return [metric for metric, _, _, _ in self.entries or ()]

    @property
    def variables(self):
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def build(self, y_true, y_pred):
        """Resolves the names, by the shapes of targets and outputs."""
        outputs = leaves(y_pred)
        names = sorted(y_pred) if isinstance(y_pred, dict) else [str(i) for i in range(len(outputs))]
        targets = leaves(y_true)
        self.entries, used = [], {}
        for user, weighted in ((self.user_metrics, False), (self.user_weighted_metrics, True)):
            for i, some in enumerate(metrics_per_output(user, names)):
                for identifier in some:
                    metric = resolve_metric(identifier, targets[i], outputs[i])
                    name = metric.name if len(outputs) == 1 else f"{names[i]}_{metric.name}"
                    if name in used and weighted:
                        name = f"weighted_{name}"
                    count = used[name] = used.get(name, -1) + 1
                    self.entries.append((metric, i, f"{name}_{count}" if count else name, weighted))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts one batch."""
        if self.entries is None:
            self.build(y_true, y_pred)
        targets, outputs, weights = leaves(y_true), leaves(y_pred), leaves(sample_weight) or [None]
        for metric, i, _, weighted in self.entries:
            if weighted:
                metric.update_state(targets[i], outputs[i], weights[i if len(weights) > 1 else 0])
            else:
                metric.update_state(targets[i], outputs[i])

    def reset_state(self):
        """Forgets all batches."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self):
        """Value by name in the logs."""
        return {name: metric.result() for metric, _, name, _ in self.entries or ()}


def metrics_per_output(value, names):
    """A list of metrics for each output; a flat list goes to the only output, or to every one."""
    if value is None:
        return [[] for _ in names]
    if isinstance(value, dict):
        found = per_output(value, names, "metrics") if set(value) <= set(names) else [leaves(value)] * len(names)
    elif len(names) > 1 and len(value) == len(names):
        found = list(value)
    else:
        found = [[m for part in value for m in (part if isinstance(part, (list, tuple)) else [part])]] * len(names)
    return [list(some) if isinstance(some, (list, tuple)) else [] if some is None else [some] for some in found]

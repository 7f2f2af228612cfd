"""What `compile` was given, resolved: losses and metrics for each output of the model, once the outputs are known."""
import difflib

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


# ---- Outputs ----------------------------------------------------------------------------------------------------

class Outputs(Noted):
    """What the outputs of a model are called, in arguments and in logs.

    Args:
        y_pred: outputs of the model.
        known: names that the model knows them by, or None.

    Attributes:
        names: the keys of a dict, sorted, else the names that the model has for them, else "0", "1" ...
        named: whether they stand in logs: not those numbers.
    """

    def __init__(self, y_pred, known=None):
        self.count = len(leaves(y_pred))
        if isinstance(y_pred, dict):
            self.names, self.named = sorted(y_pred), True
        else:
            self.named = known is not None and len(known) == self.count
            self.names = list(known) if self.named else [str(i) for i in range(self.count)]
        self.known = list(known or ())

    def settings(self, value, argument):
        """One entry for each output, from one for all, a list, or a dict by name."""
        if isinstance(value, dict):
            self.check_keys(value, argument)
            return [value.get(name) for name in self.names]
        if isinstance(value, (list, tuple)):
            if len(value) != self.count:
                raise ValueError(f"`{argument}` has {len(value)} entries for {self.count} outputs ({', '.join(self.names)}): {value}")
            return list(value)
        return [value] * self.count

    def check_keys(self, value, argument):
        """Raises for names that no output has."""
        unknown = sorted(set(value) - set(self.names), key=str)
        if unknown:
            near = [match for name in unknown for match in difflib.get_close_matches(str(name), self.names, n=1, cutoff=0.5)]
            raise ValueError(f"`{argument}` names the outputs {unknown}, the model has {self.names}"
                             + (f". Did you mean {' or '.join(map(repr, near))}?" if near else ""))

    def arrays(self, value, argument, wanted=None):
        """The targets (or weights) of each output, None where there are none.

        Args:
            value: array, list or dict; argument: its name in messages.
            wanted: for each output whether a loss wants its targets.
        """
        if isinstance(value, dict):
            self.check_keys(value, argument)
            return [value.get(name) for name in self.names]
        found = leaves(value)
        if len(found) == self.count:
            return found
        places = [i for i, want in enumerate(wanted or ()) if want]
        if len(found) != len(places):
            raise ValueError(f"the model has {self.count} outputs ({', '.join(self.names)})"
                             + (f", {len(places)} of them with a loss" if wanted else "")
                             + f", but `{argument}` has {len(found)} entries: pass one for each, as a list or a dict by name")
        by_place = dict(zip(places, found))
        return [by_place.get(i) for i in range(self.count)]

    def weights(self, value):
        """The sample weights of each output; one array is for all."""
        if value is None:
            return [None] * self.count
        if not isinstance(value, (list, tuple, dict)) or self.count > 1 and len(value) == 1 and not isinstance(value, dict):
            return leaves(value) * self.count
        return self.arrays(value, "sample_weight")


def first(value):
    """The one array of targets or weights that may stand in a list."""
    return leaves(value)[0] if isinstance(value, (list, tuple, dict)) else value


# ---- Losses -----------------------------------------------------------------------------------------------------

class CompiledLoss(Noted):
    """The losses of a model's outputs as one function.

    Args:
        loss: a loss (name, function, Loss) for all outputs, or a list or dict of losses for each.
        loss_weights: a number, or a list or dict of numbers like `loss`.
        output_names: names of the outputs, where the model has some.
    """

    def __init__(self, loss, loss_weights=None, output_names=None):
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict, int, float)):
            raise ValueError("`loss_weights` must be a number, list or dict, "
                             f"received {loss_weights!r} (of type {type(loss_weights).__name__})")
        check_names([loss], CROSSENTROPY, losses.get)
        self.loss, self.loss_weights, self.output_names = loss, loss_weights, output_names
        self.outputs = None         # Outputs
        self.terms = None           # (Loss, weight, tracker) for each output
        self.single = None          # the Loss of a model with one output and no weight

    @property
    def metrics(self):
        """The mean of each output's loss, where there are several."""
        return [tracker for _, _, tracker in self.terms or () if tracker is not None]

    def check(self, outputs):
        """Raises for losses and weights that do not fit the outputs (Specs), as far as they are known before any data."""
        named = Outputs(outputs, self.output_names)
        named.settings(self.loss, "loss")
        named.settings(self.loss_weights, "loss_weights")

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.single is not None and y_pred.__class__ is not dict and y_pred.__class__ is not list:
            return self.single(first(y_true), y_pred, first(sample_weight))
        if self.terms is None:
            self.build(y_true, y_pred)
            return self(y_true, y_pred, sample_weight)
        return self._sum(y_true, y_pred, sample_weight)

    def build(self, y_true, y_pred):
        """Resolves the names, by the shapes of targets and outputs."""
        outputs = self.outputs = Outputs(y_pred, self.output_names)
        chosen = outputs.settings(self.loss, "loss")
        weights = outputs.settings(self.loss_weights, "loss_weights")
        targets = outputs.arrays(y_true, "y", [loss is not None for loss in chosen])
        terms, used = [], {}
        for identifier, weight, name, t, p in zip(chosen, weights, outputs.names, targets, leaves(y_pred)):
            loss = None if identifier is None else resolve_loss(identifier, t, p)
            tracker = None
            if outputs.count > 1 and loss is not None:
                tracker = metric_classes.Mean(name=numbered(f"{name if outputs.named else loss.name}_loss", used))
            terms.append((loss, weight, tracker))
        if outputs.count == 1 and not isinstance(y_pred, (list, tuple, dict)) and terms[0][1] is None:
            self.single = terms[0][0]
        self.terms = terms

    def _sum(self, y_true, y_pred, sample_weight):
        targets = self.outputs.arrays(y_true, "y", [loss is not None for loss, _, _ in self.terms])
        total = None
        for (loss, weight, tracker), name, t, p, w in zip(self.terms, self.outputs.names, targets, leaves(y_pred),
                                                          self.outputs.weights(sample_weight)):
            if loss is None:
                continue
            if t is None:
                raise ValueError(f'there are no targets for the output "{name}", which has the loss {loss.name!r}')
            value = loss(t, p, w)
            if tracker is not None:
                tracker.update_state(value, sample_weight=p.shape[0])
            value = value if weight is None else value * weight
            total = value if total is None else total + value
        return total


def numbered(name, used):
    """A name that was not given yet: with _1, _2 ... behind it where it was."""
    count = used[name] = used.get(name, -1) + 1
    return f"{name}_{count}" if count else name


# ---- Metrics ----------------------------------------------------------------------------------------------------

class CompiledMetrics(Noted):
    """The metrics of a model's outputs, updated together.

    Args:
        metrics: list (or dict by output) of names, functions and Metrics; sample weights do not count in them.
        weighted_metrics: the same, with sample weights.
        output_names: names of the outputs, where the model has some.
    """

    name = "compile_metrics"

    def __init__(self, metrics, weighted_metrics=None, output_names=None):
        for argument, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple, dict)):
                raise ValueError(f"`{argument}` must be a list, received {value!r}: write {argument}=[{value!r}]")
            check_names(leaves(value), ACCURACY + CROSSENTROPY, metric_classes.get)
        self.user_metrics, self.user_weighted_metrics, self.output_names = metrics, weighted_metrics, output_names
        self.outputs = self.wanted = None   # Outputs; for each whether there are metrics for it
        self.entries = None         # (Metric, output's index, name in the logs, whether weights count)

    @property
    def metrics(self):
        """The Metric objects, once the first batch has shown which they are."""
        return [metric for metric, _, _, _ in self.entries or ()]

    @property
    def variables(self):
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def check(self, outputs):
        """Raises for metrics of outputs (Specs) that there are not."""
        for value in (self.user_metrics, self.user_weighted_metrics):
            metrics_per_output(value, Outputs(outputs, self.output_names))

    def build(self, y_true, y_pred):
        """Resolves the names, by the shapes of targets and outputs."""
        outputs = self.outputs = Outputs(y_pred, self.output_names)
        wanted = [metrics_per_output(user, outputs) for user in (self.user_metrics, self.user_weighted_metrics)]
        self.wanted = [bool(plain or weighted) for plain, weighted in zip(*wanted)]
        targets, predictions = outputs.arrays(y_true, "y", self.wanted), leaves(y_pred)
        entries, used = [], {}
        for some, weighted in zip(wanted, (False, True)):
            for i, identifiers in enumerate(some):
                for identifier in identifiers:
                    metric = resolve_metric(identifier, targets[i], predictions[i])
                    name = f"{outputs.names[i]}_{metric.name}" if outputs.count > 1 and outputs.named else metric.name
                    if name in used and weighted:
                        name = f"weighted_{name}"
                    entries.append((metric, i, numbered(name, used), weighted))
        self.entries = entries

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts one batch."""
        if self.entries is None:
            self.build(y_true, y_pred)
        targets, predictions = self.outputs.arrays(y_true, "y", self.wanted), leaves(y_pred)
        weights = self.outputs.weights(sample_weight)
        for metric, i, _, weighted in self.entries:
            if weighted:
                metric.update_state(targets[i], predictions[i], weights[i])
            else:
                metric.update_state(targets[i], predictions[i])

    def reset_state(self):
        """Forgets all batches."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self):
        """Value by name in the logs."""
        return {name: metric.result() for metric, _, name, _ in self.entries or ()}


def metrics_per_output(value, outputs):
    """A list of metrics for each output; a flat list goes to the only output, or to every one."""
    if value is None:
        return [[] for _ in outputs.names]
    if isinstance(value, dict):
        single = outputs.count == 1 and not set(value) <= set(outputs.names)
        found = [leaves(value)] if single else outputs.settings(value, "metrics")
    elif outputs.count > 1 and len(value) == outputs.count:
        found = list(value)
    else:
        found = [[m for part in value for m in (part if isinstance(part, (list, tuple)) else [part])]] * outputs.count
    return [list(some) if isinstance(some, (list, tuple)) else [] if some is None else [some] for some in found]

"""What an op is: one class that says what it accepts, what it launches, and its gradient.

    @op
    class relu:
        '''max(x, 0), element by element.'''
        outputs = "y"                                    # names of the results
        cases = [((normal(3, 4),), {})]                  # the tests loop over every op's cases
        def spec(x): return x                            # validates; shape and dtype of each result
        def cpu(x, y): return "relu", (x, y, x.size)     # kernel by name, arguments in its order
        def vjp(dy, y): return relu_grad(dy, y)          # asks for y by name, so only y is kept alive

Positional parameters of `spec` are tensors (`=None`: may be absent, `*xs`: any number), keyword-only parameters are
attributes.  `cpu` takes the arrays of inputs and results, and those attributes that it names.  An op that moves no data
has `view(array, *, attributes)` in place of `cpu`.  `vjp` names what it wants: `d<result>`, inputs, results, attributes,
`needs` (for each input, whether its gradient is asked for); it returns a gradient for each input, None where there
is none.  Without `vjp` no gradient passes.  Further words:

    also = {"b": "a"}    names of Keras for attributes that are called otherwise here
    updates = "w m"      inputs that the kernel changes in place
    promote = True       operands of different dtypes are cast to a common one; "float": and integers to floats;
                         "bool": all to bool
    logits = "x"         the result remembers this input (softmax and sigmoid do, for the sake of stable losses)
    kept = "gates"       names of what the kernel writes for the gradient alone: the last specs of `spec`, the last arrays of
                         `cpu`, which are None where no tape records; the caller never sees them
    partial = True       `vjp` takes None for results without a gradient; others get zeros
"""
import inspect
from typing import NamedTuple

from . import config
from .device import empty, launch, launch_later, recorder
from .graph import has_symbols, write_down
from .tape import active, record
from .tensor import FLOATS, Operand, Spec, Tensor, Variable, as_array, convert, operators, own, result_type

LATER = 1 << 16     # bytes of a result from which on it is worth while to hand a call over to another thread
REGISTRY = {}       # every op, by name
watcher = None      # called in place of `Op._compute`, which it calls: a profile learns so which op made a launch


def op(cls):
    """Makes an op of a class, and enters it into the registry."""
    made = Op(cls)
    if made.name in REGISTRY:
        raise ValueError(f"there is already an op {made.name!r}")
    REGISTRY[made.name] = made
    return made


class Op:
    """An op, called like a function: tensors in, tensors out, noted on the tapes; specs in, specs out.

    Attributes may also be passed by position, after the tensors: `reshape(x, (2, 3))`.
    """

    def __init__(self, cls):
        self.name = self.__name__ = cls.__name__
        self.__doc__, self.__module__, self.family = cls.__doc__, cls.__module__, cls.__module__.rpartition(".")[2]
        body = vars(cls)
        self.spec, self.cpu, self.view = body["spec"], body.get("cpu"), body.get("view")
        self.vjp, self.cases = body.get("vjp"), body.get("cases", [])
        self.flops, self.picks = body.get("flops"), tuple(body.get("picks", "").split())
        self.promote, self.also = body.get("promote", False), body.get("also")
        self.outputs, self.kept = tuple(body.get("outputs", "y").split()), tuple(body.get("kept", "").split())
        self.partial = body.get("partial", False)
        parameters = inspect.signature(self.spec).parameters.values()
        self.__signature__ = inspect.Signature(parameters)
        self.inputs = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL))
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.least = sum(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
        self.attributes = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self.defaults = {k: v for k, v in self.attributes.items() if v is not inspect.Parameter.empty}
        self.kernel_attributes = self._named_attributes(self.cpu or self.view)
        self.kernel_takes_all = set(self.kernel_attributes) == set(self.attributes)
        self.updates = tuple(self.inputs.index(n) for n in body.get("updates", "").split())
        self.logits = self.inputs.index(body["logits"]) if "logits" in body else None
        self._plan_gradient()

    def __repr__(self):
        return f"<op {self.name}{self.__signature__}>"

    def __reduce__(self):
        return REGISTRY.__getitem__, (self.name,)

    # ---- Calling ----

    def __call__(self, *inputs, **attrs):
        if len(inputs) > len(self.inputs) and not self.variadic:
            inputs, attrs = self._name_attributes(inputs, attrs)
        if self.also is not None:
            attrs = {self.also.get(name, name): value for name, value in attrs.items()}
        for name in attrs:
            if attrs[name].__class__ is list:
                attrs[name] = tuple(attrs[name])        # shapes and strides are kept in caches
        for x in inputs:
            if x.__class__ is not Tensor and x.__class__ is not Variable:
                if has_symbols((inputs, attrs)):
                    return write_down(self, inputs, attrs)
                inputs = self._convert(inputs, attrs)
                if any([isinstance(x, Spec) for x in inputs]):
                    return self._infer(inputs, attrs)
                break
        if len(inputs) < len(self.inputs) and not self.variadic:
            inputs = self._complete(inputs, attrs)
        if self.promote:
            inputs = self._promote(inputs)
        return self._run(inputs, attrs)

    def _run(self, inputs, attrs):
        return self._compute(inputs, attrs) if watcher is None else watcher(self, inputs, attrs)

    def _compute(self, inputs, attrs):
        try:
            spec = self.spec(*inputs, **attrs)
        except AttributeError as error:
            raise self._explain_none(inputs, error) from error
        if self.defaults and len(attrs) < len(self.attributes):
            attrs = {**self.defaults, **attrs}
        arrays, kept = [None if x is None else x.data for x in inputs], ()
        chosen = attrs if self.kernel_takes_all else {name: attrs[name] for name in self.kernel_attributes}
        if self.view is not None:
            data = self.view(*arrays, **chosen)
            # of a variable a copy: the result must not change with it
            outputs = (Tensor(own(data) if inputs[0].__class__ is Variable else data),)
        else:
            specs = spec if spec.__class__ is tuple else () if spec is None else (spec,)
            if self.kept:
                specs, kept = specs[:len(self.outputs)], self._keep(specs)
            outputs = [Tensor(empty(s.shape, s.dtype), s.shape, s.dtype) for s in specs]
            launch(*self.cpu(*arrays, *[y.data for y in outputs], *[None if x is None else x.data for x in kept], **chosen))
        if self.updates:
            self._bump(inputs)
        if self.logits is not None:
            outputs[0].logits = self.name, attrs, inputs[self.logits]
        if active.tapes:
            record(self, inputs, outputs, attrs, kept)
        if spec.__class__ is tuple:
            return tuple(outputs)
        return outputs[0] if outputs else None

    def _keep(self, specs):
        """Tensors for what only the gradient will read; None where there will be none."""
        keeps = bool(active.tapes)
        return [Tensor(empty(s.shape, s.dtype), s.shape, s.dtype) if keeps else None for s in specs[len(self.outputs):]]

    def later(self, calls, *inputs, **attrs):
        """Begins the op on a thread in the background; small ones run at once, as handing them over costs more.

        Args:
            calls: list to which is appended what to `wait()` for before the results are read; None: run it now.
            inputs, attrs: as in a call, tensors alone.  Nothing is noted on tapes.
        """
        if calls is None:
            return self(*inputs, **attrs)
        attrs = {**self.defaults, **attrs}
        spec = self.spec(*inputs, **attrs)
        specs = spec if spec.__class__ is tuple else (spec,)
        outputs = [Tensor(empty(s.shape, s.dtype), s.shape, s.dtype) for s in specs]
        chosen = {name: attrs[name] for name in self.kernel_attributes}
        call = self.cpu(*[x.data for x in inputs], *[y.data for y in outputs], **chosen)
        if max([y.data.nbytes for y in outputs]) < LATER:
            launch(*call)
        else:
            calls.append(launch_later(*call))
        return tuple(outputs) if spec.__class__ is tuple else outputs[0]

    def _infer(self, inputs, attrs):
        """The specs of the results, when at least one input is symbolic."""
        if len(inputs) < len(self.inputs) and not self.variadic:
            inputs = self._complete(inputs, attrs)
        if self.promote:
            dtype = self._common_type(inputs)
            inputs = [Spec(x.shape, dtype) for x in inputs]
        spec = self.spec(*inputs, **attrs)
        made = [Spec(s.shape, s.dtype) for s in (spec if spec.__class__ is tuple else (spec,))]
        return tuple(made[:len(self.outputs)] if self.kept else made) if spec.__class__ is tuple else made[0]

    def _convert(self, inputs, attrs):
        """Numbers, arrays and lists as tensors; a number takes the dtype of the other operands if that can hold it."""
        floats = [x.dtype for x in inputs if isinstance(x, Operand) and x.dtype in FLOATS]
        others = floats or [x.dtype for x in inputs if isinstance(x, Operand)]
        converted = []
        for x in inputs:
            if x is None or isinstance(x, Operand):
                converted.append(x)
            elif isinstance(x, (int, float)) and others and (floats or not isinstance(x, float)) and others[0] != "bool":
                converted.append(convert(x, others[0]))
            else:
                try:        # what a tape keeps must not change with the caller's array
                    converted.append(Tensor(own(as_array(x))) if active.tapes else convert(x))
                except (TypeError, ValueError) as error:
                    name = self.inputs[min(len(converted), len(self.inputs) - 1)]
                    raise type(error)(f"[{self.name}] argument '{name}': {error}") from None
        return converted

    def _explain_none(self, inputs, error):
        """The error to raise when `spec` looked for the shape of what may not be None."""
        missing = [name for name, x in zip(self.inputs, inputs) if x is None]
        return error if not missing else ValueError(
            f"[{self.name}] argument {' or '.join(map(repr, missing))} is None, expected a tensor: if it is a weight, build "
            "the layer first, by calling it on data or by build(input_shape)")

    def _complete(self, inputs, attrs):
        """Tensors passed by name, and None for those that may be absent."""
        inputs = list(inputs)
        for name in self.inputs[len(inputs):]:
            if name in attrs:
                x = attrs.pop(name)
                inputs.append(None if x is None else convert(x))
            elif len(inputs) >= self.least:
                inputs.append(None)
            else:
                raise TypeError(f"[{self.name}] is missing the argument '{name}'")
        return inputs

    def _name_attributes(self, values, attrs):
        """Values beyond the inputs are attributes in their order."""
        extra, names = values[len(self.inputs):], list(self.attributes)
        given = dict(zip(names, extra))
        if len(extra) > len(names) or not attrs.keys().isdisjoint(given):
            raise TypeError(f"[{self.name}] takes {self.__signature__}, received {len(values)} positional arguments"
                            f"{f' and {sorted(attrs)}' if attrs else ''}")
        return values[:len(self.inputs)], {**given, **attrs}

    def _promote(self, inputs):
        first = inputs[0].dtype
        if (self.promote is True or self.promote == "float" and first in FLOATS) and all([x.dtype == first for x in inputs]):
            return inputs
        dtype = self._common_type(inputs)
        return [x if x.dtype == dtype else operators["cast"](x, dtype=dtype) for x in inputs]

    def _common_type(self, inputs):
        if self.promote == "bool":
            return "bool"
        dtype = result_type(*[x.dtype for x in inputs])
        return dtype if self.promote is True or dtype in FLOATS else config.floatx()

    def _bump(self, inputs):
        """Variables that the kernel changed: a tape that kept them notices."""
        hears = getattr(recorder(), "updated", None)
        for x in inputs if self.variadic else [inputs[i] for i in self.updates]:
            if x.__class__ is Variable:
                x.version += 1
                if hears is not None:
                    hears(x)

    def _named_attributes(self, function):
        if function is None:
            return ()
        parameters = inspect.signature(function).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    # ---- Work ----

    def work(self, inputs, outputs, attrs):
        """Floating-point operations of a call with these tensors: what `flops` says, or one for each element of the results."""
        if self.flops is None:
            return sum([y.size for y in outputs])
        if self.flops == 0:
            return 0
        known = {**self.defaults, **attrs, **dict(zip(self.inputs, inputs)), **dict(zip(self.outputs, outputs))}
        if self.variadic:
            known[self.inputs[-1]] = inputs[len(self.inputs) - 1:]
        return self.flops(**{name: known[name] for name in inspect.signature(self.flops).parameters})

    # ---- Gradients ----

    def _plan_gradient(self):
        """Works out, once, where each parameter of `vjp` comes from."""
        self._saves, self._sources = [], []         # indices into inputs + outputs; (source, which) per parameter
        if self.vjp is None:
            return
        for name in inspect.signature(self.vjp).parameters:
            if name == "needs":
                self._sources.append(("needs", 0))
            elif name[:1] == "d" and name[1:] in self.outputs:
                self._sources.append(("gradient", self.outputs.index(name[1:])))
            elif name in self.attributes:
                self._sources.append(("attribute", name))
            elif name in self.inputs and self.variadic and name == self.inputs[-1]:
                self._sources.append(("all", len(self.inputs) - 1))
                self._saves = None                  # every input is kept
            elif name in self.inputs + self.outputs + self.kept:
                self._sources.append(("saved", (self.inputs + self.outputs + self.kept).index(name)))
                if self._saves is not None:
                    self._saves.append(self._sources[-1][1])
            else:
                raise ValueError(f"[{self.name}] vjp asks for {name!r}, which is no input, result or attribute")

    def save(self, inputs, outputs):
        """The tensors that the gradient will ask for, in the order of its parameters."""
        if self._saves is None:
            return [*inputs, *outputs]
        count = len(inputs)
        return [inputs[i] if i < count else outputs[i - count] for i in self._saves]

    def gradients(self, dys, saved, attrs, needs):
        """The gradients with regard to the inputs, from those with regard to the outputs."""
        if self.vjp is None:
            raise ValueError(f"[{self.name}] has no gradient: wrap what needs none in fastnn.ops.stop_gradient, or write "
                             "it with other ops")
        arguments, kept = [], iter(saved)
        for source, which in self._sources:
            if source == "gradient":
                arguments.append(dys[which])
            elif source == "saved":
                arguments.append(self._pick(saved, which) if self._saves is None else next(kept))
            elif source == "attribute":
                arguments.append(attrs[which])
            elif source == "needs":
                arguments.append(needs)
            else:
                arguments.append(saved[which:len(saved) - len(self.outputs)])
        found = self.vjp(*arguments)
        return found if isinstance(found, (tuple, list)) else (found,)

    def _pick(self, saved, which):
        """Of a variadic op, where all is kept: an input before the `*xs`, or a result."""
        return saved[which] if which < len(self.inputs) - 1 else saved[which - len(self.inputs) - len(self.outputs)]


# ---- Data for `cases` -------------------------------------------------------------------------------------------

class Data(NamedTuple):
    """Random test data, described: the tests make it, in the dtype that they test."""
    kind: str           # "normal", "uniform" or "integers"
    shape: tuple
    low: float
    high: float
    dtype: str          # of integers; "" for the float type under test


def normal(*shape):
    """Normally distributed floats."""
    return Data("normal", shape, 0.0, 1.0, "")


def uniform(*shape, low=-1.0, high=1.0):
    """Evenly distributed floats in [low, high)."""
    return Data("uniform", shape, low, high, "")


def integers(*shape, low=0, high=10, dtype="int64"):
    """Evenly distributed integers in [low, high)."""
    return Data("integers", shape, low, high, dtype)

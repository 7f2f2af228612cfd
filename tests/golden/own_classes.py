"""Models, layers and functions as users write them, made with fastnn or with real Keras, whichever is passed as `keras`."""
import os


def own_classes(keras):
    """Classes and functions by name, for `custom_objects`; files call them `golden>...`."""
    class Scale(keras.layers.Layer):
        """Own weights, one of them made by `build`, and one that is not trained."""

        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

        def call(self, inputs):
            return inputs * self.factor * self.start

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    class Packed(keras.layers.Layer):
        """Saves its weight in its own way, and builds itself in its own way."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.size = None

        def build(self, input_shape):
            self.make(input_shape[-1])

        def make(self, size):
            self.size = size
            self.shift = self.add_weight(shape=(size,), initializer="zeros", name="shift")

        def call(self, inputs):
            return inputs + self.shift

        def get_build_config(self):
            return {"size": self.size}

        def build_from_config(self, config):
            self.make(config["size"])
            self.built = True

        def save_own_variables(self, store):
            store["twice"] = 2 * keras.ops.convert_to_numpy(self.shift)

        def load_own_variables(self, store):
            self.shift.assign(store["twice"][:] / 2)

    class Worded(keras.layers.Layer):
        """Has a file."""

        words = ()

        def call(self, inputs):
            return inputs * float(len(self.words))

        def save_assets(self, folder):
            with open(os.path.join(folder, "words.txt"), "w") as file:
                file.write("\n".join(self.words))

        def load_assets(self, folder):
            with open(os.path.join(folder, "words.txt")) as file:
                self.words = tuple(file.read().split("\n"))

    class Nest(keras.Model):
        """Layers in lists, dicts, lists of lists and private attributes."""

        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.steps = [keras.layers.Dense(units, name="s0"), keras.layers.Dense(units, name="s1"), Scale(name="s2")]
            self.named = {"zebra": keras.layers.Dense(units, name="z"), "ant": keras.layers.Dense(units + 1, name="a")}
            self.deep = [[keras.layers.Dense(units, name="d0")], [keras.layers.Dense(units, name="d1"), Packed(name="d2")]]
            self._hidden = keras.layers.Dense(units, name="hidden")
            self.norm = keras.layers.BatchNormalization(name="norm")
            self.again = self.norm
            self.own = self.add_weight(shape=(units,), initializer="ones", name="own")

        def call(self, inputs):
            x = inputs
            for layer in self.steps:
                x = layer(x)
            x = self.named["zebra"](x) + keras.ops.sum(self.named["ant"](x), axis=-1, keepdims=True)
            for row in self.deep:
                for layer in row:
                    x = layer(x)
            return self.norm(self._hidden(x)) * self.own

        def get_config(self):
            return {"name": self.name, "units": self.units}

    def bent(x):
        return x * x / (1.0 + x * x)

    def distance(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(keras.ops.subtract(y_true, y_pred)), axis=-1)

    found = {value.__name__: value for value in (Scale, Packed, Worded, Nest, bent, distance)}
    for value in found.values():
        value.__module__ = "golden"
        keras.saving.register_keras_serializable("golden")(value)
    return found


def nest(keras):
    model = own_classes(keras)["Nest"](name="nest")
    model(keras.ops.ones((1, 4)))
    return model


def own_layers(keras):
    own = own_classes(keras)
    worded = own["Worded"](name="worded")
    worded.words = ("one", "two", "three")
    return keras.Sequential([keras.Input((4,)), own["Scale"](2.0, name="scale"), own["Packed"](name="packed"), worded,
                             keras.layers.Dense(3, activation=own["bent"], name="bent_dense"),
                             keras.layers.Lambda(own["bent"], name="bent_lambda"), keras.layers.Dense(1, name="out")], name="own_layers")


def own_functions(keras):
    own = own_classes(keras)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation=own["bent"], name="out")], name="own_functions")
    model.compile("sgd", loss=own["distance"], metrics=[own["distance"], "mse"])
    return model


def several_outputs(keras):
    x = keras.Input((4,), name="rows")
    first, second = keras.layers.Dense(1, name="first")(x), keras.layers.Dense(1, name="second")(x)
    model = keras.Model(x, {"a": first, "b": second}, name="several_outputs")
    model.compile(keras.optimizers.RMSprop(0.01), loss={"a": "mae", "b": keras.losses.LogCosh(name="log")}, loss_weights={"a": 1.0, "b": 0.25},
                  metrics={"a": ["mse"], "b": [keras.metrics.MeanAbsoluteError(name="off")]})
    return model

"""Objects to configs and back, and the user's own classes by name: `keras.saving`.

    >>> import fastnn
    >>> layer = fastnn.layers.Dense(4, activation="relu", name="first")
    >>> config = fastnn.saving.serialize_keras_object(layer)
    >>> fastnn.saving.deserialize_keras_object(config).name
    'first'
"""
from ..utils.object_registration import (CustomObjectScope, custom_object_scope, get_custom_objects, get_registered_name,
                                        get_registered_object, register_keras_serializable)
from .model_files import load_model, save_model
from .weight_files import load_weights, save_weights
from ..utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
           "get_registered_object", "register_keras_serializable", "load_model", "load_weights", "save_model", "save_weights",
           "serialize_keras_object"]

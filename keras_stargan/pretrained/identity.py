"""Networks whose features tell persons apart, by what they are given as."""

import os
from collections.abc import Callable
from typing import Any

import keras

from keras_stargan.pretrained.face_recognition import (
    MANIFEST,
    FaceRecognition,
    load_face_recognition,
)
from keras_stargan.pretrained.persons import person_features

_HELP = (
    "The identity loss (lambda_id above 0) needs features of persons that have been "
    "learned: call pretrain(image_sets), which trains them on the persons of the "
    "training set, as a run does; or give a file as identity=: a .keras file of any "
    "model from images to feature maps, or face_recognition_model-weights_manifest"
    ".json of the npm package @vladmandic/face-api; or use lambda_id=0."
)


def identity_network(
    identity: str | os.PathLike | dict[str, Any] | keras.Model | None,
    image_size: int,
    num_weights: int | None,
    dtype: str,
) -> tuple[keras.Model, Callable, str, Any]:
    """Makes a network whose features tell persons apart.

    Args:
        identity: the folder or the manifest of face-api's face recognition; a `.keras`
            file of a model from images `(n, image_size, image_size, 3)` in [-1, 1] to
            one or several feature maps; such a model itself; or what saved models
            have of these: the path and the SHA-256 of a file, or a model's
            configuration. None for `person_features`, without weights.
        image_size: height and width of the images in pixels.
        num_weights: how many feature maps there must be; any number for None.
        dtype: of the network, if it is not given as a model.

    Returns:
        What `AdversarialModel.add_frozen` takes after the name: the network, what reads
        its file, the help, and the file; or the network itself if it was given as a
        model.

    Raises:
        OSError: if there is no such file.
        ValueError: for a file of another kind, a model that does not map images of
            this size to feature maps, or another number of them.
    """
    source: Any = None
    if isinstance(identity, keras.Model):
        source = network = identity
    elif isinstance(identity, dict) and "class_name" in identity:
        source = network = keras.saving.deserialize_keras_object(identity)
    elif identity is None:
        network = person_features(image_size, dtype=dtype)
    else:
        path = identity["file"] if isinstance(identity, dict) else os.fspath(identity)
        path = os.path.join(path, MANIFEST) if os.path.isdir(path) else path
        source = identity if isinstance(identity, dict) else path
        if path.endswith(".json"):
            network = FaceRecognition(feature_maps=True, dtype=dtype)
        elif not path.endswith(".keras"):
            raise ValueError(
                f"identity must be a .keras file, or {MANIFEST} or its folder; "
                f"received {path!r}."
            )
        elif isinstance(source, dict) and not os.path.isfile(path):
            # In its place: what a saved model needs no identity features for, works.
            network = person_features(image_size, dtype=dtype)
            return network, _read, _HELP, source
        else:
            network = _loaded(path)
    _check(network, image_size, num_weights)
    return network, _read, _HELP, source


def _read(network: keras.Model, file: str | os.PathLike) -> None:
    """Gives a network of `identity_network` the weights of its file."""
    if os.fspath(file).endswith(".json"):
        load_face_recognition(network, file)
    else:
        network.set_weights(_loaded(file).get_weights())


def _loaded(file: str | os.PathLike) -> keras.Model:
    return keras.saving.load_model(file, compile=False)


def _check(network: keras.Model, image_size: int, num_weights: int | None) -> None:
    images = keras.KerasTensor((None, image_size, image_size, 3), "float32")
    try:
        maps = keras.tree.flatten(network(images, training=False))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The identity network must map images of shape {images.shape} to feature "
            f"maps; {network.name} does not: {error}"
        ) from error
    if num_weights not in (None, len(maps)):
        raise ValueError(
            f"identity_weights must have one weight for each of {len(maps)} feature "
            f"maps; received {num_weights}."
        )

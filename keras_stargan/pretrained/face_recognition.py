"""A network that recognizes faces: that of face-api, whose weights are dlib's.

The npm package `@vladmandic/face-api` (MIT) holds the weights in its folder `model`:
`face_recognition_model-weights_manifest.json` and the file that it names beside it.
"""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.networks.resizing import resize_bilinear

MANIFEST = "face_recognition_model-weights_manifest.json"
_SIZE = 150
_MEAN = (122.782, 117.001, 104.298)  # of red, green and blue
# The blocks of the network with a width of 32; those named "down" halve the size.
_BLOCKS = (
    *("32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3"),
    *("128_down", "128_1", "128_2", "256_down", "256_1", "256_2", "256_down_out"),
)
# The last two stages before the mean over the pixels.
_MAPS = ("256_2", "256_down_out")
_FORMAT = {"data_format": "channels_last"}


@keras.saving.register_keras_serializable("keras_stargan")
class _Block(keras.layers.Layer):
    """Conv 3x3 - ReLU - conv 3x3, added to the input; ReLU.

    Args:
        filters: channels of the output.
        down: whether the size is halved. The input is then pooled and filled up with
            channels of zeros, the rest with zeros at the bottom and the right.
    """

    def __init__(self, filters: int, down: bool, **kwargs) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.down = down
        options = {"dtype": self.dtype_policy, **_FORMAT}
        first = {"strides": 2, "padding": "valid"} if down else {"padding": "same"}
        self.conv1 = keras.layers.Conv2D(filters, 3, **first, name="conv1", **options)
        self.conv2 = keras.layers.Conv2D(
            filters, 3, padding="same", name="conv2", **options
        )

    def build(self, input_shape):
        self.conv1.build(input_shape)
        self.conv2.build((*input_shape[:-1], self.filters))

    def call(self, inputs):
        x = self.conv2(ops.relu(self.conv1(inputs)))
        if self.down:
            inputs = ops.average_pool(inputs, 2, 2, "valid", **_FORMAT)
            missing = [(0, inputs.shape[i] - x.shape[i]) for i in (1, 2)]
            x = ops.pad(x, [(0, 0), *missing, (0, 0)])
            channels = (0, self.filters - inputs.shape[-1])
            inputs = ops.pad(inputs, [(0, 0), (0, 0), (0, 0), channels])
        return ops.relu(x + inputs)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"filters": self.filters, "down": self.down}


@keras.saving.register_keras_serializable("keras_stargan")
class FaceRecognition(keras.Model):
    """Gives the descriptors of faces, or feature maps.

    Descriptors of one person are near each other, those of two are far apart: their
    Euclidean distance is below or above 0.6.

    Args:
        feature_maps: whether to give the outputs of the last two stages instead of the
            descriptors. Defaults to False.
        width: channels of the first layers; the file's weights have 32, the default.

    Call arguments:
        inputs: images of faces `(batch, height, width, 3)` in [-1, 1], of any size.
            They are resized to 150 px.

    Returns:
        Descriptors `(batch, 4 * width)`; or a list of feature maps
        `(batch, 4, 4, 8 * width)` and `(batch, 2, 2, 8 * width)`.
    """

    def __init__(self, feature_maps: bool = False, width: int = 32, **kwargs) -> None:
        super().__init__(**kwargs)
        self.feature_maps = feature_maps
        self.width = width
        options = {"dtype": self.dtype_policy}
        self.conv_in = keras.layers.Conv2D(
            width, 7, strides=2, name="conv32_down", **_FORMAT, **options
        )
        self.blocks = [
            _Block(
                int(name.partition("_")[0]) * width // 32,
                "down" in name,
                name=f"conv{name}",
                **options,
            )
            for name in _BLOCKS
        ]
        self.descriptor = keras.layers.Dense(
            4 * width, use_bias=False, name="fc", **options
        )
        self.conv_in.build((None, _SIZE, _SIZE, 3))
        channels = width
        for block in self.blocks:
            block.build((None, None, None, channels))
            channels = block.filters
        self.descriptor.build((None, channels))
        self.built = True

    def call(self, inputs):
        x = resize_bilinear(ops.cast(inputs, self.compute_dtype), _SIZE)
        x = (127.5 * (x + 1.0) - ops.convert_to_tensor(_MEAN, x.dtype)) / 255.0
        x = ops.relu(self.conv_in(x))
        x = ops.max_pool(x, 3, 2, "valid", **_FORMAT)
        maps = []
        for name, block in zip(_BLOCKS, self.blocks, strict=True):
            x = block(x)
            if name in _MAPS:
                maps.append(x)
        return maps if self.feature_maps else self.descriptor(ops.mean(x, axis=(1, 2)))

    @property
    def layer_names(self) -> dict[str, keras.layers.Layer]:
        """The layers by their names in the file."""
        names = {"conv32_down": self.conv_in}
        for block in self.blocks:
            names |= {f"{block.name}/{c.name}": c for c in (block.conv1, block.conv2)}
        return names | {"fc": self.descriptor}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "feature_maps": self.feature_maps,
            "width": self.width,
        }


def load_face_recognition(
    network: FaceRecognition, file: str | os.PathLike = MANIFEST
) -> None:
    """Gives a network the weights of face-api.

    Args:
        network: the network.
        file: `face_recognition_model-weights_manifest.json`. The files of numbers that
            it names must be in the same folder.

    Raises:
        OSError: if a file is missing.
        ValueError: if it is no such manifest, or an entry is missing, superfluous or
            of another shape; the message names it.
    """
    arrays = read_manifest(file)
    values = {}
    for name, layer in network.layer_names.items():
        if name == "fc":
            values[layer] = [_taken(arrays, name, layer.kernel.shape, file)]
            continue
        kernel, (channels,) = layer.kernel.shape, layer.bias.shape
        filters = _taken(arrays, f"{name}/conv/filters", kernel, file)
        bias, scale, shift = (
            _taken(arrays, f"{name}/{entry}", (channels,), file)
            for entry in ("conv/bias", "scale/weights", "scale/biases")
        )
        # A scale and a shift follow each convolution; they are parts of it here.
        values[layer] = [filters * scale, bias * scale + shift]
    if arrays:
        raise ValueError(f"{file} has an entry that is not known: {min(arrays)}.")
    for layer, weights in values.items():
        layer.set_weights(weights)


def _taken(
    arrays: dict[str, np.ndarray], name: str, shape: tuple, file: str | os.PathLike
) -> np.ndarray:
    """Takes an array of a shape out of a dictionary."""
    if name not in arrays or arrays[name].shape != tuple(shape):
        found = f"has {arrays[name].shape}" if name in arrays else "is missing"
        raise ValueError(
            f"{file} must have an entry {name} of shape {tuple(shape)}; it {found}."
        )
    return arrays.pop(name)


def read_manifest(file: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the arrays of a manifest of TensorFlow.js.

    Args:
        file: the manifest, a JSON file. An array is stored as float32, or as whole
            numbers with a scale and a minimum.

    Returns:
        Float64 arrays by their names.

    Raises:
        OSError: if a file is missing.
        ValueError: if it is no such manifest, or the files that it names have fewer or
            more bytes than it says.
    """
    path, arrays = pathlib.Path(file), {}
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
        named = [([*g["paths"]], [_Entry(w) for w in g["weights"]]) for g in groups]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{file} must be a manifest of TensorFlow.js, such as {MANIFEST}: {error!r}"
        ) from error
    for paths, entries in named:
        # A name with folders in it could be of any file.
        parts = [path.with_name(pathlib.PurePath(p).name).read_bytes() for p in paths]
        data, start = b"".join(parts), 0
        needed = sum(entry.size for entry in entries)
        if needed != len(data):
            raise ValueError(
                f"{file} needs {needed} bytes; {', '.join(paths)} has {len(data)}."
            )
        for entry in entries:
            arrays[entry.name] = entry.read(data[start : start + entry.size])
            start += entry.size
    return arrays


class _Entry:
    """An array in a manifest."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name, self.shape = str(entry["name"]), tuple(map(int, entry["shape"]))
        stored = entry.get("quantization", {"dtype": entry["dtype"]})
        if stored["dtype"] not in ("float32", "uint8", "uint16"):
            raise ValueError(f"{self.name} is stored as {stored['dtype']}")
        self.dtype = np.dtype(stored["dtype"]).newbyteorder("<")
        self.scale, self.least = stored.get("scale", 1.0), stored.get("min", 0.0)
        self.size = int(np.prod(self.shape)) * self.dtype.itemsize

    def read(self, data: bytes) -> np.ndarray:
        values = np.frombuffer(data, self.dtype).reshape(self.shape)
        return values.astype("float64") * self.scale + self.least

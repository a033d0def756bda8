"""The inputs of the golden figures, made again (see tests/golden/README.md)."""

import pathlib
import zlib

import numpy as np
import tensorflow as tf

from keras_stargan.files.pytorch import assign_weights, weight_shapes

FOLDER = pathlib.Path(__file__).parent / "golden"


def images(rng, count, size, dtype="float32", channels=3):
    """Waves `(count, size, size, channels)`, rounded to bytes, scaled to [-1, 1]."""
    t = np.arange(size) / size
    planes = np.empty((count, size, size, channels))
    for i in range(count):
        for c in range(channels):
            fy, fx, phase = rng.rand(3) * [12, 12, 2 * np.pi]
            planes[i, :, :, c] = np.sin(fy * t[:, None] + fx * t[None, :] + phase)
    pixels = np.round((planes + 1) * 127.5).astype("uint8")
    return pixels.astype(dtype) / np.dtype(dtype).type(127.5) - 1


def weight(name, shape):
    """The initial value of a weight, in PyTorch's layout."""
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    r = rng.standard_normal(shape)
    if name.endswith("running_var"):
        r = 1 + 0.1 * np.abs(r)
    elif len(shape) >= 2:
        r = r * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith("weight"):
        r = 1 + 0.1 * r
    else:
        r = 0.1 * r
    return r.astype("float32")


def from_pytorch(value):
    """A weight in Keras' layout: both kinds of kernel become (h, w, ..., ...)."""
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value


def weights(golden, network):
    """`[(PyTorch name, shape), ...]` of a network, in the order of its layers."""
    prefix = "final "
    return [
        (key[len(prefix) :], golden[key].shape)
        for key in golden
        if key.startswith(f"{prefix}{network}/")
    ]


def assign_fresh_weights(averages, weights):
    """Gives StarGAN v2 its initial weights; the arguments are those of `weight_files`.

    The averages begin as the networks whose averages they are.
    """
    for network, names in weights.items():
        state = {
            key: weight(f"{network}/{key}", shape)
            for key, shape in weight_shapes(names).items()
        }
        assign_weights(names, state)
        if network in averages:
            assign_weights(averages[network], state)


def draws_of(golden):
    """A source of random numbers that gives the golden file's."""

    class GoldenDraws:
        def __init__(self, seed, step):
            self.step = step

        def permutation(self, name, length):
            return tf.gather(golden["permutation"], self.step)

        def uniform(self, name, shape):
            return tf.gather(golden["alpha"], self.step)

        def normal(self, name, shape):
            return tf.gather(golden[name], self.step)

    return GoldenDraws

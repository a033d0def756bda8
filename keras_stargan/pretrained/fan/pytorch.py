"""FAN's weights by the names of the published file (`wing.ckpt`)."""

import os
from collections.abc import Mapping

import keras
import numpy as np

from keras_stargan.files.pytorch import (
    Names,
    assign_weights,
    check_weights,
    read_checkpoint,
)
from keras_stargan.pretrained.fan.networks import FAN

# The parts of a block, and their names in the file.
_BLOCK = {
    **{f"norm{i}": f"bn{i}" for i in (1, 2, 3)},
    **{f"conv{i}": f"conv{i}" for i in (1, 2, 3)},
    "shortcut_norm": "downsample.0",
    "shortcut_conv": "downsample.2",
}


def load_weights(fan: FAN, file: str | os.PathLike) -> None:
    """Gives a FAN the published weights.

    Args:
        fan: the network.
        file: `wing.ckpt`.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if it is no such checkpoint; the message names the entry.
    """
    states = read_checkpoint(file).networks
    if "state_dict" not in states:
        raise ValueError(
            f"{file} must hold the FAN's entries as 'state_dict'; it holds "
            f"{', '.join(filter(None, states)) or 'tensors'}."
        )
    assign_fan(fan, states["state_dict"], str(file))


def load_fan(model: keras.Model, file: str | os.PathLike) -> None:
    """Gives a model with a high-pass filter the published weights of the FAN.

    Saved models refer to the file by its path and its SHA-256 instead of containing
    the weights. Warns if the model was saved with a file of another content.

    Args:
        model: a model that has a FAN in its attribute `fan`: a `StarGANv2` with
            `w_hpf` above 0.
        file: `wing.ckpt`.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if the model has no filter, or the file is not such a checkpoint:
            the message names the entry.
    """
    if model.fan is None:
        raise ValueError(
            "A FAN serves the high-pass filter only; this model has w_hpf=0."
        )
    model.frozen["fan"].load(file)


def assign_fan(fan: FAN, state: Mapping[str, np.ndarray], what: str) -> None:
    """Gives a FAN the weights of a state dict.

    Args:
        fan: the network.
        state: the entries by their published names. Others are ignored, as the
            published code ignores them.
        what: the file, for messages.

    Raises:
        ValueError: if an entry is missing or is not as the network needs it.
    """
    names = fan_names(fan)
    check_weights({**names, **dict.fromkeys(state)}, state, what)
    assign_weights(names, state)


def fan_names(fan: FAN) -> Names:
    """Maps the published names to a FAN's layers."""
    names = {
        "conv1.conv": fan.get_layer("in"),
        "bn1": fan.get_layer("in_norm"),
        "m0.coordconv.conv": fan.get_layer("hourglass_in"),
        "conv_last0": fan.get_layer("last"),
        "bn_end0": fan.get_layer("last_norm"),
        "l0": fan.get_layer("heatmaps"),
    }
    blocks = {f"conv{i + 1}": fan.get_layer(f"block{i}") for i in (1, 2, 3)}
    hourglass = fan.get_layer("hourglass")
    for level in (4, 3, 2, 1):
        blocks |= {
            f"m0.b1_{level}": hourglass.branch,
            f"m0.b2_{level}": hourglass.before,
            f"m0.b3_{level}": hourglass.after,
        }
        hourglass = hourglass.inner
    # At the lowest level, `inner` is a block.
    blocks |= {"m0.b2_plus_1": hourglass, "top_m_0": fan.get_layer("block4")}
    for name, block in blocks.items():
        names |= {
            f"{name}.{published}": getattr(block, part)
            for part, published in _BLOCK.items()
            if hasattr(block, part)
        }
    return names

"""FAN's weights by the names of the published file (`wing.ckpt`)."""

import os
from collections.abc import Mapping

import numpy as np

from keras_stargan.files.pytorch import (
    Entries,
    assign_entries,
    check_entries,
    read_state_dicts,
)
from keras_stargan.pretrained.fan.networks import FAN, NUM_LANDMARKS


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
    states = read_state_dicts(file)
    if "state_dict" not in states:
        raise ValueError(
            f"{file} must hold the FAN's entries as 'state_dict'; it holds "
            f"{', '.join(states)}."
        )
    check_fan(states["state_dict"], str(file))
    assign_entries(fan, fan_entries(), states["state_dict"])


def check_fan(state: Mapping[str, np.ndarray], what: str) -> None:
    """Raises `ValueError` unless a FAN's weights are there; `what` is their name."""
    # The published code too takes what it knows and leaves the rest.
    check_entries(fan_entries(), state, what, unused=state)


def fan_entries(num_landmarks: int = NUM_LANDMARKS) -> Entries:
    """The weights of a `FAN` by the published code's names for them."""
    entries = {}

    def add_norm(place: str, name: str, channels: int) -> None:
        for attribute, entry in (
            ("gamma", "weight"),
            ("beta", "bias"),
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
        ):
            entries[f"{place}.{entry}"] = f"{name}.{attribute}", (channels,)

    def add_conv(place: str, name: str, *shape: int) -> None:
        entries[f"{place}.weight"] = f"{name}.kernel", shape
        entries[f"{place}.bias"] = f"{name}.bias", shape[:1]

    def add_block(place: str, name: str, channels: int, width: int) -> None:
        widths = channels, width // 2, width // 4, width // 4
        for i in (1, 2, 3):
            add_norm(f"{place}.bn{i}", f"{name}.norm{i}", widths[i - 1])
            shape = widths[i], widths[i - 1], 3, 3
            entries[f"{place}.conv{i}.weight"] = f"{name}.conv{i}.kernel", shape
        if channels != width:
            add_norm(f"{place}.downsample.0", f"{name}.shortcut_norm", channels)
            shape = width, channels, 1, 1
            entries[f"{place}.downsample.2.weight"] = (
                f"{name}.shortcut_conv.kernel",
                shape,
            )

    add_conv("conv1.conv", "in", 64, 6, 7, 7)
    add_norm("bn1", "in_norm", 64)
    for i, widths in enumerate(((64, 128), (128, 128), (128, 256))):
        add_block(f"conv{i + 2}", f"block{i + 1}", *widths)
    add_conv("m0.coordconv.conv", "hourglass_in", 256, 259, 1, 1)
    name = "hourglass"
    for level in (4, 3, 2, 1):
        for place, part in (("b1", "branch"), ("b2", "before"), ("b3", "after")):
            add_block(f"m0.{place}_{level}", f"{name}.{part}", 256, 256)
        name += ".inner"
    add_block("m0.b2_plus_1", name, 256, 256)
    add_block("top_m_0", "block4", 256, 256)
    add_conv("conv_last0", "last", 256, 256, 1, 1)
    add_norm("bn_end0", "last_norm", 256)
    add_conv("l0", "heatmaps", num_landmarks + 1, 256, 1, 1)
    return entries

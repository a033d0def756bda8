"""PyTorch's files of weights, and the weights of Keras' layers as their entries.

A map of names says which layer of a network has which name in PyTorch:
`{"main.0": generator.get_layer("in"), ...}`. The names of the entries
(`main.0.weight`, `main.0.bias`), their shapes and their layout follow from the layers.
A value of the map is

- a layer with weights of its own (a convolution of any kind, a dense layer, a
  normalization), or a layer without weights, which has no entries;
- `(layer, i)`: the i-th of several layers that are stacked in one Keras layer along
  the first axis of its weights;
- an array, by the full name of an entry that the Keras network does not use: the entry
  may be in a file that is read, and is written as this array;
- None, by the full name of such an entry that is not written either.
"""

import os
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_stargan.files.whole import whole_file

Names = Mapping[str, Any]
State = dict[str, np.ndarray]

# By a layer's attribute, what PyTorch calls such a weight. A layer that is no layer of
# PyTorch says itself what the published program calls its weights: `pytorch_entries`.
_ENTRIES = {
    "kernel": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# An error lists no more entries than this.
_MOST_FAULTS = 5


# Files.


class Checkpoint(NamedTuple):
    """A file of weights that was read.

    Args:
        path: the file, for messages.
        networks: the state dict of each network by the network's name; by the name ""
            if the whole file is one state dict.
    """

    path: str
    networks: dict[str, State]

    def shape(
        self, entry: str, needed: Sequence[int | str], what: str, network: str = ""
    ) -> tuple[int, ...]:
        """The shape of an entry from which the size of a network is read.

        Args:
            entry: the entry's name.
            needed: for each axis its size, or a word for what its size says.
            what: what the file should be a checkpoint of, for messages.
            network: the network's name in the file.

        Raises:
            ValueError: if the entry is missing or of another shape.
        """
        state = self.networks.get(network, {})
        shape = state[entry].shape if entry in state else None
        if (
            shape is None
            or len(shape) != len(needed)
            or any(
                isinstance(size, int) and size != found
                for size, found in zip(needed, shape, strict=True)
            )
        ):
            raise ValueError(
                f"{self.path} is not a checkpoint of {what}: the entry {entry!r} must "
                f"have the shape ({', '.join(map(str, needed))}) but "
                f"{'is missing' if shape is None else f'has {shape}'}."
            )
        return shape

    def count(self, pattern: str, network: str = "") -> int:
        """How many different beginnings of a network's entries match a pattern."""
        matches = (re.match(pattern, name) for name in self.networks.get(network, {}))
        return len({match[0] for match in matches if match})


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Reads the weights of one or several networks from a file that PyTorch wrote.

    Only tensors are loaded (`weights_only`), so that a file cannot run programs.

    Args:
        path: a file that `torch.save` wrote, in the present (zip) format or in that of
            PyTorch before 1.6. It holds a state dict, or a dictionary of state dicts
            by the networks' names; what else such a dictionary holds (numbers, the
            state of optimizers) is left out.

    Returns:
        The entries by name, in PyTorch's layout; those of any floating-point type as
        float32. The `module.` that `torch.nn.DataParallel` puts before all names is
        left out.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if it is of another kind, is damaged, or holds anything but
            tensors.
    """
    content = _load(path)
    states = {
        name: x
        for name, x in content.items()
        if isinstance(x, Mapping) and not _is_of_optimizer(x)
    }
    if not states:
        return Checkpoint(str(path), {"": _arrays(content, path)})
    return Checkpoint(
        str(path), {name: _arrays(x, f"{path}, {name}") for name, x in states.items()}
    )


def read_state_dict(path: str | os.PathLike) -> State:
    """Reads one network's weights; as `read_checkpoint`.

    Args:
        path: a file that `torch.save(network.state_dict(), path)` wrote.
    """
    return _arrays(_load(path), path)


def write_checkpoint(
    path: str | os.PathLike, networks: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """Writes networks' weights as `torch.save(network.state_dict(), path)` does.

    Weights of any floating-point type are written as float32. The file is complete or
    not there. An earlier file is replaced. PyTorch 1.6 and newer read it.

    Args:
        path: the file.
        networks: as in `Checkpoint`.

    Raises:
        ImportError: without PyTorch.
    """
    torch = _import_torch()
    content = {
        network: {name: torch.tensor(_as_float32(x)) for name, x in state.items()}
        for network, state in networks.items()
    }
    # Not by its path: PyTorch cannot write to a hidden file without a suffix.
    with whole_file(path) as file:
        torch.save(content.get("", content), file)


def write_state_dict(path: str | os.PathLike, state: Mapping[str, np.ndarray]) -> None:
    """Writes one network's weights; as `write_checkpoint`.

    Args:
        path: the file.
        state: the entries by name, in PyTorch's layout.
    """
    write_checkpoint(path, {"": state})


def _load(path: str | os.PathLike) -> Mapping:
    torch = _import_torch()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # What PyTorch raises depends on where a file stops making sense to it.
    except Exception:
        raise ValueError(
            f"{path} is not a file of tensors only, as torch.save("
            "network.state_dict(), path) writes. It is of another kind, damaged, or "
            "holds other objects, which are not loaded because they could run programs."
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(n, str) for n in state):
        raise ValueError(
            f"{path} must hold tensors by their names, as torch.save("
            f"network.state_dict(), path) writes; it holds a {type(state).__name__}."
        )
    return state


def _is_of_optimizer(state: Mapping) -> bool:
    return set(state) == {"state", "param_groups"}


def _arrays(state: Mapping, what: str | os.PathLike) -> State:
    arrays = {}
    for name, value in state.items():
        try:
            value = value.detach()
            stored = value.untyped_storage().nbytes()
            # A small file could repeat one number to a tensor of any size.
            if value.numel() * value.element_size() > stored:
                raise ValueError(
                    f"{what}: the entry {name!r} has the shape {tuple(value.shape)}, "
                    f"but only {stored} bytes."
                )
            if value.is_floating_point():
                value = value.float()
            arrays[name] = value.numpy()
        except (AttributeError, RuntimeError, TypeError):
            raise ValueError(
                f"{what}: the entry {name!r} must be a plain tensor; it is a "
                f"{type(value).__name__} that NumPy cannot hold."
            ) from None
    if all(name.startswith("module.") for name in arrays):
        arrays = {name.removeprefix("module."): arrays[name] for name in arrays}
    return arrays


def _as_float32(value: np.ndarray) -> np.ndarray:
    # NumPy does not count bfloat16 among the floats.
    return value if value.dtype.kind in "iub" else value.astype("float32")


def _import_torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "PyTorch's files are read and written by PyTorch; "
            "pip install 'keras-stargan[torch]'."
        ) from error
    return torch


# Layers.


def weight_shapes(names: Names) -> dict[str, tuple[int, ...]]:
    """The shape of each entry, in PyTorch's layout, that the layers of a map have."""
    return {entry: weight.shape for entry, weight in _weights(names).items()}


def check_weights(names: Names, state: Mapping[str, np.ndarray], what: str) -> None:
    """Checks that a state dict is whole, so that nothing is ever half loaded.

    Args:
        names: the map of names.
        state: the state dict, as `read_checkpoint` gives it.
        what: the file and the network, for messages.

    Raises:
        ValueError: if an entry is missing or superfluous, has another shape, or is
            not of finite floating-point numbers. The message names it.
    """
    faults, shapes = [], weight_shapes(names)
    for name, shape in shapes.items():
        if name not in state:
            faults.append(f"{name!r} is missing")
        elif state[name].shape != shape:
            faults.append(f"{name!r} has the shape {state[name].shape}, not {shape}")
        elif state[name].dtype != "float32":
            faults.append(f"{name!r} holds {state[name].dtype}, not float32")
        elif not np.isfinite(state[name]).all():
            faults.append(f"{name!r} holds values that are not finite (in float32)")
    known = {*shapes, *_unused(names)}
    faults += [f"{name!r} is superfluous" for name in state if name not in known]
    if faults:
        more = len(faults) - _MOST_FAULTS
        raise ValueError(
            f"{what}: entry {'; '.join(faults[:_MOST_FAULTS])}"
            f"{f'; and {more} more faults' if more > 0 else ''}."
        )


def assign_weights(names: Names, state: Mapping[str, np.ndarray]) -> None:
    """Gives layers the values of a state dict that `check_weights` found right."""
    for entry, weight in _weights(names).items():
        weight.assign(state[entry])


def state_dict(names: Names) -> State:
    """The values of the layers of a map as entries, in PyTorch's layout and order."""
    state = {}
    for name, part in names.items():
        state |= {entry: x.value() for entry, x in _weights({name: part}).items()}
        unused = _unused({name: part})
        state |= {entry: x for entry, x in unused.items() if x is not None}
    return state


class _Weight(NamedTuple):
    """A weight of a layer, or the one at a position among those that are stacked in it.

    Kernels (..., in, out) are (out, in, ...) in PyTorch. Those of transposed
    convolutions are (..., out, in) in Keras and (in, out, ...) in PyTorch, so that
    nothing distinguishes them here.
    """

    variable: keras.Variable
    position: int | None
    is_depthwise: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in PyTorch's layout."""
        shape = tuple(self.variable.shape)[self.position is not None :]
        if len(shape) < 2:
            return shape
        *size, inputs, outputs = shape
        first = (inputs * outputs, 1) if self.is_depthwise else (outputs, inputs)
        return (*first, *size)

    def value(self) -> np.ndarray:
        value = np.array(keras.ops.convert_to_numpy(self.variable))
        if self.position is not None:
            value = value[self.position]
        if value.ndim < 2:
            return value
        # (..., in, out per in) becomes (in, out per in, ...), which are then one axis.
        axes = (-2, -1) if self.is_depthwise else (-1, -2)
        return np.moveaxis(value, axes, (0, 1)).reshape(self.shape)

    def assign(self, value: np.ndarray) -> None:
        if self.is_depthwise and value.ndim > 1:
            *size, inputs, outputs = self.variable.shape
            value = value.reshape(inputs, outputs, *size)
            value = np.moveaxis(value, (0, 1), (-2, -1))
        elif value.ndim > 1:
            value = np.moveaxis(value, (0, 1), (-1, -2))
        if self.position is not None:
            whole = np.array(keras.ops.convert_to_numpy(self.variable))
            whole[self.position] = value
            value = whole
        self.variable.assign(value)


def _weights(names: Names) -> dict[str, _Weight]:
    """The weights of a map by the names of their entries."""
    weights = {}
    for name, part in names.items():
        layer, index = part if isinstance(part, tuple) else (part, None)
        if not isinstance(layer, keras.Layer):
            continue
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        found = {
            f"{name}.{entry}": _Weight(getattr(layer, attribute), index, depthwise)
            for attribute, entry in getattr(layer, "pytorch_entries", _ENTRIES).items()
            if getattr(layer, attribute, None) is not None
        }
        if len(found) != len(layer.weights):
            raise TypeError(
                f"The map of names has the layer {layer.name} ({type(layer).__name__}) "
                f"as {name!r}; it must have the layers that this one is made of, each "
                "by its own name."
            )
        weights |= found
    return weights


def _unused(names: Names) -> dict[str, np.ndarray | None]:
    """The entries that the network does not use: what is written for them, or None."""
    unused = {}
    for name, part in names.items():
        if part is None or isinstance(part, np.ndarray):
            unused[name] = part
        elif getattr(part, "moving_mean", None) is not None:
            # PyTorch counts the batches, and uses the count only on request.
            unused[f"{name}.num_batches_tracked"] = np.array(0)
    return unused

"""PyTorch's files of weights, and Keras' weights as their entries."""

import operator
import os
import pathlib
from collections.abc import Collection, Mapping
from types import ModuleType

import keras
import numpy as np

# By each entry's name: the weight in Keras, as its layer's name in the network and the
# attributes that lead to it ("residual1.conv1.kernel"), or one of several that are
# stacked in a weight ("style.kernel[2]"); the shape in PyTorch's layout.
Entries = Mapping[str, tuple[str, tuple[int, ...]]]

# An error lists no more entries than this.
_MOST_FAULTS = 5


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a network's weights from a file that PyTorch wrote.

    Only tensors are loaded (`weights_only`), so that a file cannot run programs.

    Args:
        path: of a file that `torch.save(network.state_dict(), path)` wrote, in the
            present (zip) format or in that of PyTorch before 1.6.

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
    return _arrays(_load(path), path)


def read_state_dicts(path: str | os.PathLike) -> dict[str, dict[str, np.ndarray]]:
    """Reads the weights of several networks from one file that PyTorch wrote.

    Args:
        path: of a file that holds a dictionary of state dicts by the networks' names.
            What else it holds by other names (numbers, say) is left out.

    Returns:
        For each network, what `read_state_dict` gives.

    Raises:
        As `read_state_dict`, and `ValueError` for a file without any state dict.
    """
    states = {
        name: _arrays(state, f"{path}, {name}")
        for name, state in _load(path).items()
        if isinstance(state, Mapping)
    }
    if not states:
        raise ValueError(
            f"{path} must hold state dicts by the names of their networks; it holds "
            "none."
        )
    return states


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


def _arrays(state: Mapping, what: str | os.PathLike) -> dict[str, np.ndarray]:
    arrays = {}
    for name, value in state.items():
        try:
            value = value.detach()
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


def write_state_dicts(
    path: str | os.PathLike, states: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """Writes several networks' weights into one file; as `write_state_dict`.

    Args:
        path: where to.
        states: each network's entries by its name.
    """
    _save(path, {name: _tensors(state) for name, state in states.items()})


def write_state_dict(path: str | os.PathLike, state: Mapping[str, np.ndarray]) -> None:
    """Writes a network's weights as `torch.save(network.state_dict(), path)` does.

    The file is written beside its place and renamed: it is complete or not there. An
    earlier file is replaced. PyTorch 1.6 and newer read it.

    Args:
        path: where to.
        state: the entries by name, in PyTorch's layout.

    Raises:
        ImportError: without PyTorch.
    """
    _save(path, _tensors(state))


def _tensors(state: Mapping[str, np.ndarray]) -> dict:
    torch = _import_torch()
    return {name: torch.tensor(value) for name, value in state.items()}


def _save(path: str | os.PathLike, content: dict) -> None:
    torch = _import_torch()
    path = pathlib.Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        torch.save(content, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_entries(
    entries: Entries,
    state: Mapping[str, np.ndarray],
    what: str,
    unused: Collection[str] = (),
) -> None:
    """Checks that a state dict is whole, so that nothing is ever half loaded.

    Args:
        entries: that the network has.
        state: as `read_state_dict` gives it.
        what: the file and the network, for messages.
        unused: names of entries that may be there besides and are not looked at.

    Raises:
        ValueError: if an entry is missing or superfluous, has another shape, or is
            not of finite floating-point numbers. The message names it.
    """
    faults = []
    for name, (_, shape) in entries.items():
        if name not in state:
            faults.append(f"{name!r} is missing")
        elif state[name].shape != shape:
            faults.append(f"{name!r} has the shape {state[name].shape}, not {shape}")
        elif state[name].dtype != "float32":
            faults.append(f"{name!r} holds {state[name].dtype}, not float32")
        elif not np.isfinite(state[name]).all():
            faults.append(f"{name!r} holds values that are not finite (in float32)")
    known = {*entries, *unused}
    faults += [f"{name!r} is superfluous" for name in state if name not in known]
    if faults:
        more = len(faults) - _MOST_FAULTS
        raise ValueError(
            f"{what}: entry {'; '.join(faults[:_MOST_FAULTS])}"
            f"{f'; and {more} more faults' if more > 0 else ''}."
        )


def assign_entries(
    network: keras.Model, entries: Entries, state: Mapping[str, np.ndarray]
) -> None:
    """Gives a network's weights the values of a state dict that has been checked."""
    for name, (place, _) in entries.items():
        weight, index = _weight(network, place)
        # The same for convolutions and transposed ones, see `network_entries`.
        value = _transposed(state[name], (2, 3, 1, 0))
        if index is not None:
            whole = np.array(keras.ops.convert_to_numpy(weight))
            whole[index] = value
            value = whole
        weight.assign(value)


def network_entries(network: keras.Model, entries: Entries) -> dict[str, np.ndarray]:
    """A network's weights as the entries of a state dict, float32.

    Kernels (h, w, in, out) become (out, in, h, w), those of transposed convolutions,
    (h, w, out, in), become (in, out, h, w), and those of dense layers, (in, out),
    become (out, in).
    """
    state = {}
    for name, (place, _) in entries.items():
        weight, index = _weight(network, place)
        value = np.array(keras.ops.convert_to_numpy(weight))
        if index is not None:
            value = value[index]
        state[name] = _transposed(value, (3, 2, 0, 1))
    return state


def _weight(network: keras.Model, place: str) -> tuple[keras.Variable, int | None]:
    """The weight that an entry names, and which of those stacked in it is meant."""
    layer, rest = place.split(".", 1)
    attributes, _, index = rest.rstrip("]").partition("[")
    weight = operator.attrgetter(attributes)(network.get_layer(layer))
    return weight, int(index) if index else None


def _transposed(value: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """A kernel in the other layout; convolutions' by these axes."""
    if value.ndim == 2:
        return value.T
    return value.transpose(axes) if value.ndim == 4 else value


def _import_torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "PyTorch's files are read and written by PyTorch; "
            "pip install 'keras-stargan[torch]'."
        ) from error
    return torch

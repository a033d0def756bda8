"""Valid inputs of a model's endpoints, made from pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from keras_stargan.export.formats import Arrays
from keras_stargan.images import from_uint8
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.endpoints import Endpoint


def random_pictures(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Noise, `(count, size, size, 3)`, float32 in [-1, 1]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, size, size, 3)).astype("float32")


def check_pictures(pictures: Any) -> np.ndarray:
    """Pictures as float32 in [-1, 1].

    Args:
        pictures: `(n, height, width, 3)`, uint8, or floats in [-1, 1].

    Raises:
        ValueError: for another shape or other values.
    """
    pictures = np.asarray(pictures)
    shape = pictures.shape
    if pictures.ndim != 4 or shape[3] != 3 or 0 in shape:
        raise ValueError(
            "representative must have the shape (n, height, width, 3); received "
            f"{shape}."
        )
    if pictures.dtype == np.uint8:
        return from_uint8(pictures)
    low, high = float(pictures.min()), float(pictures.max())
    if not (low >= -1 and high <= 1):
        raise ValueError(
            "representative must be uint8, or floats from -1 to 1; received values "
            f"from {low:.4g} to {high:.4g}."
        )
    return pictures.astype("float32")


def inputs_of(
    model: TranslationModel,
    endpoints: dict[str, Endpoint],
    pictures: np.ndarray,
    free_size: tuple[int, int] | None = None,
    seed: int = 0,
) -> dict[str, Arrays]:
    """Valid inputs of each endpoint, a row for each picture.

    Each row has a picture, a label or domain in turn, a random latent code, and as
    reference another picture. Styles are those of the latent codes or references.

    Args:
        model: a trained model.
        endpoints: some of its endpoints.
        pictures: `(n, height, width, 3)` in [-1, 1]; they are resized if needed.
        free_size: height and width of images where an endpoint takes any.
        seed: of latent codes and labels.
    """
    rng, count = np.random.default_rng(seed), len(pictures)
    space = model.labels
    own = _own_labels(model, count, rng)
    each = model.each_target()
    targets = np.concatenate(
        [
            each[row % len(each)].resolve(own[row : row + 1, : space.num_labels])
            for row in range(count)
        ]
    )
    numbers = [space.names.index(name) for name in model.reachable]
    drawn = {
        "labels": targets,
        "own": own,
        "latents": rng.standard_normal((count, model.latent_dim)),
        "domains": np.resize(numbers, count),
        "references": np.roll(pictures, 1, axis=0),
        "images": pictures,
    }

    def given(name, tensor):
        if name == "styles":
            every = model.endpoints()
            maker = next(each for each in every if each.startswith("style_from"))
            made = inputs_of(model, {maker: every[maker]}, pictures, seed=seed)
            return run_keras(every[maker], made[maker])["styles"]
        if len(tensor.shape) == 4:
            sides = zip(tensor.shape[1:3], free_size or (None, None), strict=True)
            return _resized(drawn[name], tuple(side or free for side, free in sides))
        return drawn[name]

    return {
        name: {
            each: np.asarray(given(each, tensor), tensor.dtype)
            for each, tensor in endpoint.inputs.items()
        }
        for name, endpoint in endpoints.items()
    }


def _own_labels(
    model: TranslationModel, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Random labels that images may have, `(count, labels.size)`."""
    space, rows = model.labels, []
    for row in range(count):
        place = row % len(space.sets)
        label_set = space.sets[place]
        chosen = np.zeros(len(label_set))
        if label_set.kind == "categorical":
            # Another than the target, which goes through the labels in turn.
            chosen[(row + 1) % len(label_set)] = 1
        else:
            for name in rng.permutation(label_set.names):
                group = [label_set.index(n) for n in label_set.group(name)]
                free = not chosen[group].any()
                chosen[label_set.index(name)] = free and rng.integers(2)
        rows.append(space.unify(chosen[None], place))
    return np.concatenate(rows)


def _resized(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pictures of a height and width, in [-1, 1]."""
    if pictures.shape[1:3] == size:
        return pictures
    resized = ops.image.resize(
        pictures, size, antialias=True, data_format="channels_last"
    )
    return np.clip(ops.convert_to_numpy(resized), -1.0, 1.0)


def run_keras(endpoint: Endpoint, arrays: Arrays, batch_size: int = 16) -> Arrays:
    """What the model itself gives, as arrays.

    Args:
        endpoint: of the model.
        arrays: its inputs.
        batch_size: rows that are computed at once.
    """
    count = len(next(iter(arrays.values())))
    parts = [
        endpoint.function(
            **{
                name: ops.convert_to_tensor(values[start : start + batch_size])
                for name, values in arrays.items()
            }
        )
        for start in range(0, count, batch_size)
    ]
    return {
        name: np.concatenate([ops.convert_to_numpy(part[name]) for part in parts])
        for name in parts[0]
    }

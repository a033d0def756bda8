"""Checks of what a model is given."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_stargan.labels import LabelSet, LabelSpace


def two_domains(labels: LabelSet | LabelSpace | None) -> LabelSpace:
    """The labels of a method that translates between two domains.

    Args:
        labels: the two domains; None for the names "A" and "B".

    Raises:
        ValueError: unless the labels are categorical and have two names.
    """
    space = LabelSpace.of(LabelSet(("A", "B")) if labels is None else labels)
    kinds = [label_set.kind for label_set in space.sets]
    if kinds != ["categorical"] or len(space.names) != 2:
        raise ValueError(
            "This method translates between two domains: it needs a categorical label "
            f"set of two names; received {', '.join(space.names)}, of the kind "
            f"{' and '.join(kinds)}."
        )
    return space


def one_data_set(labels: LabelSet | LabelSpace) -> LabelSpace:
    """The labels of a method that is trained on one data set, any labels.

    Args:
        labels: binary, or two or more categorical ones.

    Raises:
        ValueError: for the labels of several data sets, or for a single one that all
            images have.
    """
    space = LabelSpace.of(labels)
    kinds = [label_set.kind for label_set in space.sets]
    if kinds != ["binary"] and (kinds != ["categorical"] or len(space.names) < 2):
        raise ValueError(
            "This method needs the labels of one data set: binary ones, or two or more "
            f"categorical ones; received {', '.join(space.names)}, of the kind "
            f"{' and '.join(kinds)}."
        )
    return space


def check_content_model(settings: Mapping[str, Any], least_size: int) -> None:
    """Checks the settings that methods with content encoders share.

    Args:
        settings: among them `image_size`, `num_residual_blocks`, those of the
            discriminators of several scales, `halve_every`, `adversarial`, `vgg` and
            `lambda_vgg`.
        least_size: the smallest images that the encoders take, in pixels.

    Raises:
        ValueError: for sizes that the networks cannot have, or settings that do not go
            together.
    """
    size, layers = settings["image_size"], settings["num_discriminator_layers"]
    least = max(least_size, 2 ** (layers + settings["num_scales"] - 1))
    if size % 4 or size < least:
        raise ValueError(
            f"With num_discriminator_layers={layers} and num_scales="
            f"{settings['num_scales']}, image_size must be a multiple of 4 and at "
            f"least {least}; received {size}."
        )
    counts = ("num_residual_blocks", "num_discriminator_layers", "num_scales")
    for name in (*counts, "halve_every"):
        if settings[name] < 1:
            raise ValueError(f"{name} must be at least 1; received {settings[name]}.")
    if settings["adversarial"] not in (known := ("lsgan", "vanilla")):
        raise ValueError(
            f"adversarial must be one of {', '.join(known)}; received "
            f"{settings['adversarial']!r}."
        )
    if settings["vgg"] is not None and not settings["lambda_vgg"]:
        raise ValueError(
            "VGG-16 serves the perceptual term only; received vgg with lambda_vgg=0."
        )


def check_images(
    images: np.ndarray, size: int, what: str = "images", multiple: int | None = None
) -> None:
    """Raises `ValueError` unless images are what a model of a size takes.

    Args:
        images: that are to have shape `(n, size, size, 3)`, n > 0, and values from
            -1 to 1.
        size: height and width of the model's images in pixels.
        what: their name in the message.
        multiple: if given, height and width may also be any multiples of it.
    """
    needed = (
        f"This model needs {what} of shape (n, {size}, {size}, 3) with values from "
        f"-1 to 1{_or_multiples(multiple)}"
    )
    shape = tuple(images.shape)
    fits = shape[1:] == (size, size, 3) or (
        multiple is not None
        and len(shape) == 4
        and shape[3] == 3
        and all(side > 0 and side % multiple == 0 for side in shape[1:3])
    )
    if not fits:
        raise ValueError(f"{needed}; received {what} of shape {shape}.")
    if shape[0] == 0:
        raise ValueError(f"{needed}; received no image at all.")
    low, high = float(np.min(images)), float(np.max(images))
    # Written so that NaN is refused too.
    if not (low >= -1.001 and high <= 1.001):
        raise ValueError(
            f"{needed}; received values from {low:.4g} to {high:.4g}. Pixels from 0 to "
            "255 become so by `images / 127.5 - 1`."
        )


def check_all_images(
    batch: Mapping[str, Any], names: Sequence[str], image_size: int
) -> None:
    """Raises `ValueError` unless a batch has some kinds of images, and nothing else.

    Warns where the images seem to be from 0 to 1.

    Args:
        batch: named arrays.
        names: of the images that it must have, equally many of each.
        image_size: their height and width in pixels.
    """
    if set(batch) != set(names):
        raise ValueError(
            f"Batches must be dictionaries of {' and '.join(names)}; received "
            f"{' and '.join(batch)}."
        )
    arrays = {name: np.asarray(batch[name]) for name in names}
    for name, images in arrays.items():
        check_images(images, image_size, name)
    counts = [len(images) for images in arrays.values()]
    if len(set(counts)) > 1:
        raise ValueError(
            f"Batches must have as many images of each of {', '.join(names)}; "
            f"received {', '.join(map(str, counts))}."
        )
    warn_if_unsigned(np.concatenate(list(arrays.values())))


def check_any_size(
    size: Sequence[int | None], image_size: int, multiple: int | None
) -> None:
    """Raises `ValueError` unless a model can translate images of a size.

    Args:
        size: their height and width in pixels; None for any.
        image_size: height and width of the training images.
        multiple: of what height and width may be multiples; None if the model
            translates squares of `image_size` only.
    """
    if multiple is None or any(s is not None and (s < 1 or s % multiple) for s in size):
        raise ValueError(
            f"This model translates images of {image_size} x {image_size} px"
            f"{_or_multiples(multiple)}; received the size {tuple(size)}."
        )


def _or_multiples(multiple: int | None) -> str:
    if multiple is None:
        return ""
    return f", or of any height and width that are multiples of {multiple}"


def warn_if_unsigned(images: np.ndarray) -> None:
    """Warns of training images that seem to run from 0 to 1."""
    low = float(np.min(images))
    if low >= 0:
        warnings.warn(
            f"No pixel of the first batch is below 0 (the least is {low:.3g}); "
            "images must run from -1 to 1, not from 0 to 1.",
            stacklevel=4,
        )

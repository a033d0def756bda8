"""StarGAN as it was published (`yunjey/stargan`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.stargan.stargan import StarGAN

# The settings.

# The paper's (section 5.1 and appendix), for real data.
PUBLISHED = {
    "image_size": 128,
    "conv_dim": 64,
    "num_residual_blocks": 6,
    "num_discriminator_layers": 6,
    "batch_size": 16,
    "epochs": 200,
    "learning_rate": 1e-4,
    "n_critic": 5,
    "lambda_rec": 10.0,
}
# What two cores can train in a few minutes, for drawn faces.
SMALL = {
    "data": ["avatars:expressions"],
    "image_size": 48,
    "conv_dim": 24,
    "num_residual_blocks": 3,
    "num_discriminator_layers": 4,
    "batch_size": 8,
    "learning_rate": 4e-4,
    "n_critic": 3,
    "lambda_rec": 10.0,
    "steps_each": 4000,
    "steps_per_epoch": 500,
    "max_evaluated": 240,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {
    "image_size": 16,
    "num_labels": 3,
    "conv_dim": 4,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "n_critic": 2,
}


def suited(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that follow from others, unless a person gives them.

    The discriminator halves its images until 2 px are left, 6 times at most.

    Args:
        settings: all settings, by name.
    """
    size = max(1, settings["image_size"])
    halvings = (size & -size).bit_length() - 1  # while the size is even
    if size == 2**halvings:
        halvings -= 1
    layers = min(settings["num_discriminator_layers"], max(1, halvings))
    return {"num_discriminator_layers": layers}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    for name in (
        "conv_dim",
        "num_residual_blocks",
        "num_discriminator_layers",
        "n_critic",
    ):
        if settings[name] < 1:
            raise ValueError(f"{name} must be at least 1; received {settings[name]}.")
    halvings, size = settings["num_discriminator_layers"], settings["image_size"]
    if size < 1 or size % max(4, 2**halvings):
        raise ValueError(
            f"The generator halves its images 2 times and the discriminator {halvings} "
            f"times, so image_size must be a multiple of {max(4, 2**halvings)}; "
            f"received {size}."
        )


# The figures.

FIGURES = {
    # Table 3, RaFD at 128 px: error in percent, and parameters.
    "classification error": {
        "DIAT": ("4.10", "52.6M x 7"),
        "CycleGAN": ("5.99", "52.6M x 14"),
        "IcGAN": ("8.07", "67.8M x 1"),
        "StarGAN": ("2.12", "53.2M x 1"),
        "real images": ("0.45", ""),
    },
    # Tables 1 and 2, CelebA at 128 px: how many percent of people preferred each
    # method. H is hair color, G gender, A age.
    "preference, one attribute": {
        "DIAT": {"H": 9.3, "G": 31.4, "A": 6.9},
        "CycleGAN": {"H": 20.0, "G": 16.6, "A": 13.3},
        "IcGAN": {"H": 4.5, "G": 12.9, "A": 9.2},
        "StarGAN": {"H": 66.2, "G": 39.1, "A": 70.6},
    },
    "preference, several attributes": {
        "DIAT": {"H+G": 20.4, "H+A": 15.6, "G+A": 18.7, "H+G+A": 15.6},
        "CycleGAN": {"H+G": 14.0, "H+A": 12.0, "G+A": 11.2, "H+G+A": 11.9},
        "IcGAN": {"H+G": 18.2, "H+A": 10.9, "G+A": 20.3, "H+G+A": 20.3},
        "StarGAN": {"H+G": 47.4, "H+A": 61.5, "G+A": 49.8, "H+G+A": 52.2},
    },
}


# The weights: the published files, and the names of the layers in them.

FILES = ("200000-G.ckpt", "200000-D.ckpt")


def weight_files(model: StarGAN) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model.

    The published generator also keeps running means and variances, which its training
    and sampling do not use, as it never calls `eval()`. They are written as 0 and 1, as
    in a new network. A generator in `eval()` would normalize by them and give something
    else, as it would with the published weights.
    """
    layers = {}
    for i, layer in enumerate(model.generator.chain):
        if hasattr(layer, "conv1"):  # A residual block.
            parts = {0: layer.conv1, 1: layer.norm1, 3: layer.conv2, 4: layer.norm2}
            layers |= {f"main.{i}.main.{j}": part for j, part in parts.items()}
        else:
            layers[f"main.{i}"] = layer
    generator: dict[str, Any] = {}
    for name, layer in layers.items():
        generator[name] = layer
        if getattr(layer, "gamma", None) is not None:
            channels = layer.gamma.shape
            generator |= {
                f"{name}.running_mean": np.zeros(channels, "float32"),
                f"{name}.running_var": np.ones(channels, "float32"),
                f"{name}.num_batches_tracked": np.array(0),
            }
    network = model.discriminator
    discriminator = {f"main.{i}": layer for i, layer in enumerate(network.chain)}
    discriminator |= {"conv1": network.source, "conv2": network.classifier}
    return {"": generator}, {"": discriminator}


def recognizes(file: Checkpoint) -> bool:
    """Whether a file's names are those of a generator or discriminator of StarGAN."""
    return any(name.startswith("main.") for name in file.networks.get("", {}))


def settings(
    files: Sequence[Checkpoint],
    labels: LabelSet | LabelSpace | None,
    image_size: int | None,
) -> dict[str, Any]:
    """Reads the arguments of a `StarGAN` off its weights.

    Args:
        files: the generator's file, and the discriminator's if there is one.
        labels: what the labels mean, in their order in training. Defaults to the
            published labels of their number: 5, CelebA's black, blond and brown hair,
            male and young; 8, RaFD's expressions; 15, both with the mask.
        image_size: height and width in pixels. Defaults to the discriminator's, or
            without a discriminator to 128: the generator's weights fit any multiple
            of 4.

    Raises:
        ValueError: if a size cannot be read, if the two files, the labels and the
            image size do not fit each other, or if the number of labels is another one
            and no labels are given.
    """
    generator = files[0]
    conv_dim, channels, _, _ = generator.shape(
        "main.0.weight", ("conv_dim", "3 + labels", 7, 7), "a StarGAN generator"
    )
    space = _labels(channels - 3, labels, generator.path)
    found = {
        "labels": space,
        "conv_dim": conv_dim,
        "num_residual_blocks": generator.count(r"main\.\d+\.main\."),
    }
    if len(files) == 1:
        image_size = 128 if image_size is None else image_size
        # The published 6 layers, or as many as such a size can be halved evenly.
        num_layers = min(6, (image_size & -image_size).bit_length() - 1)
    else:
        discriminator, what = files[1], "a StarGAN discriminator"
        own_dim, *_ = discriminator.shape("main.0.weight", ("conv_dim", 3, 4, 4), what)
        num_labels, _, patches, _ = discriminator.shape(
            "conv2.weight", ("labels", "channels", "size", "size"), what
        )
        num_layers = discriminator.count(r"main\.\d+\.")
        own_size = patches * 2**num_layers
        image_size = own_size if image_size is None else image_size
        for name, there, here in (
            ("image_size", own_size, image_size),
            ("conv_dim", own_dim, conv_dim),
            ("number of labels", num_labels, space.num_labels),
        ):
            if there != here:
                raise ValueError(
                    f"The {name} of {discriminator.path} is {there}, but {here} is "
                    f"needed to go with {generator.path}, labels and image_size; see "
                    "'main.0.weight' and 'conv2.weight'. (The generator can be read "
                    "without a discriminator.)"
                )
    return found | {"image_size": image_size, "num_discriminator_layers": num_layers}


def finish(model: StarGAN, files: Sequence[Checkpoint]) -> None:
    """Marks a discriminator that was not read: it has not learned to classify."""
    if len(files) == 1:
        kernel = model.discriminator.classifier.kernel
        kernel.assign(np.zeros(kernel.shape))


def _labels(size: int, labels: LabelSet | LabelSpace | None, path: str) -> LabelSpace:
    from keras_stargan.labels import LabelSpace
    from keras_stargan.labels.published import (
        ATTRIBUTES,
        EXPRESSIONS,
        attribute_labels,
    )

    if labels is None:
        attributes = attribute_labels(ATTRIBUTES)
        for sets in (attributes,), (EXPRESSIONS,), (attributes, EXPRESSIONS):
            if LabelSpace(sets).size == size:
                return LabelSpace(sets)
        raise ValueError(
            f"The labels of {path} must be given: it takes {size}, and only the "
            "published ones are known: 5 (CelebA), 8 (RaFD) and 15 (both)."
        )
    space = LabelSpace.of(labels)
    if space.size != size:
        raise ValueError(
            f"{path} takes labels of {size} entries; the labels given have "
            f"{space.size}: {', '.join(space.names)}"
            f"{' and the mask' if len(space.sets) > 1 else ''}."
        )
    return space

"""StarGAN's weights in the format of the published code (`yunjey/stargan`)."""

import os
import re
from collections.abc import Mapping

import numpy as np

from keras_stargan.files.pytorch import (
    Entries,
    assign_entries,
    check_entries,
    network_entries,
    read_state_dict,
    write_state_dict,
)
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.labels.published import ATTRIBUTES, EXPRESSIONS, attribute_labels
from keras_stargan.methods.stargan.stargan import StarGAN

# The labels that the published code trains on unless told otherwise.
PUBLISHED_LABELS = (
    LabelSpace.of(attribute_labels(ATTRIBUTES)),
    LabelSpace.of(EXPRESSIONS),
    LabelSpace((attribute_labels(ATTRIBUTES), EXPRESSIONS)),
)


def load_pytorch(
    generator_file: str | os.PathLike,
    discriminator_file: str | os.PathLike | None = None,
    labels: LabelSet | LabelSpace | None = None,
    image_size: int | None = None,
) -> StarGAN:
    """Makes a model of the published code's checkpoints.

    The networks' sizes are read off the weights. The published code learnt with
    images from -1 to 1, as this package does.

    Args:
        generator_file: `200000-G.ckpt`, in PyTorch's old or new format.
        discriminator_file: `200000-D.ckpt`, of the same training. Without, the
            discriminator is a fresh one: `translate` is not affected, but
            `classify` refuses, and training on starts with it.
        labels: what the labels mean, in their order in training. Defaults to the
            published code's for their number: 5, CelebA's black, blond and brown
            hair, male and young; 8, RaFD's expressions; 15, both with the mask.
        image_size: height and width in pixels. Defaults to the one the
            discriminator was trained on, or without it 128. The generator's weights
            fit any multiple of 4.

    Returns:
        The model, not compiled.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if a file is not such a checkpoint (an entry is missing,
            superfluous, or of another shape: the message names it), if the two
            files or the labels do not fit each other, or if the number of labels is
            another one and none are given.

    Example:
        ```python
        model = load_pytorch("200000-G.ckpt", "200000-D.ckpt")
        model.labels.names  # ('Black_Hair', 'Blond_Hair', 'Brown_Hair', ...)
        ```
    """
    generator = read_state_dict(generator_file)
    settings = _generator_settings(generator, generator_file)
    conv_dim, size, num_residual_blocks = settings
    space = _labels(size, labels, generator_file)
    if discriminator_file is None:
        image_size = 128 if image_size is None else image_size
        # The published 6 layers, or as many as such a size can be halved evenly.
        num_layers = min(6, (image_size & -image_size).bit_length() - 1)
    else:
        discriminator = read_state_dict(discriminator_file)
        found = _discriminator_settings(discriminator, discriminator_file)
        *own, num_layers = found
        image_size = found[0] if image_size is None else image_size
        needed = [image_size, conv_dim, space.num_labels]
        for name, there, here in zip(
            ("image_size", "conv_dim", "number of labels"), own, needed, strict=True
        ):
            if there != here:
                raise ValueError(
                    f"The {name} of {discriminator_file} is {there}, but {here} is "
                    f"needed to go with {generator_file}, labels and image_size. (The "
                    "generator can be read without a discriminator.)"
                )
    model = StarGAN(
        image_size,
        labels=space,
        conv_dim=conv_dim,
        num_residual_blocks=num_residual_blocks,
        num_discriminator_layers=num_layers,
    )
    assign_entries(model.generator, generator_entries(*settings), generator)
    if discriminator_file is None:
        # A mark that stays when the model is saved: it has not learnt to classify.
        kernel = model.discriminator.classifier.kernel
        kernel.assign(np.zeros(kernel.shape))
    else:
        assign_entries(
            model.discriminator, discriminator_entries(*found), discriminator
        )
    return model


def save_pytorch(
    model: StarGAN,
    generator_file: str | os.PathLike,
    discriminator_file: str | os.PathLike | None = None,
) -> None:
    """Writes a model's weights as the published code saves them.

    Its `load_state_dict` takes them (strictly), for networks made with the model's
    `conv_dim`, numbers of labels, residual blocks and layers, and image size.

    The published generator also keeps running means and variances, which its
    training and sampling do not use, as it never calls `eval()`. They are written as
    0 and 1, as in a new network. A generator in `eval()` would normalise by them
    and give something else, as it would with the published weights.

    Args:
        model: whose weights.
        generator_file: where to, e.g. `200000-G.ckpt`; replaced if it exists.
        discriminator_file: the same for the discriminator; without, only the
            generator is written.

    Raises:
        ImportError: without PyTorch.
    """
    entries = generator_entries(
        model.conv_dim, model.labels.size, model.num_residual_blocks
    )
    state = {}
    for name, value in network_entries(model.generator, entries).items():
        state[name] = value
        state |= _running_statistics(name, value.shape)
    write_state_dict(generator_file, state)
    if discriminator_file is not None:
        entries = discriminator_entries(
            model.image_size,
            model.conv_dim,
            model.labels.num_labels,
            model.num_discriminator_layers,
        )
        write_state_dict(
            discriminator_file, network_entries(model.discriminator, entries)
        )


def generator_entries(
    conv_dim: int, num_labels: int, num_residual_blocks: int
) -> Entries:
    """The weights of a `Generator` by the published code's names for them."""
    entries = {}

    def add(place: str, name: str, *kernel: int) -> None:
        entries[f"{place}.weight"] = f"{name}.kernel", kernel

    def add_norm(place: str, name: str, channels: int) -> None:
        entries[f"{place}.weight"] = f"{name}.gamma", (channels,)
        entries[f"{place}.bias"] = f"{name}.beta", (channels,)

    width = conv_dim
    add("main.0", "in", width, 3 + num_labels, 7, 7)
    add_norm("main.1", "in_norm", width)
    for i in (1, 2):
        add(f"main.{3 * i}", f"down{i}", 2 * width, width, 4, 4)
        width *= 2
        add_norm(f"main.{3 * i + 1}", f"down{i}_norm", width)
    for i in range(num_residual_blocks):
        for place, part in ((0, 1), (3, 2)):
            block, name = f"main.{9 + i}.main", f"residual{i + 1}"
            add(f"{block}.{place}", f"{name}.conv{part}", width, width, 3, 3)
            add_norm(f"{block}.{place + 1}", f"{name}.norm{part}", width)
    for i in (1, 2):
        place = 6 + num_residual_blocks + 3 * i
        # A transposed convolution's kernel is (in, out, h, w).
        add(f"main.{place}", f"up{i}", width, width // 2, 4, 4)
        width //= 2
        add_norm(f"main.{place + 1}", f"up{i}_norm", width)
    add(f"main.{15 + num_residual_blocks}", "out", 3, width, 7, 7)
    return entries


def discriminator_entries(
    image_size: int, conv_dim: int, num_labels: int, num_layers: int
) -> Entries:
    """The weights of a `Discriminator` by the published code's names for them."""
    entries, channels = {}, 3
    for i in range(num_layers):
        width, place, name = conv_dim * 2**i, f"main.{2 * i}", f"down{i + 1}"
        entries[f"{place}.weight"] = f"{name}.kernel", (width, channels, 4, 4)
        entries[f"{place}.bias"] = f"{name}.bias", (width,)
        channels = width
    patches = image_size // 2**num_layers
    entries["conv1.weight"] = "source.kernel", (1, channels, 3, 3)
    entries["conv2.weight"] = (
        "classifier.kernel",
        (num_labels, channels, patches, patches),
    )
    return entries


def _running_statistics(name: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What the published generator has after such an entry, as in a new network."""
    if not name.endswith(".bias"):  # Its normalisations alone have biases.
        return {}
    norm = name.removesuffix("bias")
    return {
        f"{norm}running_mean": np.zeros(shape, "float32"),
        f"{norm}running_var": np.ones(shape, "float32"),
        f"{norm}num_batches_tracked": np.array(0),
    }


def _generator_settings(
    state: Mapping[str, np.ndarray], path: str | os.PathLike
) -> tuple[int, int, int]:
    """The arguments of `generator_entries` for a state dict, which is checked."""
    conv_dim, channels, _, _ = _kernel_shape(
        state, "main.0.weight", ("conv_dim", "3 + labels", 7, 7), path, "generator"
    )
    num_labels = channels - 3
    num_residual_blocks = _count(r"main\.(\d+)\.main\.", state)
    entries = generator_entries(conv_dim, num_labels, num_residual_blocks)
    check_entries(
        entries,
        state,
        f"{path} does not hold a StarGAN generator with conv_dim {conv_dim} and "
        f"{num_labels} label entries, as its 'main.0.weight' has it, and "
        f"{num_residual_blocks} residual blocks",
        [
            statistic
            for name, (_, shape) in entries.items()
            for statistic in _running_statistics(name, shape)
        ],
    )
    return conv_dim, num_labels, num_residual_blocks


def _discriminator_settings(
    state: Mapping[str, np.ndarray], path: str | os.PathLike
) -> tuple[int, int, int, int]:
    """The arguments of `discriminator_entries` for a state dict, which is checked."""
    conv_dim, _, _, _ = _kernel_shape(
        state, "main.0.weight", ("conv_dim", 3, 4, 4), path, "discriminator"
    )
    num_labels, _, patches, _ = _kernel_shape(
        state,
        "conv2.weight",
        ("labels", "channels", "size", "size"),
        path,
        "discriminator",
    )
    # Whatever they say, nothing is made of it before it fits every entry.
    num_layers = _count(r"main\.(\d+)\.", state)
    image_size = patches * 2**num_layers
    check_entries(
        discriminator_entries(image_size, conv_dim, num_labels, num_layers),
        state,
        f"{path} does not hold a StarGAN discriminator with conv_dim {conv_dim}, as "
        f"its 'main.0.weight' has it, {num_labels} labels and {image_size} px, as its "
        f"'conv2.weight' has it, and {num_layers} layers",
    )
    return image_size, conv_dim, num_labels, num_layers


def _kernel_shape(
    state: Mapping[str, np.ndarray],
    name: str,
    needed: tuple[int | str, ...],
    path: str | os.PathLike,
    network: str,
) -> tuple[int, ...]:
    """The shape of a kernel: numbers where it must be so, names where it says what."""
    shape = state[name].shape if name in state else None
    if (
        shape is None
        or len(shape) != len(needed)
        or any(
            isinstance(n, int) and n != m for n, m in zip(needed, shape, strict=True)
        )
    ):
        raise ValueError(
            f"{path} is not a checkpoint of a StarGAN {network}: the entry {name!r} "
            f"must have the shape ({', '.join(map(str, needed))}) but "
            f"{'is missing' if shape is None else f'has {shape}'}."
        )
    return shape


def _count(pattern: str, names: Mapping[str, np.ndarray]) -> int:
    """How many different numbers stand at this place of names."""
    return len({found[1] for name in names if (found := re.match(pattern, name))})


def _labels(
    size: int, labels: LabelSet | LabelSpace | None, path: str | os.PathLike
) -> LabelSpace:
    if labels is None:
        for space in PUBLISHED_LABELS:
            if space.size == size:
                return space
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

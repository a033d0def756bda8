"""pix2pix as it was published (`junyanz/pytorch-CycleGAN-and-pix2pix`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.pix2pix.pix2pix import Pix2Pix
    from keras_stargan.networks import UNetGenerator

# The settings for real data; others are the model's defaults.
PUBLISHED = {"batch_size": 1, "epochs": 200}
# What two cores can train in a few minutes: calm faces become happy ones.
SMALL = {
    "data": ["avatars:expressions"],
    "select": ["neutral", "happy"],
    # Test pictures are not enlarged, and faces that are all of one size teach one size.
    "crop": False,
    "image_size": 64,
    "num_filters": 16,
    "num_discriminator_layers": 1,
    "statistics_at_use": "running",
    "batch_size": 4,
    "steps": 5000,
    "steps_per_epoch": 500,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 64, "num_filters": 2}


def halvings(image_size: int, num_halvings: int | None) -> int:
    """How often the generator halves its images; by default as often as it can, to 8.

    Raises `ValueError` if there is no such U-Net.
    """
    fitting = (k for k in range(5, 9) if image_size % 2**k == 0)
    count = max(fitting, default=5) if num_halvings is None else num_halvings
    if count < 5 or image_size < 1 or image_size % 2**count:
        raise ValueError(
            "The generator halves its images num_halvings times, 5 or more, so "
            "image_size must be a multiple of 2**num_halvings; received image_size="
            f"{image_size} and num_halvings={num_halvings}."
        )
    return count


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, layers = settings["image_size"], settings["num_discriminator_layers"]
    halvings(size, settings["num_halvings"])
    if layers and size < 3 * 2**layers:
        raise ValueError(
            f"With num_discriminator_layers={layers}, image_size must be at least "
            f"{3 * 2**layers}; received {size}."
        )


# The published weights: the files, and the names of the layers in them.
FILES = ("latest_net_G.pth", "latest_net_D.pth")


def weight_files(model: Pix2Pix) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model."""
    outer = "model" if model.num_discriminator_layers else "net"
    chain = enumerate(model.discriminator.chain)
    judge = {f"{outer}.{i}": layer for i, layer in chain if layer.weights}
    return {"": _generator_names(model.generator)}, {"": judge}


def _generator_names(generator: UNetGenerator) -> Names:
    """Layers by their names; each level is a part of the one above it."""
    names, last = {}, generator.num_halvings
    for name, layer in generator.parts.items():
        kind = name.rstrip("0123456789")
        level = int(name[len(kind) :])
        prefix = "model.model." + ("1.model." + "3.model." * (level - 2)) * (level > 1)
        # In the innermost level, no further level is between down and up.
        up = 3 if level in (1, last) else 5
        numbers = {"down": int(level > 1), "down_norm": 2, "up": up, "up_norm": up + 1}
        names[f"{prefix}{numbers[kind]}"] = layer
    return names


def recognizes(file: Checkpoint) -> bool:
    """Whether a file's names are those of a U-Net with batch normalization.

    CycleGAN's code can have a U-Net, too: with instance normalization, without scales.
    """
    level2 = "model.model.1.model"
    needed = {f"{level2}.1.weight", f"{level2}.2.weight", f"{level2}.2.running_mean"}
    return needed <= set(file.networks.get("", {}))


def settings(
    files: Sequence[Checkpoint],
    labels: LabelSet | LabelSpace | None,
    image_size: int | None,
) -> dict[str, Any]:
    """Reads the arguments of a `Pix2Pix` off its weights; by default, for 2**k px."""
    shape: tuple = ("num_filters", 3, 4, 4)
    shape = files[0].shape("model.model.0.weight", shape, "a generator")
    count = files[0].count(r"model\.model\.(0|1\.model\.(3\.model\.)*1)\.weight")
    found = {
        "image_size": image_size or 2**count,
        "labels": labels,
        "num_filters": shape[0],
        "num_halvings": count,
    }
    for file in files[1:]:
        is_pixel = "net.0.weight" in file.networks.get("", {})
        entry, size = ("net.0.weight", 1) if is_pixel else ("model.0.weight", 4)
        shape = ("num_discriminator_filters", 6, size, size)
        shape = file.shape(entry, shape, "a discriminator of pairs")
        found["num_discriminator_filters"] = shape[0]
        # The other kind has no such names, and no layers that halve the size.
        found["num_discriminator_layers"] = file.count(r"model\.\d+\.running_mean")
    return found

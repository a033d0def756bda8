"""CycleGAN as it was published (`junyanz/pytorch-CycleGAN-and-pix2pix`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.cyclegan.cyclegan import CycleGAN

# The settings for real data (the paper's appendix); others are the model's defaults.
PUBLISHED = {"batch_size": 1, "epochs": 200}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 32,
    "num_filters": 16,
    "num_residual_blocks": 3,
    "num_discriminator_layers": 2,
    "batch_size": 4,
    "crop": False,  # Test pictures are not enlarged either.
    "steps": 2000,
    "steps_per_epoch": 250,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 24, "num_filters": 2, "num_residual_blocks": 1, "pool_size": 2}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, layers = settings["image_size"], settings["num_discriminator_layers"]
    if size % 4 or size < 3 * 2**layers:
        raise ValueError(
            f"With num_discriminator_layers={layers}, image_size must be a multiple of "
            f"4 and at least {3 * 2**layers}; received {size}."
        )


# The published weights: the files, and the names of the layers in them.
FILES = tuple(f"latest_net_{name}.pth" for name in ("G_A", "G_B", "D_A", "D_B"))


def weight_files(model: CycleGAN) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model."""
    generators = (_names(net, 1) for net in (model.generator_ab, model.generator_ba))
    # The published D_A judges the images that G_A makes, which are of B.
    judges = (_names(net, 0) for net in (model.discriminator_b, model.discriminator_a))
    return tuple({"": names} for names in (*generators, *judges))


def _names(network: keras.Model, first: int) -> Names:
    """Layers by their numbers, from `first` on; paddings have a number there too."""
    names: dict[str, Any] = {}
    for i, layer in enumerate(network.chain, first):
        if hasattr(layer, "conv1"):
            names[f"model.{i}.conv_block.1"] = layer.conv1
            names[f"model.{i}.conv_block.5"] = layer.conv2
        elif layer.weights:
            names[f"model.{i + (layer.name == 'out')}"] = layer
    # Files older than PyTorch 0.4 have statistics of the normalizations, of no use.
    numbers = (name.rpartition(".")[::2] for name in names)
    norms = [f"{stem}.{int(number) + 1}.running" for stem, number in numbers]
    return names | {
        f"{norm}_{what}": None for norm in norms for what in ("mean", "var")
    }


def recognizes(file: Checkpoint) -> bool:
    """Whether a file's names are those of a generator of CycleGAN."""
    return "model.10.conv_block.1.weight" in file.networks.get("", {})


def settings(
    files: Sequence[Checkpoint],
    labels: LabelSet | LabelSpace | None,
    image_size: int | None,
) -> dict[str, Any]:
    """Reads the arguments of a `CycleGAN` off its weights; by default for 256 px."""
    shape = ("num_filters", 3, 7, 7)
    found = {
        "image_size": image_size or 256,
        "labels": labels,
        "num_filters": files[0].shape("model.1.weight", shape, "a generator")[0],
        "num_residual_blocks": files[0].count(r"model\.\d+\.conv_block\.1\."),
    }
    for file in files[2:]:
        found["num_discriminator_layers"] = file.count(r"model\.\d+\.") - 2
    return found

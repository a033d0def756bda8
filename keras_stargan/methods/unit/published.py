"""UNIT as it was published (`mingyuliutw/UNIT`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_stargan.methods.checks import check_content_model

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.unit.unit import UNIT

# The settings for real data (the published configurations); others are the defaults.
PUBLISHED = {"batch_size": 1, "steps": 1_000_000, "crop": False}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 32,
    "num_filters": 16,
    "num_residual_blocks": 2,
    "num_discriminator_layers": 2,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "crop": False,
    "steps": 2000,
    "steps_per_epoch": 250,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {
    "image_size": 16,
    "num_filters": 2,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "num_scales": 2,
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    check_content_model(settings, least_size=8)


# The published weights: the files, and the names of the layers in them.
FILES = ("gen_01000000.pt", "dis_01000000.pt")


def weight_files(model: UNIT) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model."""
    from keras_stargan.networks.published_names import files_of_two_domains

    return files_of_two_domains(model, {"content_encoder": "enc", "decoder": "dec"})


def recognizes(file: Checkpoint) -> bool:
    """Whether a file's names are those of UNIT's generators."""
    return "enc.model.0.conv.weight" in file.networks.get("a", {})


def settings(
    files: Sequence[Checkpoint], labels: LabelSet | LabelSpace | None, image_size: Any
) -> dict[str, Any]:
    """Reads the arguments of a `UNIT` off its weights; by default for 256 px."""
    first, shape = "enc.model.0.conv.weight", ("num_filters", 3, 7, 7)
    found = {
        "image_size": image_size or 256,
        "labels": labels,
        "num_filters": files[0].shape(first, shape, "UNIT's generators", "a")[0],
        "num_residual_blocks": files[0].count(r"dec\.model\.0\.model\.\d+\.", "a"),
    }
    for file in files[1:]:
        found["num_discriminator_layers"] = file.count(r"cnns\.0\.\d+\.conv\.", "a")
        found["num_scales"] = file.count(r"cnns\.\d+\.", "a")
    return found

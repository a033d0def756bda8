"""MUNIT as it was published (`NVlabs/MUNIT`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_stargan.methods.checks import check_content_model

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.munit.munit import MUNIT

# The settings for real data (the published configurations); others are the defaults.
PUBLISHED = {"batch_size": 1, "steps": 1_000_000, "crop": False}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 32,
    "num_filters": 16,
    "mapping_dim": 64,
    "num_residual_blocks": 2,
    "num_discriminator_layers": 2,
    "lambda_cycle": 10.0,
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
    "style_dim": 3,
    "mapping_dim": 4,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "num_scales": 2,
    "lambda_cycle": 10.0,
    "lambda_ms": 1.0,
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    check_content_model(settings, least_size=16)
    if settings["style_dim"] < 1:
        raise ValueError(
            f"style_dim must be at least 1; received {settings['style_dim']}."
        )


# The published weights: the files, and the names of the layers in them.
FILES = ("gen_01000000.pt", "dis_01000000.pt")


def weight_files(model: MUNIT) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model."""
    from keras_stargan.networks.published_names import files_of_two_domains

    parts = {"style_encoder": "enc_style", "content_encoder": "enc_content"}
    return files_of_two_domains(model, parts | {"decoder": "dec"})


def recognizes(file: Checkpoint) -> bool:
    """Whether a file's names are those of MUNIT's generators."""
    return "enc_style.model.0.conv.weight" in file.networks.get("a", {})


def settings(
    files: Sequence[Checkpoint], labels: LabelSet | LabelSpace | None, image_size: Any
) -> dict[str, Any]:
    """Reads the arguments of a `MUNIT` off its weights; by default for 256 px."""

    def sizes(entry: str, *needed: int | str) -> tuple[int, ...]:
        return files[0].shape(entry, needed, "MUNIT's generators", "a")

    num_filters, *_ = sizes("enc_content.model.0.conv.weight", "num_filters", 3, 7, 7)
    mapping_dim, style_dim = sizes("mlp.model.0.fc.weight", "mapping_dim", "style_dim")
    found = {
        "image_size": image_size or 256,
        "labels": labels,
        "num_filters": num_filters,
        "style_dim": style_dim,
        "mapping_dim": mapping_dim,
        "num_residual_blocks": files[0].count(r"dec\.model\.0\.model\.\d+\.", "a"),
    }
    for file in files[1:]:
        found["num_discriminator_layers"] = file.count(r"cnns\.0\.\d+\.conv\.", "a")
        found["num_scales"] = file.count(r"cnns\.\d+\.", "a")
    return found

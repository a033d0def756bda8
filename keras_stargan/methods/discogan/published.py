"""DiscoGAN as published (`SKTBrain/DiscoGAN`), of which there are no weights."""

from collections.abc import Mapping
from typing import Any

# The settings for real data; others are the model's defaults.
PUBLISHED = {"batch_size": 64, "epochs": 5000, "crop": False}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 32,
    "num_filters": 32,
    "gan_curriculum": 500,
    "batch_size": 16,
    "crop": False,
    "steps": 6000,
    "steps_per_epoch": 500,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "num_filters": 2}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, features = settings["image_size"], settings["num_features"]
    if size < 16 or size & (size - 1):
        raise ValueError(
            "The networks halve their images down to 4x4 pixels, so image_size must be "
            f"a power of 2, 16 or more; received {size}."
        )
    if features < 0:
        raise ValueError(f"num_features must be 0 or more; received {features}.")

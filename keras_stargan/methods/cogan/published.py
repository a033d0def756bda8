"""CoGAN as it was published (`mingyuliutw/CoGAN`, its PyTorch part)."""

from collections.abc import Mapping
from typing import Any

# For real data, digits; other settings are the model's defaults.
PUBLISHED = {"batch_size": 64, "steps": 5000, "crop": False}
# What two cores can train in a few minutes, for faces with other and with blond hair.
SMALL = {"data": ["avatars:attributes"], "select": ["-Blond_Hair", "Blond_Hair"]}
SMALL |= {"image_size": 32, "num_filters": 256, "batch_size": 16, "steps": 3000}
SMALL |= {"steps_per_epoch": 1000, "max_evaluated": 40, "crop": False}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "latent_dim": 3, "num_filters": 8, "inversion_steps": 3}
# The least value of each number that the constructor takes.
LEAST = dict.fromkeys(("latent_dim", "num_filters", "num_discriminator_filters"), 1)
LEAST |= {"num_channels": 1, "num_classes": 0, "inversion_steps": 1}
LEAST |= dict.fromkeys(("lambda_mse", "lambda_classification", "inversion_rate"), 0)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, channels = settings["image_size"], settings["num_channels"]
    if size != 28 and (size < 16 or size & (size - 1)):
        raise ValueError(f"image_size must be 28, 16, 32, 64...; received {size}.")
    if channels not in (1, 3):
        raise ValueError(f"num_channels must be 1 or 3; received {channels}.")
    for name, least in LEAST.items():
        if (value := settings[name]) < least:
            raise ValueError(f"{name} must be {least} or more; received {value}.")

"""StarGAN as it was published (`yunjey/stargan`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    # Table 2, RaFD at 128 px: error in percent, and parameters.
    "classification error": {
        "DIAT": ("4.10", "52.6M x 7"),
        "CycleGAN": ("5.99", "52.6M x 14"),
        "IcGAN": ("8.07", "67.8M x 1"),
        "StarGAN": ("2.12", "53.2M x 1"),
        "real images": ("0.45", ""),
    },
}

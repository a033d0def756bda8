"""DIAT's settings: no program was published, and StarGAN's paper names few of them."""

from collections.abc import Mapping
from typing import Any

# For real data, at 128 px: those of StarGAN, whose paper compares with DIAT.
PUBLISHED = {"batch_size": 16, "epochs": 200, "crop": False}
# What two cores can train in a few minutes: drawn people learn to smile.
SMALL = {"data": ["avatars:expressions"], "select": ["neutral", "happy"]}
SMALL |= {"image_size": 48, "num_filters": 24, "num_residual_blocks": 3}
SMALL |= {"num_discriminator_layers": 4, "batch_size": 4, "learning_rate": 4e-4}
SMALL |= {"n_critic": 3, "lambda_id": 1.0, "identity_steps": 400, "crop": False}
SMALL |= {"steps": 4000, "steps_per_epoch": 500}
# A model that takes a step in a fraction of a second, for tests.
TINY = {
    "image_size": 16,
    "num_filters": 2,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 2,
    "n_critic": 2,
    "identity_steps": 2,
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, halvings = settings["image_size"], settings["num_discriminator_layers"]
    factor = max(4, 2**halvings)
    if size < 8 or size % factor:
        raise ValueError(
            f"With num_discriminator_layers={halvings}, image_size must be a multiple "
            f"of {factor} and at least 8; received {size}."
        )
    choices = {"adversarial": ("wgan", "gan"), "identity_distance": ("l1", "squared")}
    for name, known in choices.items():
        if settings[name] not in known:
            raise ValueError(
                f"{name} must be {' or '.join(known)}; received {settings[name]!r}."
            )
    for name in ("n_critic", "identity_steps"):
        if (settings[name] or 0) < (settings[name] is not None):
            raise ValueError(f"{name} must be at least 1; received {settings[name]}.")

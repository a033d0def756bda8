"""DRIT as it was published (`HsinYingLee/DRIT` with `--no_ms`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMS = ("concatenation", "transform")
# The settings for real data; others are the model's defaults. `batch_size` counts the
# images that are translated and those that are only looked at.
PUBLISHED = {"image_size": 216, "batch_size": 2, "epochs": 1200}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 48,
    "form": "transform",
    "num_filters": 16,
    "batch_size": 4,
    "d_iter": 1,
    "steps": 1800,
    "steps_per_epoch": 200,
    "learning_rate": 2e-4,
    "content_learning_rate": 8e-5,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "num_filters": 2, "latent_dim": 3, "num_scales": 2}


def content_layers(image_size: int) -> int:
    """The published 3 layers 7x7 of the content discriminator, or as many as fit."""
    return max(n for n in range(4) if 28 * 2**n - 12 <= image_size)


def discriminator_layers(image_size: int, num_scales: int) -> int:
    """The published layers of a domain discriminator, or as many as fit."""
    published = 6 if num_scales == 1 else 4
    return min(published, image_size.bit_length() - num_scales)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, scales = settings["image_size"], settings["num_scales"]
    if size % 4 or size < 16:
        raise ValueError(
            f"image_size must be a multiple of 4, at least 16; received {size}."
        )
    if scales > size.bit_length() - 1:
        raise ValueError(
            f"Images of image_size={size} have {size.bit_length() - 1} scales at most; "
            f"received num_scales={scales}."
        )
    for name in ("num_scales", "d_iter", "latent_dim", "num_filters"):
        if settings[name] < 1:
            raise ValueError(f"{name} must be 1 or more; received {settings[name]}.")
    if settings["lambda_ms"] < 0:
        raise ValueError(
            f"lambda_ms must be 0 or more; received {settings['lambda_ms']}."
        )
    if settings["form"] not in FORMS:
        raise ValueError(
            f"form must be one of {', '.join(FORMS)}; received {settings['form']!r}."
        )
    if settings.get("batch_size", 0) % 2:
        raise ValueError(
            "Half of a batch is translated, the other half is only looked at: "
            f"batch_size must be even; received {settings['batch_size']}."
        )

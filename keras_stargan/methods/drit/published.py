"""DRIT as it was published (`HsinYingLee/DRIT` with `--no_ms`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMS = ("concatenation", "transform")
# The settings for real data; others are the model's defaults. `batch_size` counts the
# images that are translated and those that are only looked at.
PUBLISHED = {"image_size": 216, "batch_size": 2, "epochs": 1200}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {"data": ["creatures:faces"], "image_size": 48}
SMALL |= {"num_filters": 16, "batch_size": 4, "d_iter": 1, "crop": False}
SMALL |= {"learning_rate": 4e-4, "content_learning_rate": 1.6e-4}
SMALL |= {"steps": 1800, "steps_per_epoch": 300}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "num_filters": 2, "latent_dim": 3, "num_scales": 2}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, scales = settings["image_size"], settings["num_scales"]
    if size % 4 or size < max(16, 2**scales):
        raise ValueError(
            f"With num_scales={scales}, image_size must be a multiple of 4 and at "
            f"least {max(16, 2**scales)}; received {size}."
        )
    least = dict.fromkeys(("num_scales", "d_iter", "latent_dim", "num_filters"), 1)
    for name, number in (least | {"lambda_ms": 0}).items():
        if settings[name] < number:
            raise ValueError(
                f"{name} must be {number} or more; received {settings[name]}."
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

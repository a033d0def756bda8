"""IcGAN as it was published (`Guim3/IcGAN`, Lua Torch 7; its weights are not read)."""

import sys
from collections.abc import Mapping
from typing import Any

# On CelebA: 25 epochs of the GAN, 100 estimating steps, 15 epochs of the encoders.
PUBLISHED = {"batch_size": 64, "steps": 99_710, "steps_per_epoch": 1000}
# What two cores can train in a few minutes, for drawn faces.
SMALL = {"data": ["avatars:attributes"], "image_size": 32, "batch_size": 32}
SMALL |= {"num_filters": 32, "code_units": 512, "encoder_learning_rate": 1e-3}
SMALL |= {"steps": 6000, "steps_per_epoch": 600}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "code_dim": 4, "num_filters": 2, "num_encoder_filters": 2}
TINY |= {"code_units": 8, "label_units": 8, "gan_steps": 2, "statistics_steps": 1}


def lengths(total_steps: int) -> dict[str, Any]:
    """The lengths of the stages; as published at 99,710 steps."""
    statistics = min(100, total_steps // 20)
    gan = (total_steps - statistics) * 71_350 // 99_610
    return {"gan_steps": gan, "statistics_steps": statistics}


def suited(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The lengths of the stages, where the number of steps is given."""
    return lengths(settings["steps"]) if settings["steps"] else {}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, stages = settings["image_size"], ("gan_steps", "statistics_steps")
    if size < 8 or size & (size - 1):
        raise ValueError(f"image_size must be a power of 2 from 8 on; received {size}.")
    widths = ("code_dim", "num_filters", "num_encoder_filters")
    least = dict.fromkeys(stages, 0) | dict.fromkeys(widths, 1) | {"batch_size": 2}
    for name, number in least.items():
        value = settings.get(name, number)
        if value < number:
            raise ValueError(f"{name} must be at least {number}; received {value}.")
    if (settings.get("steps") or sys.maxsize) <= sum(settings[name] for name in stages):
        raise ValueError(
            "The encoders train after gan_steps and statistics_steps: steps must be "
            f"more than both together; received steps={settings['steps']}."
        )

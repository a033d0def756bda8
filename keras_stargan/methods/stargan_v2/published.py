"""StarGAN v2 as it was published (`clovaai/stargan-v2`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The settings.

# The published ones, for real data (the paper's appendix).
PUBLISHED = {
    "image_size": 256,
    "base_dim": None,
    "max_dim": 512,
    "hidden_dim": 512,
    "batch_size": 8,
    "steps": 100_000,
    "ds_iter": 100_000,
    "steps_per_epoch": 1000,
    "save_every": 10,
    "learning_rate": 1e-4,
    "mapping_learning_rate": 1e-6,
    "lambda_reg": 1.0,
    "lambda_sty": 1.0,
    "lambda_ds": 1.0,
    "lambda_cyc": 1.0,
    "w_hpf": 0.0,
    "average_decay": 0.999,
}
# What two cores can train in less than half an hour, for drawn creatures.
SMALL = PUBLISHED | {
    "data": ["creatures:species"],
    "image_size": 32,
    "base_dim": 32,
    "max_dim": 128,
    "hidden_dim": 128,
    "steps": 1200,
    "ds_iter": 1200,
    "steps_per_epoch": 200,
    "save_every": 1,
    "max_evaluated": 60,
    "learning_rate": 2e-4,
    "mapping_learning_rate": 2e-4,
    "average_decay": 0.99,
}


def lengths(total_steps: int) -> dict[str, Any]:
    """Settings that follow from the length of training; as published at 100,000 steps.

    With the published ones, a few thousand steps end in noise: the averages are mostly
    the initial weights, the diversity term never falls, and the mapping network hardly
    moves.

    Args:
        total_steps: the length of training.
    """
    is_short = total_steps < 10_000
    learning_rate = 2e-4 if is_short else 1e-4
    # The mapping network moves as far as in the published training: the learning rate
    # times the number of steps stays the same.
    mapping_rate = min(learning_rate, 1e-6 * 100_000 / total_steps)
    # Ten times in a run, there are a checkpoint and grids of samples.
    steps_per_epoch = max(1, min(1000, total_steps // 10))
    return {
        "ds_iter": total_steps,
        "steps_per_epoch": steps_per_epoch,
        "save_every": max(1, total_steps // (10 * steps_per_epoch)),
        # The last twelfth of a short run, 1,000 steps of a long one.
        "average_decay": max(0.0, 1.0 - max(0.001, 12 / total_steps)),
        "average_warmup": True,
        "learning_rate": learning_rate,
        "mapping_learning_rate": learning_rate if is_short else mapping_rate,
    }


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size = settings["image_size"]
    if size < 16 or size & (size - 1):
        raise ValueError(
            "image_size must be a power of two, at least 16, because the networks of "
            f"StarGAN v2 halve their images down to 4 px; received {size}."
        )
    for name in ("max_dim", "hidden_dim", "latent_dim", "style_dim", "ds_iter"):
        if settings[name] < 1:
            raise ValueError(f"{name} must be at least 1; received {settings[name]}.")
    if settings["configuration"] not in ("B", "C", "D", "E", "F"):
        raise ValueError(
            "configuration must be one of B, C, D, E, F; received "
            f"{settings['configuration']!r}. (A is the method stargan.)"
        )
    if not 0 <= settings["average_decay"] <= 1:
        raise ValueError(
            f"average_decay must be from 0 to 1; received {settings['average_decay']}."
        )
    if settings["configuration"] == "B" and settings["w_hpf"]:
        raise ValueError(
            "Configuration B has StarGAN's generator, without a high-pass filter; "
            f"received w_hpf={settings['w_hpf']:g}."
        )
    if bool(settings["w_hpf"]) != bool(settings["fan"]):
        raise ValueError(
            "w_hpf and fan go together: the high-pass filter needs the landmarks of "
            "wing.ckpt, and nothing else does. Give both, or w_hpf=0; received "
            f"w_hpf={settings['w_hpf']:g} and fan={settings['fan']}."
        )


# The figures.

FIGURES = {
    # FID and LPIPS that the published weights give.
    "published weights": {
        "CelebA-HQ": {"latents": (13.73, 0.4515), "references": (23.84, 0.3880)},
        "AFHQ": {"latents": (16.18, 0.4501), "references": (19.78, 0.4315)},
    },
}


def _as_stargan(values: Mapping[str, Any]) -> dict[str, Any]:
    """StarGAN's discriminator has six layers, for 64 px and more."""
    layers = values["image_size"].bit_length() - 2
    return {"num_discriminator_layers": min(layers, values["num_discriminator_layers"])}


def _with_penalty(values: Mapping[str, Any]) -> dict[str, Any]:
    """WGAN-GP as StarGAN has it, and StarGAN's generator without a high-pass filter."""
    return {"configuration": "B", "lambda_reg": 10.0, "w_hpf": 0.0, "fan": None}


# The paper's table 1, CelebA-HQ, by latent codes: FID and LPIPS.
ABLATION = {
    "A": {
        "title": "baseline StarGAN",
        "published": ("98.4", ""),
        "method": "stargan",
        "changes": _as_stargan,
    },
    "B": {
        "title": "+ multi-task discriminator",
        "published": ("91.4", ""),
        "changes": _with_penalty,
    },
} | {
    name: {
        "title": title,
        "published": published,
        "changes": lambda values, name=name: {"configuration": name},
    }
    for name, title, published in (
        ("C", "+ R1 and AdaIN", ("80.5", "")),
        ("D", "+ latent code injected", ("32.3", "0.312")),
        ("E", "+ style code", ("21.2", "0.406")),
        ("F", "+ diversity term", ("18.0", "0.428")),
    )
}

"""StarGAN v2 as it was published (`clovaai/stargan-v2`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_stargan.methods.stargan import published as stargan

if TYPE_CHECKING:
    import keras

    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2

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
# A model that takes a step in a fraction of a second, for tests.
TINY = {
    "image_size": 16,
    "num_domains": 3,
    "latent_dim": 4,
    "style_dim": 8,
    "hidden_dim": 8,
    "base_dim": 4,
    "max_dim": 8,
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
    if settings["lambda_ms"] and settings["configuration"] not in ("E", "F"):
        raise ValueError(
            "The mode-seeking term compares two styles, of configurations E and F; "
            f"received lambda_ms={settings['lambda_ms']:g} with configuration "
            f"{settings['configuration']!r}."
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
    # Tables 2 and 3: FID and LPIPS, CelebA-HQ and AFHQ at 256 px. The dagger marks
    # figures that are written down from memory, not from the paper's text.
    "latent-guided": {
        "MUNIT": ("31.4, 0.363 †", "41.5, 0.511 †"),
        "DRIT": ("52.1, 0.178 †", "95.6, 0.326 †"),
        "MSGAN": ("33.1, 0.389 †", "61.4, 0.517 †"),
        "StarGAN v2": ("13.7, 0.452", "16.2, 0.450"),
        "real": ("14.8 †", "12.9 †"),
    },
    "reference-guided": {
        "MUNIT": ("107.1, 0.176", "223.9, 0.199"),
        "DRIT": ("53.3, 0.311", "114.8, 0.156"),
        "MSGAN": ("39.6, 0.312", "69.8, 0.375"),
        "StarGAN v2": ("23.8, 0.388", "19.8, 0.432"),
        "real": ("15.1", "13.1"),
    },
}


def _with_penalty(values: Mapping[str, Any]) -> dict[str, Any]:
    """WGAN-GP as StarGAN has it, and StarGAN's generator without a high-pass filter."""
    return {"configuration": "B", "lambda_reg": 10.0, "w_hpf": 0.0, "fan": None}


# The paper's table 1, CelebA-HQ, by latent codes: FID and LPIPS.
ABLATION: dict[str, dict[str, Any]] = {
    "A": {
        "title": "baseline StarGAN",
        "published": ("98.4", ""),
        "method": "stargan",
        "changes": stargan.suited,
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


# The weights: the published files, and the names of the layers in them.

# The moving averages of the weights, which translate; the weights that are trained.
FILES = ("100000_nets_ema.ckpt", "100000_nets.ckpt")
# The domains of the published weights, by their number.
DOMAINS = {2: ("female", "male"), 3: ("cat", "dog", "wild")}
_FILTER = "hpf.filter"


def weight_files(model: StarGANv2) -> tuple[dict[str, Names], ...]:
    """Maps the names in each of `FILES` to the layers of a model.

    Raises:
        ValueError: for a model of another configuration than E and F.
    """
    if model.configuration not in ("E", "F"):
        raise ValueError(
            "The published code has the networks of configurations E and F; this model "
            f"is of configuration {model.configuration}."
        )
    maps = {
        "generator": _generator,
        "mapping_network": _mapping_network,
        "style_encoder": _style_encoder,
        "discriminator": _discriminator,
    }
    averages = {
        name: maps[name](getattr(model, f"average_{name}")) for name in model.averaged
    }
    trained = {name: of(getattr(model, name)) for name, of in maps.items()}
    if model.has_fan:
        from keras_stargan.pretrained.fan.pytorch import fan_names

        averages["fan"] = trained["fan"] = fan_names(model.fan)
    return averages, trained


def _generator(network: keras.Model) -> Names:
    names = {
        "from_rgb": network.input_conv,
        "to_rgb.0": network.output_norm,
        "to_rgb.2": network.output_conv,
    }
    for part, blocks in ("encode", network.encoder), ("decode", network.decoder):
        for i, block in enumerate(blocks):
            names |= _block(f"{part}.{i}", block)
    if network.w_hpf:  # The high-pass filter itself, which is no weight here.
        kernel = np.full((3, 3), -1.0, "float32")
        kernel[1, 1] = 8.0
        names[_FILTER] = kernel / np.float32(network.w_hpf)
    return names


def _mapping_network(network: keras.Model) -> Names:
    shared, unshared = network.chain[:4], network.chain[4:]
    return {f"shared.{2 * i}": layer for i, layer in enumerate(shared)} | {
        f"unshared.{domain}.{2 * i}": (layer, domain)
        for domain in range(network.num_domains)
        for i, layer in enumerate(unshared)
    }


def _style_encoder(network: keras.Model) -> Names:
    *shared, _, style = network.chain
    heads = {f"unshared.{i}": (style, i) for i in range(network.num_domains)}
    return _features("shared", shared) | heads


def _discriminator(network: keras.Model) -> Names:
    return _features("main", network.chain)


def _features(place: str, layers: Sequence[keras.Layer]) -> Names:
    names = {}
    for i, layer in enumerate(layers):
        if hasattr(layer, "conv1"):
            names |= _block(f"{place}.{i}", layer)
        else:
            names[f"{place}.{i}"] = layer
    return names


def _block(place: str, block: keras.Layer) -> Names:
    names = {}
    for part in ("conv1", "conv2", "norm1", "norm2", "conv1x1"):
        layer = getattr(block, part, None)
        if hasattr(layer, "dense"):  # AdaIN: one dense layer for scale and shift.
            names[f"{place}.{part}.fc"] = layer.dense
        elif layer is not None:
            names[f"{place}.{part}"] = layer
    return names


def recognizes(file: Checkpoint) -> bool:
    """Whether a file has networks of StarGAN v2 by their published names."""
    return bool({"mapping_network", "style_encoder"} & set(file.networks))


def settings(
    files: Sequence[Checkpoint],
    labels: LabelSet | LabelSpace | None,
    image_size: int | None,
) -> dict[str, Any]:
    """Reads the arguments of a `StarGANv2` off its averages.

    Args:
        files: the file of the averages, and that of the trained weights if there is
            one.
        labels: the names of the domains, in their order in training. Defaults to the
            published ones of their number: 2, female and male; 3, cat, dog and wild;
            else "0", "1", ...
        image_size: not needed, as the weights tell it.

    Raises:
        ValueError: if a size cannot be read, or the names of the domains are not as
            many as there are domains.
    """
    averages = files[0]

    def shape(network: str, entry: str, *needed: int | str) -> tuple[int, ...]:
        what = f"the network {network} of StarGAN v2"
        return averages.shape(entry, needed, what, network)

    base_dim, *_ = shape("generator", "from_rgb.weight", "base_dim", 3, 3, 3)
    hidden_dim, latent_dim = shape(
        "mapping_network", "shared.0.weight", "hidden_dim", "latent_dim"
    )
    style_dim, width = shape(
        "style_encoder", "unshared.0.weight", "style_dim", "max_dim"
    )
    w_hpf = 0.0
    if _FILTER in averages.networks["generator"]:
        shape("generator", _FILTER, 3, 3)
        # 8, divided by the weight of the filter.
        middle = float(averages.networks["generator"][_FILTER][1, 1])
        if not 0 < middle < np.inf:
            raise ValueError(
                f"{averages.path}, generator: the entry {_FILTER!r} must have a number "
                f"above 0 in its middle; it has {middle}."
            )
        w_hpf = 8.0 / middle
    halvings = averages.count(r"shared\.\d+\.conv1\.weight$", "style_encoder")
    num_domains = averages.count(r"unshared\.\d+\.weight$", "style_encoder")
    return {
        "image_size": 2 ** (halvings + 2),
        "domains": _domains(num_domains, labels, averages.path),
        "latent_dim": latent_dim,
        "style_dim": style_dim,
        "hidden_dim": hidden_dim,
        "base_dim": base_dim,
        "max_dim": width,
        "w_hpf": w_hpf,
    }


def finish(model: StarGANv2, files: Sequence[Checkpoint]) -> None:
    """Reads the FAN, and what is trained from the averages if it has no file."""
    from keras_stargan.networks.weights import copy_weights

    states = files[0].networks
    if model.fan is not None and "fan" in states:
        from keras_stargan.pretrained.fan.pytorch import assign_fan

        assign_fan(model.fan, states["fan"], f"{files[0].path}, fan")
        # There is no file of the FAN alone: saved models have to contain it.
        model.frozen["fan"].has_weights = True
    if len(files) == 1:
        for name in model.averaged:
            copy_weights(getattr(model, f"average_{name}"), getattr(model, name))


def _domains(
    count: int, labels: LabelSet | LabelSpace | None, path: str
) -> LabelSet | LabelSpace:
    from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels

    if labels is None:
        return LabelSet(DOMAINS[count]) if count in DOMAINS else numbered_labels(count)
    names = LabelSpace.of(labels).names
    if len(names) != count:
        raise ValueError(
            f"{path} has {count} domains; received the names of {len(names)}, "
            f"{', '.join(names)}."
        )
    return labels

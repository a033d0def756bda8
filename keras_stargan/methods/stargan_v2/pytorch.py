"""StarGAN v2's weights by the names of the published code (`clovaai/stargan-v2`)."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_stargan.files.pytorch import (
    Entries,
    assign_entries,
    check_entries,
    network_entries,
    read_state_dicts,
    write_state_dicts,
)
from keras_stargan.labels import LabelSet, numbered_labels
from keras_stargan.methods.stargan_v2.networks import (
    block_widths,
    first_width,
    halvings,
)
from keras_stargan.methods.stargan_v2.stargan_v2 import AVERAGED, StarGANv2
from keras_stargan.pretrained.fan.pytorch import check_fan, fan_entries, load_weights

# What the published generator keeps besides: the high-pass filter itself.
GENERATOR_UNUSED = ("hpf.filter",)
# The domains of the published weights, by their number.
PUBLISHED_DOMAINS = {
    2: LabelSet(("female", "male")),
    3: LabelSet(("cat", "dog", "wild")),
}
# In the file of a model with a high-pass filter; its `num_batches_tracked` are unused.
_FAN = "fan"


def load_pytorch(
    averages_file: str | os.PathLike,
    networks_file: str | os.PathLike | None = None,
    domains: LabelSet | None = None,
) -> StarGANv2:
    """Makes a model of the published code's checkpoints.

    The networks' sizes, and whether there is a high-pass filter, are read off the
    weights.

    Args:
        averages_file: `100000_nets_ema.ckpt`: the averages, by which is translated.
        networks_file: `100000_nets.ckpt`, of the same training: the weights that are
            trained, and the discriminator. Without, training on starts from the
            averages and with a fresh discriminator.
        domains: the names of the domains, in their order in training. Defaults to the
            published code's for their number: 2, female and male; 3, cat, dog and
            wild; else "0", "1", ...

    Returns:
        The model, not compiled. Its FAN is the file's, if it has one.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if a file is not such a checkpoint (a network or an entry is
            missing, superfluous, or of another shape: the message names it), or the
            names of the domains are not as many as it has.

    Example:
        ```python
        model = load_pytorch("100000_nets_ema.ckpt")
        model.translate(images, domain="dog", references=dogs)
        ```
    """
    averages = read_state_dicts(averages_file)
    settings = _settings(averages, averages_file)
    num_domains = settings.pop("num_domains")
    if domains is None:
        domains = PUBLISHED_DOMAINS.get(num_domains) or numbered_labels(num_domains)
    if len(domains) != num_domains:
        raise ValueError(
            f"{averages_file} has {num_domains} domains; received the names of "
            f"{len(domains)}, {', '.join(domains.names)}."
        )
    files = {averages_file: (averages, AVERAGED)}
    if networks_file is not None:
        networks = read_state_dicts(networks_file)
        files[networks_file] = networks, (*AVERAGED, "discriminator")
    tables = network_tables(num_domains=num_domains, **settings)
    for file, (states, needed) in files.items():
        for name in needed:
            if name not in states:
                raise ValueError(
                    f"{file} must hold {', '.join(needed)}; there is no {name}."
                )
            unused = GENERATOR_UNUSED if name == "generator" else ()
            check_entries(tables[name], states[name], f"{file}, {name}", unused)
    if _FAN in averages:
        check_fan(averages[_FAN], f"{averages_file}, {_FAN}")

    model = StarGANv2(domains=domains, **settings)
    for name in AVERAGED:
        assign_entries(getattr(model, f"average_{name}"), tables[name], averages[name])
    trained = averages if networks_file is None else networks
    for name in tables:
        if name in trained:
            assign_entries(getattr(model, name), tables[name], trained[name])
    if model.fan is not None and _FAN in averages:
        assign_entries(model.fan, fan_entries(), averages[_FAN])
    return model


def save_pytorch(
    model: StarGANv2,
    averages_file: str | os.PathLike,
    networks_file: str | os.PathLike | None = None,
) -> None:
    """Writes a model's weights as the published code saves them.

    Args:
        model: whose weights.
        averages_file: where to, e.g. `100000_nets_ema.ckpt`; replaced if it exists.
        networks_file: the same for the weights that are trained; without, only the
            averages are written.

    Raises:
        ImportError: without PyTorch.
        ValueError: for a model of another configuration than E and F.
    """
    if model.configuration not in ("E", "F"):
        raise ValueError(
            "The published code has the networks of configurations E and F; this model "
            f"is of configuration {model.configuration}."
        )
    tables = network_tables(**model.network_settings)
    extra = {}
    if model.has_fan:
        extra[_FAN] = network_entries(model.fan, fan_entries())

    def states(names, prefix=""):
        found = {
            name: network_entries(getattr(model, prefix + name), tables[name])
            for name in names
        }
        if model.w_hpf:
            kernel = np.full((1, 1, 3, 3), -1.0, "float32")
            kernel[..., 1, 1] = 8.0
            found["generator"]["hpf.filter"] = kernel[0, 0] / np.float32(model.w_hpf)
        return found | extra

    write_state_dicts(averages_file, states(AVERAGED, "average_"))
    if networks_file is not None:
        write_state_dicts(networks_file, states(tables))


def load_fan(model: StarGANv2, file: str | os.PathLike) -> None:
    """Gives a model with a high-pass filter the published weights of the FAN.

    Args:
        model: with `w_hpf` above 0.
        file: `wing.ckpt`.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if the model has no filter, or the file is not such a checkpoint:
            the message names the entry.
    """
    if model.fan is None:
        raise ValueError(
            "A FAN serves the high-pass filter only; this model has w_hpf=0."
        )
    load_weights(model.fan, file)


def network_tables(
    image_size: int,
    num_domains: int,
    latent_dim: int = 16,
    style_dim: int = 64,
    hidden_dim: int = 512,
    base_dim: int | None = None,
    max_dim: int = 512,
    w_hpf: float = 0.0,
) -> dict[str, Entries]:
    """The entries of the four networks by the networks' names."""
    images = {"image_size": image_size, "base_dim": base_dim, "max_dim": max_dim}
    return {
        "generator": generator_entries(**images, style_dim=style_dim, w_hpf=w_hpf),
        "mapping_network": mapping_network_entries(
            num_domains, latent_dim, style_dim, hidden_dim
        ),
        "style_encoder": style_encoder_entries(
            **images, num_domains=num_domains, style_dim=style_dim
        ),
        "discriminator": discriminator_entries(**images, num_domains=num_domains),
    }


def _settings(
    states: Mapping[str, Mapping[str, np.ndarray]], file: str | os.PathLike
) -> dict[str, Any]:
    """A model's settings, as its averages have them."""

    def shape(network: str, entry: str, rank: int) -> tuple[int, ...]:
        value = states.get(network, {}).get(entry)
        if value is None or value.ndim != rank:
            raise ValueError(
                f"{file} is not a checkpoint of StarGAN v2: of the network {network}, "
                f"the entry {entry!r} must be a tensor of {rank} dimensions; "
                + ("it is missing." if value is None else f"it has {value.ndim}.")
            )
        return value.shape

    def count(network: str, pattern: str) -> int:
        return sum(bool(re.fullmatch(pattern, name)) for name in states[network])

    base_dim = shape("generator", "from_rgb.weight", 4)[0]
    hidden_dim, latent_dim = shape("mapping_network", "shared.0.weight", 2)
    style_dim, width = shape("style_encoder", "unshared.0.weight", 2)
    halved = count("style_encoder", r"shared\.\d+\.conv1\.weight")
    # As the published code makes its filter: 8 in the middle, divided by w_hpf.
    w_hpf = 0.0
    if GENERATOR_UNUSED[0] in states["generator"]:
        w_hpf = 8.0 / float(states["generator"][GENERATOR_UNUSED[0]][..., 1, 1].item())
    return {
        "image_size": 2 ** (halved + 2),
        "num_domains": count("style_encoder", r"unshared\.\d+\.weight"),
        "latent_dim": latent_dim,
        "style_dim": style_dim,
        "hidden_dim": hidden_dim,
        "base_dim": base_dim,
        "max_dim": width,
        "w_hpf": w_hpf,
    }


class _Table:
    """Entries of a network, added layer by layer."""

    def __init__(self) -> None:
        self.entries = {}

    def norm(self, place: str, name: str, channels: int) -> None:
        self.entries[f"{place}.weight"] = f"{name}.gamma", (channels,)
        self.entries[f"{place}.bias"] = f"{name}.beta", (channels,)

    def layer(self, place: str, name: str, *shape: int, domain: int | None = None):
        stacked = "" if domain is None else f"[{domain}]"
        self.entries[f"{place}.weight"] = f"{name}.kernel{stacked}", shape
        self.entries[f"{place}.bias"] = f"{name}.bias{stacked}", shape[:1]

    def shortcut(self, place: str, name: str, channels: int, width: int) -> None:
        if channels != width:
            self.entries[f"{place}.conv1x1.weight"] = (
                f"{name}.conv1x1.kernel",
                (width, channels, 1, 1),
            )

    def block(
        self, place: str, name: str, channels: int, width: int, normalise: bool = False
    ) -> None:
        self.layer(f"{place}.conv1", f"{name}.conv1", channels, channels, 3, 3)
        self.layer(f"{place}.conv2", f"{name}.conv2", width, channels, 3, 3)
        if normalise:
            for norm in ("norm1", "norm2"):
                self.norm(f"{place}.{norm}", f"{name}.{norm}", channels)
        self.shortcut(place, name, channels, width)

    def style_block(
        self, place: str, name: str, channels: int, width: int, style_dim: int
    ) -> None:
        self.layer(f"{place}.conv1", f"{name}.conv1", width, channels, 3, 3)
        self.layer(f"{place}.conv2", f"{name}.conv2", width, width, 3, 3)
        for norm, size in (("norm1", channels), ("norm2", width)):
            # One dense layer for both the scale and the shift.
            self.layer(
                f"{place}.{norm}.fc", f"{name}.{norm}.dense", 2 * size, style_dim
            )
        self.shortcut(place, name, channels, width)

    def features(self, place: str, image_size: int, base_dim: int, max_dim: int) -> int:
        """What the style encoder and the discriminator share; gives the width."""
        _, num_blocks = halvings(image_size)
        widths = block_widths(base_dim, max_dim, num_blocks)
        self.layer(f"{place}.0", "in", base_dim, 3, 3, 3)
        for i in range(1, num_blocks + 1):
            self.block(f"{place}.{i}", f"down{i}", widths[i - 1], widths[i])
        width = widths[-1]
        self.layer(f"{place}.{num_blocks + 2}", "whole", width, width, 4, 4)
        return width


def generator_entries(
    image_size: int,
    style_dim: int = 64,
    base_dim: int | None = None,
    max_dim: int = 512,
    w_hpf: float = 0.0,
) -> Entries:
    """The weights of a `Generator` by the published code's names for them."""
    num_blocks, _ = halvings(image_size, w_hpf)
    base_dim = first_width(image_size, base_dim)
    widths = block_widths(base_dim, max_dim, num_blocks)
    lowest, table = widths[-1], _Table()
    table.layer("from_rgb", "in", base_dim, 3, 3, 3)
    for i in range(num_blocks):
        table.block(f"encode.{i}", f"down{i + 1}", *widths[i : i + 2], normalise=True)
    for i in range(2):
        place = f"encode.{num_blocks + i}"
        table.block(place, f"middle{i + 1}", lowest, lowest, normalise=True)
    for i in range(2):
        table.style_block(f"decode.{i}", f"style{i + 1}", lowest, lowest, style_dim)
    for i in range(num_blocks):
        width, channels = widths[num_blocks - 1 - i : num_blocks + 1 - i]
        place = f"decode.{2 + i}"
        table.style_block(place, f"up{i + 1}", channels, width, style_dim)
    table.norm("to_rgb.0", "out_norm", base_dim)
    table.layer("to_rgb.2", "out", 3, base_dim, 1, 1)
    return table.entries


def mapping_network_entries(
    num_domains: int, latent_dim: int = 16, style_dim: int = 64, hidden_dim: int = 512
) -> Entries:
    """The weights of a `MappingNetwork` by the published code's names for them."""
    table = _Table()
    table.layer("shared.0", "shared0", hidden_dim, latent_dim)
    for i in (1, 2, 3):
        table.layer(f"shared.{2 * i}", f"shared{i}", hidden_dim, hidden_dim)
    for domain in range(num_domains):
        for i in range(3):
            place = f"unshared.{domain}.{2 * i}"
            table.layer(place, f"domain{i}", hidden_dim, hidden_dim, domain=domain)
        place = f"unshared.{domain}.6"
        table.layer(place, "style", style_dim, hidden_dim, domain=domain)
    return table.entries


def style_encoder_entries(
    image_size: int,
    num_domains: int,
    style_dim: int = 64,
    base_dim: int | None = None,
    max_dim: int = 512,
) -> Entries:
    """The weights of a `StyleEncoder` by the published code's names for them."""
    table = _Table()
    base_dim = first_width(image_size, base_dim)
    width = table.features("shared", image_size, base_dim, max_dim)
    for domain in range(num_domains):
        table.layer(f"unshared.{domain}", "style", style_dim, width, domain=domain)
    return table.entries


def discriminator_entries(
    image_size: int, num_domains: int, base_dim: int | None = None, max_dim: int = 512
) -> Entries:
    """The weights of a `Discriminator` by the published code's names for them."""
    table = _Table()
    base_dim = first_width(image_size, base_dim)
    width = table.features("main", image_size, base_dim, max_dim)
    _, num_blocks = halvings(image_size)
    table.layer(f"main.{num_blocks + 4}", "logits", num_domains, width, 1, 1)
    return table.entries

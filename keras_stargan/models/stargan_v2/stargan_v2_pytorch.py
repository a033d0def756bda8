"""StarGAN v2's weights by the names of the published code (`clovaai/stargan-v2`)."""

from keras_stargan.models.stargan_v2.stargan_v2_networks import (
    block_widths,
    first_width,
    halvings,
)
from keras_stargan.pytorch_files import Entries

# What the published generator keeps besides: the high-pass filter itself.
GENERATOR_UNUSED = ("hpf.filter",)


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

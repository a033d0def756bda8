"""Which tables there are; importing it is light."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple


class Table(NamedTuple):
    """A table of one of the papers.

    Args:
        title: what it shows.
        maker: the module beside this one and its function that makes the table, from
            `Options` and the table's name.
        drawn: the data sets that are drawn on this machine, where none are given.
        drawn_size: the height and width of these, in pixels.
        image_size: those of the paper's pictures, to which other data are brought.
    """

    title: str
    maker: tuple[str, str]
    drawn: tuple[str, ...]
    drawn_size: int
    image_size: int

    def function(self) -> Callable:
        """Imports the function that makes the table."""
        module, name = self.maker
        package = __name__.rpartition(".")[0]
        return getattr(importlib.import_module(f"{package}.{module}"), name)


_EXPRESSIONS, _ATTRIBUTES = ("avatars:expressions",), ("avatars:attributes",)
_FACES, _BOTH = ("creatures:faces",), ("creatures:faces", "creatures:species")

TABLES = {
    "v1-classification": Table(
        "classification errors of expressions (StarGAN, table 3)",
        ("by_label", "expression_table"),
        _EXPRESSIONS,
        32,
        128,
    ),
    "v1-preference-single": Table(
        "preferences, one attribute changed (StarGAN, table 1)",
        ("by_label", "single_table"),
        _ATTRIBUTES,
        32,
        128,
    ),
    "v1-preference-multi": Table(
        "preferences, several attributes changed (StarGAN, table 2)",
        ("by_label", "multi_table"),
        _ATTRIBUTES,
        32,
        128,
    ),
    "v2-ablation": Table(
        "what each part of StarGAN v2 contributes (StarGAN v2, table 1)",
        ("by_diversity", "ablation_table"),
        _FACES,
        32,
        256,
    ),
    "v2-latent": Table(
        "realism and diversity by latent codes (StarGAN v2, table 2)",
        ("by_diversity", "latent_table"),
        _BOTH,
        32,
        256,
    ),
    "v2-reference": Table(
        "realism and diversity by references (StarGAN v2, table 3)",
        ("by_diversity", "reference_table"),
        _BOTH,
        32,
        256,
    ),
}

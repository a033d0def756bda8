"""Programs that train variants of an experiment and print them in one table."""

from collections.abc import Mapping
from typing import Any

from keras_stargan.cli import train
from keras_stargan.cli.command import Command, Flags
from keras_stargan.cli.evaluate import define_judges


def command(
    recipe: train.Recipe,
    variants: Mapping[str, Mapping[str, Any]],
    name: str,
    text: str,
) -> Command:
    """A program that trains and compares variants.

    Args:
        recipe: the experiment.
        variants: as for `experiments.comparison.compare_variants`.
        name: how the program is called in its help.
        text: what it does, for its help.
    """

    def define(flags: Flags) -> None:
        titles = "; ".join(f"{key} {each['title']}" for key, each in variants.items())
        flags.words(
            "configurations", tuple(variants), f"Any of them, in any order. {titles}."
        )
        define_judges(flags)
        train.define(recipe, flags)

    def run(flags: Flags, inputs: list[str]) -> None:
        chosen = flags.configurations
        if not chosen or set(chosen) - set(variants):
            raise ValueError(
                f"--configurations must be any of {', '.join(variants)}; received "
                f"{', '.join(chosen) or 'none'}."
            )
        settings = train.choose(recipe, flags, is_run=False)
        from keras_stargan.experiments.comparison import compare_variants

        table = compare_variants(
            settings,
            flags.output_dir,
            variants,
            chosen,
            flags.inception,
            flags.lpips,
        )
        print(f"\n{table}\nAll is in {flags.output_dir}.")

    return Command(name, text, define, run)

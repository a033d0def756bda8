r"""Trains configurations A to F of StarGAN v2's ablation, and prints its table.

    python recipes/ablation_v2.py --data_dir=celeba_hq --inception=inception_v3.pth \
        --lpips=alexnet.pth
    python recipes/ablation_v2.py --configurations=C,F    # no data: drawn faces

A is StarGAN; B has a discriminator with a logit for each domain; C R1 and AdaIN; D a
latent code; E style codes; F, StarGAN v2, also the diversity term. All see the same
pictures for as many steps. Each is a run of its own in --output_dir, and goes on where
it was if the program is started again; the table, with the published figures beside,
keeps what it had of others. It is table.md, and figures.json has all.
"""

from keras_stargan.cli import train
from keras_stargan.cli.command import Command, Flags
from keras_stargan.cli.evaluate import define_judges

CONFIGURATIONS = ("A", "B", "C", "D", "E", "F")


def command(recipe: train.Recipe, name: str) -> Command:
    """The program that runs the ablation.

    Args:
        recipe: StarGAN v2's settings and data.
        name: how the program is called in its help.
    """

    def define(flags: Flags) -> None:
        flags.words(
            "configurations",
            CONFIGURATIONS,
            f"Any of {', '.join(CONFIGURATIONS)}, in any order.",
        )
        define_judges(flags)
        train.define(recipe, flags)

    def run(flags: Flags, inputs: list[str]) -> None:
        unknown = set(flags.configurations) - set(CONFIGURATIONS)
        if unknown or not flags.configurations:
            raise ValueError(
                f"--configurations must be any of {', '.join(CONFIGURATIONS)}; "
                f"received {', '.join(flags.configurations) or 'none'}."
            )
        settings = train.choose(recipe, flags, is_run=False)
        from keras_stargan.experiments.ablation import run_ablation

        table = run_ablation(
            settings,
            flags.output_dir,
            flags.configurations,
            flags.inception,
            flags.lpips,
        )
        print(f"\n{table}\nAll is in {flags.output_dir}.")

    return Command(name, __doc__, define, run)

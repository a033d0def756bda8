r"""Makes a preset, a small file of a trained model that comes with the package.

    python recipes/make_preset.py --model=runs/avatars \
        --output=keras_stargan/presets/avatars.keras

docs/presets.md has the commands that trained the presets.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.command import Command, Flags


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string("model", None, "A .keras file, or the folder of a run.")
    flags.string("output", None, "The file to write, which ends in .keras.")


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and writes the preset."""
    if not flags.model or not (flags.output or "").endswith(".keras"):
        raise ValueError("Give --model, and --output, which ends in .keras.")
    import keras_stargan
    from keras_stargan.export.preset import write_preset

    size = write_preset(keras_stargan.load_model(flags.model), flags.output)
    print(f"Wrote {flags.output}, {size / 1e6:.2f} MB.")


main = Command("python recipes/make_preset.py", __doc__, define, run)

if __name__ == "__main__":
    sys.exit(program.run(main))

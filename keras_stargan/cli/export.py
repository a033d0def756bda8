r"""Exports a trained model as a SavedModel, which TensorFlow Serving serves.

    keras-stargan export --model=runs/v1_rafd --output_dir=models/stargan/1
    keras-stargan export --model=200000-G.ckpt --discriminator=200000-D.ckpt \
        --output_dir=models/celeba/1

A SavedModel needs neither this package nor Keras. TensorFlow Serving expects a version
number as the last folder of --output_dir. The signature translate_bytes takes PNG or
JPEG files and the name of a target, and returns PNG files; the others take and return
arrays.
"""

import pathlib

from keras_stargan.cli.command import Command, Flags


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        None,
        "A .keras file; the folder of a run; or a checkpoint of the published code.",
    )
    flags.string(
        "discriminator",
        None,
        "If --model is the published code's 200000-G.ckpt: its 200000-D.ckpt, which "
        "guesses the labels that a picture has now.",
    )
    flags.string("output_dir", None, "Folder of the SavedModel, such as models/name/1.")
    flags.alias("output", "output_dir")
    flags.boolean("overwrite", False, "Replace a SavedModel that is there already.")


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and writes the SavedModel."""
    for name in ("model", "output_dir"):
        if not getattr(flags, name):
            raise ValueError(f"Give --{name}. See --help.")
    if pathlib.Path(flags.output_dir).exists() and not flags.overwrite:
        raise ValueError(f"{flags.output_dir} exists already; --overwrite replaces it.")
    import keras_stargan
    from keras_stargan.export import export_saved_model

    companions = [flags.discriminator] if flags.discriminator else []
    model = keras_stargan.load_model(flags.model, *companions)
    export_saved_model(model, flags.output_dir)
    print(f"Wrote {flags.output_dir}.")


COMMAND = Command("keras-stargan export", __doc__, define, run)

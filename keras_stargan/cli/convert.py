r"""Converts trained models: from and to checkpoints of the published PyTorch codes.

    keras-stargan convert 200000-G.ckpt 200000-D.ckpt --output=celeba.keras
    keras-stargan convert 100000_nets_ema.ckpt --output=afhq.keras
    keras-stargan convert runs/v1_rafd --published=rafd-G.ckpt,rafd-D.ckpt

What to read: a .keras file, the folder of a run, or the files of a published code
(StarGAN's 200000-G.ckpt and 200000-D.ckpt; StarGAN v2's 100000_nets_ema.ckpt and
100000_nets.ckpt), the first of which is enough. --output is a model for
keras.saving.load_model, --saved_model a folder for TensorFlow Serving, --published the
files of the published code.

The method and the sizes of the networks are read off the weights. So is what the labels
mean if there are as many as published (for StarGAN 5, CelebA's; 8, RaFD's; 15, both);
otherwise say it by --labels and --label_kind.

--generator, --discriminator and --model also name what to read, --generator_out and
--discriminator_out also name files to write.

Needs PyTorch: pip install 'keras-stargan[torch]'.
"""

import pathlib

from keras_stargan.cli.command import Command, Flags

KINDS = ("categorical", "binary")


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string("output", None, "Model to write, a .keras file.")
    flags.string("saved_model", None, "Folder to write for TensorFlow Serving.")
    flags.words(
        "published",
        None,
        "Files to write for the published code: in its order, with commas.",
    )
    flags.words("labels", None, "Names of the labels, in their order in training.")
    flags.choice(
        "label_kind",
        None,
        KINDS,
        "categorical: a picture has one of --labels; binary: any of them (of hair "
        "colors as CelebA names them, only one is set at a time).",
    )
    flags.integer(
        "image_size",
        None,
        "Side of the pictures in pixels, if the weights do not tell it. Default: 128.",
        least=1,
    )
    flags.boolean("overwrite", False, "Replace what is there already.")
    flags.string("generator", None, "Published generator to read, 200000-G.ckpt.")
    flags.string(
        "discriminator",
        None,
        "Its discriminator, 200000-D.ckpt. Without, the model gets a new one, which "
        "cannot tell which labels an image has.",
    )
    flags.string("model", None, "Model to read: a .keras file or the folder of a run.")
    flags.string("generator_out", None, "Checkpoint of its generator to write.")
    flags.string("discriminator_out", None, "Checkpoint of its discriminator to write.")


def check(flags: Flags, inputs: list[str]) -> tuple[list[str], list[str]]:
    """Checks that the command line says what to read and what to write.

    Returns:
        The files to read, and the files to write for the published code.

    Raises:
        ValueError: unless it does, or if something to write is there already.
    """
    given = [bool(x) for x in (inputs, flags.generator, flags.model)]
    if sum(given) != 1:
        raise ValueError(
            "Name what to read, or give --generator or --model, but only one of these."
        )
    if flags.discriminator and not flags.generator:
        raise ValueError("--discriminator goes with --generator.")
    if flags.discriminator_out and not flags.generator_out:
        raise ValueError("--discriminator_out goes with --generator_out.")
    if flags.published and flags.generator_out:
        raise ValueError("Give --published or --generator_out, not both.")
    if bool(flags.labels) != bool(flags.label_kind):
        raise ValueError("Give --labels and --label_kind together.")
    sources = inputs or [flags.generator or flags.model, flags.discriminator]
    published = flags.published or [flags.generator_out, flags.discriminator_out]
    sources, published = ([x for x in names if x] for names in (sources, published))
    paths = [x for x in (flags.output, flags.saved_model, *published) if x]
    if not paths:
        raise ValueError(
            "Say what to write: --output (a .keras file), --saved_model or --published."
        )
    if flags.output and not flags.output.endswith(".keras"):
        raise ValueError(f"--output must end with .keras; received {flags.output}.")
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"{path} cannot be written twice.")
        if pathlib.Path(path).exists() and not flags.overwrite:
            raise ValueError(f"{path} exists already; --overwrite replaces it.")
    return sources, published


def run(flags: Flags, inputs: list[str]) -> None:
    """Reads, writes, and says what it read."""
    sources, published = check(flags, inputs)
    from keras_stargan.use.conversion import convert, labels_of_kind, summary

    labels = labels_of_kind(flags.labels, flags.label_kind) if flags.labels else None
    model = convert(
        sources,
        flags.output,
        flags.saved_model,
        published,
        labels=labels,
        image_size=flags.image_size,
        overwrite=flags.overwrite,
    )
    print(summary(model))
    if flags.generator and not flags.discriminator:
        print("The discriminator is a new one: no --discriminator was given.")
    written = [x for x in (flags.output, flags.saved_model, *published) if x]
    print(f"Wrote {' and '.join(written)}.")


COMMAND = Command("keras-stargan convert", __doc__, define, run, "FILE...")

r"""Converts checkpoints of the published StarGAN code (PyTorch), both ways.

    keras-stargan convert \
        --generator=200000-G.ckpt --discriminator=200000-D.ckpt --output=celeba.keras
    keras-stargan convert --model=runs/v1_rafd \
        --generator_out=rafd-G.ckpt --discriminator_out=rafd-D.ckpt

The first makes a model for keras.saving.load_model, and with --saved_model a folder
for TensorFlow Serving. The sizes of the networks are read off the weights. So is what
the labels mean if there are 5 (CelebA's, as published), 8 (RaFD's) or 15 (both);
otherwise say it by --labels and --label_kind.

Needs PyTorch: pip install 'keras-stargan[torch]'.
"""

import pathlib
from typing import TYPE_CHECKING

from keras_stargan.cli.command import Command, Flags

if TYPE_CHECKING:
    from keras_stargan.labels import LabelSet
    from keras_stargan.methods.stargan.stargan import StarGAN

KINDS = ("categorical", "binary")
FROM_PYTORCH = (
    "generator",
    "discriminator",
    "labels",
    "label_kind",
    "image_size",
    "output",
    "saved_model",
)
TO_PYTORCH = ("model", "generator_out", "discriminator_out")
WRITTEN = ("output", "saved_model", "generator_out", "discriminator_out")


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string("generator", None, "Published generator to read, 200000-G.ckpt.")
    flags.string(
        "discriminator",
        None,
        "Its discriminator, 200000-D.ckpt. Without, the model gets a new one, which "
        "cannot tell which labels an image has.",
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
        "Side of the pictures in pixels. Default: the discriminator's, or without it "
        "128.",
        least=1,
    )
    flags.string("output", None, "Model to write, a .keras file.")
    flags.string("saved_model", None, "Folder to write for TensorFlow Serving.")
    flags.string("model", None, "Model to read: a .keras file or the folder of a run.")
    flags.string("generator_out", None, "Checkpoint of its generator to write.")
    flags.string("discriminator_out", None, "Checkpoint of its discriminator to write.")
    flags.boolean("overwrite", False, "Replace what is there already.")


def check(flags: Flags) -> list[pathlib.Path]:
    """Checks that the flags say what to read and what to write.

    Returns:
        What will be written.

    Raises:
        ValueError: unless they do, or if what they name is there already.
    """
    if bool(flags.generator) == bool(flags.model):
        raise ValueError("Give --generator or --model, to read the one or the other.")
    read, others = (
        ("generator", TO_PYTORCH) if flags.generator else ("model", FROM_PYTORCH)
    )
    wrong = [name for name in others if getattr(flags, name)]
    if wrong:
        raise ValueError(f"--{wrong[0]} does not go with --{read}.")
    if flags.generator and not (flags.output or flags.saved_model):
        raise ValueError("Give --output (a .keras file), --saved_model, or both.")
    if flags.model and not flags.generator_out:
        raise ValueError("Give --generator_out, and --discriminator_out if wanted.")
    if flags.output and not flags.output.endswith(".keras"):
        raise ValueError(f"--output must end with .keras; received {flags.output}.")
    if bool(flags.labels) != bool(flags.label_kind):
        raise ValueError("Give --labels and --label_kind together.")
    named = (getattr(flags, name) for name in WRITTEN)
    paths = [pathlib.Path(path) for path in named if path]
    if len(set(paths)) < len(paths):
        raise ValueError(f"{paths[0]} cannot be written twice.")
    for path in paths:
        if path.exists() and not flags.overwrite:
            raise ValueError(f"{path} exists already; --overwrite replaces it.")
    return paths


def chosen_labels(flags: Flags) -> "LabelSet | None":
    """What the flags say about the labels; None if nothing."""
    from keras_stargan.labels import LabelSet
    from keras_stargan.labels.published import attribute_labels

    if not flags.labels:
        return None
    if flags.label_kind == "binary":
        return attribute_labels(flags.labels)
    return LabelSet(tuple(flags.labels))


def describe(model: "StarGAN") -> None:
    """Prints what was read."""
    size = model.image_size
    print(
        f"Images: {size}x{size}.\n"
        f"Generator: {model.generator.count_params():,} parameters (conv_dim "
        f"{model.conv_dim}, {model.num_residual_blocks} residual blocks).\n"
        f"Discriminator: {model.discriminator.count_params():,} parameters "
        f"({model.num_discriminator_layers} layers)."
    )
    for label_set in model.labels.sets:
        kind = " ".join(filter(None, [label_set.kind, label_set.name]))
        print(f"Labels ({kind}): {', '.join(label_set.names)}.")


def run(flags: Flags, inputs: list[str]) -> None:
    """Reads, says what it read, and writes."""
    paths = check(flags)
    from keras_stargan.export import export_saved_model
    from keras_stargan.methods.stargan.pytorch import load_pytorch, save_pytorch
    from keras_stargan.training.checkpoints import save_model
    from keras_stargan.use.translation import load_model

    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    if flags.generator:
        model = load_pytorch(
            flags.generator, flags.discriminator, chosen_labels(flags), flags.image_size
        )
        describe(model)
        if not flags.discriminator:
            print("The discriminator is a new one: no --discriminator was given.")
        if flags.output:
            save_model(model, flags.output)
        if flags.saved_model:
            export_saved_model(model, flags.saved_model)
    else:
        model = load_model(flags.model)
        describe(model)
        save_pytorch(model, flags.generator_out, flags.discriminator_out)
    print(f"Wrote {' and '.join(map(str, paths))}.")


COMMAND = Command("keras-stargan convert", __doc__, define, run)

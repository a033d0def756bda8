r"""Converts checkpoints of the published StarGAN code (PyTorch), both ways.

    python recipes/convert_checkpoint.py \
        --generator=200000-G.ckpt --discriminator=200000-D.ckpt --output=celeba.keras
    python recipes/convert_checkpoint.py --model=runs/v1_rafd \
        --generator_out=rafd-G.ckpt --discriminator_out=rafd-D.ckpt

The first makes a model for keras.saving.load_model, and with --saved_model a folder
for TensorFlow Serving. The sizes of the networks are read off the weights, and so is
what the labels mean if there are 5 (CelebA's, as published), 8 (RaFD's) or 15 (both);
say it by --labels and --label_kind if it is otherwise.

Needs PyTorch: pip install 'keras-stargan[torch]'.
"""

import program  # isort: skip

import pathlib

from absl import flags

import keras_stargan
from keras_stargan.export import export_saved_model
from keras_stargan.labels import KINDS
from keras_stargan.labels.published import attribute_labels
from keras_stargan.methods.stargan.pytorch import load_pytorch, save_pytorch
from keras_stargan.training.checkpoints import save_model
from keras_stargan.use.translation import load_model

flags.DEFINE_string("generator", None, "Published generator to read, 200000-G.ckpt.")
flags.DEFINE_string(
    "discriminator",
    None,
    "Its discriminator, 200000-D.ckpt. Without, the model's is a fresh one, and cannot "
    "tell which labels an image has.",
)
flags.DEFINE_list("labels", None, "Names of the labels, in their order in training.")
flags.DEFINE_enum(
    "label_kind",
    None,
    KINDS,
    "categorical: a picture has one of --labels; binary: any of them (of hair colours "
    "as CelebA names them, only one is set at a time).",
)
flags.DEFINE_integer(
    "image_size",
    None,
    "Side of the pictures in pixels. Default: the discriminator's, or without it 128.",
)
flags.DEFINE_string("output", None, "Model to write, a .keras file.")
flags.DEFINE_string("saved_model", None, "Folder to write for TensorFlow Serving.")
flags.DEFINE_string(
    "model", None, "Model to read: a .keras file, or the folder of a run."
)
flags.DEFINE_string("generator_out", None, "Checkpoint of its generator to write.")
flags.DEFINE_string(
    "discriminator_out", None, "Checkpoint of its discriminator to write."
)
flags.DEFINE_bool("overwrite", False, "Replace what is there already.")
FLAGS = flags.FLAGS

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


def given(names: tuple[str, ...]) -> list[str]:
    """The flags among these that are given."""
    return [name for name in names if FLAGS[name].value]


def check_flags() -> None:
    """Raises `ValueError` unless flags say what to read and write, all of it new."""
    if bool(FLAGS.generator) == bool(FLAGS.model):
        raise ValueError("Give --generator or --model, to read the one or the other.")
    read, others = (
        ("generator", TO_PYTORCH) if FLAGS.generator else ("model", FROM_PYTORCH)
    )
    if wrong := given(others):
        raise ValueError(f"--{wrong[0]} does not go with --{read}.")
    if FLAGS.generator and not given(("output", "saved_model")):
        raise ValueError("Give --output (a .keras file), --saved_model, or both.")
    if FLAGS.model and not FLAGS.generator_out:
        raise ValueError("Give --generator_out, and --discriminator_out if wanted.")
    if FLAGS.output and not FLAGS.output.endswith(".keras"):
        raise ValueError(f"--output must end with .keras; received {FLAGS.output}.")
    if bool(FLAGS.labels) != bool(FLAGS.label_kind):
        raise ValueError("Give --labels and --label_kind together.")
    paths = [pathlib.Path(FLAGS[name].value) for name in given(WRITTEN)]
    if len(set(paths)) < len(paths):
        raise ValueError(f"{paths[0]} cannot be written twice.")
    for path in paths:
        if path.exists() and not FLAGS.overwrite:
            raise ValueError(f"{path} exists already; --overwrite replaces it.")
        path.parent.mkdir(parents=True, exist_ok=True)


def chosen_labels() -> keras_stargan.LabelSet | None:
    """What the flags say of the labels."""
    if not FLAGS.labels:
        return None
    if FLAGS.label_kind == "binary":
        return attribute_labels(FLAGS.labels)
    return keras_stargan.LabelSet(tuple(FLAGS.labels))


def describe(model: keras_stargan.StarGAN) -> None:
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


def main(argv: list[str]) -> None:
    """Reads, says what it read, and writes."""
    program.refuse_arguments(argv)
    check_flags()
    if FLAGS.generator:
        model = load_pytorch(
            FLAGS.generator, FLAGS.discriminator, chosen_labels(), FLAGS.image_size
        )
        describe(model)
        if not FLAGS.discriminator:
            print("The discriminator is a fresh one: no --discriminator was given.")
        if FLAGS.output:
            save_model(model, FLAGS.output)
        if FLAGS.saved_model:
            export_saved_model(model, FLAGS.saved_model)
    else:
        model = load_model(FLAGS.model)
        describe(model)
        save_pytorch(model, FLAGS.generator_out, FLAGS.discriminator_out)
    print(f"Wrote {' and '.join(FLAGS[name].value for name in given(WRITTEN))}.")


if __name__ == "__main__":
    program.run(main)

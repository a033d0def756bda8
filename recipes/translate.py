r"""Translates pictures with a trained StarGAN: files, folders or globs.

    python recipes/translate.py --model=runs/v1_rafd --target=happy --target=sad me.jpg
    python recipes/translate.py --model=200000-G.ckpt --discriminator=200000-D.ckpt \
        --target=Blond_Hair,-Young --output_dir=blond 'people/*.jpg'

Of people/000123.jpg the translations are translated/happy/000123.png and
translated/sad/000123.png, the folder being --output_dir; translated/grid.png shows the
first 32 pictures beside theirs. Of a folder, the pictures in its folders are
translated too, into folders of the same names.

Pictures may be of any size and shape. What is cut off or padded is printed, and chosen
by --fit. A model translates pictures such as it was trained on, faces cropped alike,
and at its own size: a large photograph comes out as small as those.

Of binary labels (CelebA's), what a target does not name stays as it is. What it is,
the model's discriminator guesses for each picture, unless --source_labels says it for
all of them.
"""

import program  # isort: skip

from absl import flags

import keras_stargan
from keras_stargan.files.framing import FITS
from keras_stargan.use.translation import load_model, translate_files

flags.DEFINE_string(
    "model",
    "runs/v1_rafd",
    "A .keras file; the folder of a run; or the published code's 200000-G.ckpt.",
)
flags.DEFINE_string(
    "discriminator",
    None,
    "With the published code's --model: its 200000-D.ckpt, which guesses what the "
    "pictures are like now.",
)
flags.DEFINE_multi_string(
    "target",
    [],
    "A label's name, or of binary labels several with commas, a - before those that "
    "are to be absent (Blond_Hair,-Young). Again for each further target. Without, "
    "every label in turn, binary ones being given or taken away.",
)
flags.DEFINE_bool("list_targets", False, "Print the names, and translate nothing.")
flags.DEFINE_list(
    "source_labels",
    None,
    "Of binary labels, all that the pictures have now. Default: guessed.",
)
flags.DEFINE_string("output_dir", "translated", "Folder of the translations.")
flags.DEFINE_enum(
    "fit",
    "crop",
    FITS,
    "How a picture that is not square becomes so: the square in the middle; the face, "
    "as of RaFD's portraits in training; or all of it, padded, without the padding "
    "in the end.",
)
flags.DEFINE_bool(
    "original_size",
    False,
    "Enlarge the translations to the size of what was taken of the pictures.",
)
flags.DEFINE_integer("batch_size", 16, "Pictures translated at once.")
flags.DEFINE_bool("overwrite", False, "Replace translations that are there already.")
flags.DEFINE_bool(
    "skip_unreadable",
    False,
    "Leave damaged pictures out and say how many, instead of stopping.",
)
FLAGS = flags.FLAGS


def print_targets(labels: keras_stargan.LabelSpace) -> None:
    """Prints the labels' names, by data set."""
    for label_set, entries in zip(labels.sets, labels.entries, strict=True):
        kind = "one" if label_set.kind == "categorical" else "one or more"
        of = f"{label_set.name}: " if label_set.name else ""
        print(f"{of}{kind} of {', '.join(labels.names[entries])}")
        for group in label_set.exclusive:
            print(f"  of {', '.join(group)} only one")


def main(argv: list[str]) -> None:
    """Loads the model and translates."""
    inputs = argv[1:]
    if not inputs and not FLAGS.list_targets:
        raise ValueError("Name the pictures: files, folders or globs. See --help.")
    model = load_model(FLAGS.model, FLAGS.discriminator)
    if FLAGS.list_targets:
        print_targets(model.labels)
        return
    translate_files(
        model,
        inputs,
        FLAGS.target,
        FLAGS.output_dir,
        fit=FLAGS.fit,
        source_labels=FLAGS.source_labels,
        batch_size=FLAGS.batch_size,
        original_size=FLAGS.original_size,
        overwrite=FLAGS.overwrite,
        skip_unreadable=FLAGS.skip_unreadable,
    )


if __name__ == "__main__":
    FLAGS.set_gnu_getopt()  # Flags may follow the pictures' names.
    program.run(main)

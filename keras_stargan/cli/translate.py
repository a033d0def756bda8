r"""Translates pictures with a trained model: files, folders or globs.

    keras-stargan translate --model=avatars --target=happy
    keras-stargan translate --model=runs/v1_rafd --target=happy --target=sad me.jpg
    keras-stargan translate --model=200000-G.ckpt --discriminator=200000-D.ckpt \
        --target=Blond_Hair,-Young --output_dir=blond 'people/*.jpg'

    keras-stargan translate --model=runs/v2_afhq --target=dog --reference=rex.jpg me.jpg
    keras-stargan translate --model=runs/v2_afhq --target=dog --seed=1,2,3 me.jpg

    keras-stargan translate --model=runs/v1_rafd --target=happy --video=dance.mov

The translations of people/000123.jpg are translated/happy/000123.png and
translated/sad/000123.png, where translated is --output_dir; translated/grid.png shows
the first 32 pictures beside their translations. The pictures in a folder's own folders
are translated too, into folders of the same names. Without pictures, a few are drawn
that fit the model, if it was trained on drawn ones, and written to translated/drawn.

A model with styles (StarGAN v2) translates to a domain in the style of each --reference
or of each --seed; several are translated/dog/000123_rex.png or 000123_seed1.png.

--video translates each frame of a video, all in one style, with the video's times and
sound, to translated/happy/dance.mp4. It needs pip install 'keras-stargan[video]'.

Pictures may have any size and shape. The command prints what it cuts off or pads; --fit
chooses it. Pictures must look like those that the model was trained on, and be cropped
as they were. The model translates at its own size: a large photograph comes out small,
unless --size says another size; pictures that are not square need not be cut to squares
then.

Of binary labels (CelebA's), those that a target does not name stay as they are. The
model's discriminator guesses for each picture which it has now, unless --source_labels
says it for all of them.
"""

import os
from typing import TYPE_CHECKING, Any

from keras_stargan.cli.command import Command, Flags
from keras_stargan.cli.sizes import parse_size
from keras_stargan.experiments.settings import COMMON

if TYPE_CHECKING:
    from keras_stargan.labels import LabelSpace

FITS = ("crop", "face", "pad")
# The model, if none is named.
RUN, PRESET = "runs/v1_rafd", "avatars"


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        None,
        "A .keras file; the folder of a run; a name such as avatars, of a model that "
        "comes with this package; or the published code's 200000-G.ckpt. Default: "
        f"{RUN} if that is there, else {PRESET}.",
    )
    flags.string(
        "discriminator",
        None,
        "If --model is the published code's 200000-G.ckpt: its 200000-D.ckpt, which "
        "guesses the labels that the pictures have now.",
    )
    flags.repeated(
        "target",
        [],
        "A label's name, or several binary labels with commas, with a - before those "
        "that are to be absent (Blond_Hair,-Young). Repeat the flag for more targets. "
        "Default: each label in turn; a binary one is added or taken away.",
    )
    flags.string("video", None, "A video that is translated instead of pictures.")
    flags.repeated(
        "reference",
        [],
        "Of a model with styles: a picture, a folder or a glob of pictures, whose "
        "style the translations get. Repeat the flag for more.",
    )
    flags.words(
        "seed",
        None,
        "Of a model with styles: whole numbers with commas; each stands for a random "
        "style. Default: 0, if there is no --reference.",
    )
    flags.number(
        "psi",
        1.0,
        "Truncation of the styles of --seed: less than 1 moves them to the mean style.",
    )
    flags.boolean("list_targets", False, "Print the labels' names and end.")
    flags.words(
        "source_labels",
        None,
        "All binary labels that the pictures have now. Default: guessed.",
    )
    flags.string("output_dir", "translated", "Folder of the translations.")
    flags.alias("output", "output_dir")
    flags.choice(
        "fit",
        "crop",
        FITS,
        "How a picture becomes a square, or gets the shape of --size. crop: its "
        "middle; face: the square around the face of a portrait, as in training on the "
        "RaFD; pad: all of it, padded, and the padding removed from the translation.",
    )
    flags.string(
        "size",
        None,
        "Height x width at which the model translates, such as 96x128. Default: as in "
        "training, which it knows best.",
    )
    flags.boolean(
        "original_size",
        False,
        "Enlarge the translations to the size of what was taken of the pictures.",
    )
    flags.integer("batch_size", 16, "Pictures translated at once.", least=1)
    flags.boolean("overwrite", False, "Replace translations that are there already.")
    flags.boolean("skip_unreadable", False, COMMON["skip_unreadable"].help)


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and translates."""
    if inputs and flags.video:
        raise ValueError(
            f"Give pictures or --video, not both; received {', '.join(inputs)} besides."
        )
    try:
        seeds = [int(seed) for seed in flags.seed or ()]
    except ValueError:
        raise ValueError(
            f"--seed takes whole numbers with commas; received {','.join(flags.seed)}."
        ) from None
    size = parse_size(flags.size)
    from keras_stargan.methods.loading import load_model
    from keras_stargan.use.translation import translate_files
    from keras_stargan.use.video_translation import translate_video

    companions = [flags.discriminator] if flags.discriminator else []
    name = flags.model
    if name is None:
        name = RUN if os.path.isdir(RUN) else PRESET
        print(f"Model: {name}")
    model = load_model(name, *companions)
    if flags.list_targets:
        print_targets(model.labels)
        return
    options: dict[str, Any] = {
        "targets": flags.target,
        "output_dir": flags.output_dir,
        "fit": flags.fit,
        "source_labels": flags.source_labels,
        "batch_size": flags.batch_size,
        "original_size": flags.original_size,
        "overwrite": flags.overwrite,
        "references": flags.reference,
        "seeds": seeds,
        "psi": flags.psi,
        "size": size,
    }
    if flags.video:
        translate_video(model, flags.video, **options)
    else:
        translate_files(
            model, inputs or None, skip_unreadable=flags.skip_unreadable, **options
        )


def print_targets(labels: "LabelSpace") -> None:
    """Prints the labels' names, by data set.

    Args:
        labels: a model's `LabelSpace`.
    """
    for label_set, entries in zip(labels.sets, labels.entries, strict=True):
        kind = "one" if label_set.kind == "categorical" else "one or more"
        title = f"{label_set.name}: " if label_set.name else ""
        print(f"{title}{kind} of {', '.join(labels.names[entries])}")
        for group in label_set.exclusive:
            print(f"  only one of {', '.join(group)}")


COMMAND = Command("keras-stargan translate", __doc__, define, run, "PICTURES")

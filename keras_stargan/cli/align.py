r"""Aligns faces in pictures as StarGAN v2's faces are: upright, one place, one size.

    keras-stargan align --input=people --fan=wing.ckpt \
        --mean_landmarks=celeba_lm_mean.npz
    keras-stargan align --input=me.jpg --input='more/*.jpg' --fan=wing.ckpt

The aligned face of people/anna/01.jpg is aligned/anna/01.png, where aligned is
--output_dir. Both files are those that `bash download.sh wing` of the published code,
clovaai/stargan-v2, fetches. Without --mean_landmarks, faces are placed by the rule by
which CelebA-HQ was cropped: their eyes and mouths are where CelebA-HQ has them, but not
where the published mean face has them.

There must be one face on a picture, and it must fill much of it, as on a portrait: crop
others first. A picture without a face is left out, and named at the end.

Needs PyTorch, to read wing.ckpt: pip install 'keras-stargan[torch]'.
"""

from keras_stargan.cli.command import Command, Flags
from keras_stargan.experiments.settings import COMMON

FITS = ("crop", "face")
MIN_CERTAINTY = 0.2


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.repeated(
        "input",
        [],
        "A file, a folder (its own folders are kept) or a glob. Repeat the flag for "
        "more.",
    )
    flags.string("output_dir", "aligned", "Folder of the aligned faces.")
    flags.alias("output", "output_dir")
    flags.string("fan", "wing.ckpt", "The published weights of the landmark network.")
    flags.string(
        "mean_landmarks",
        None,
        "The published mean face, celeba_lm_mean.npz. Default: CelebA-HQ's rule.",
    )
    flags.integer("size", 256, "Width and height of the aligned faces in pixels.")
    flags.choice(
        "fit",
        "crop",
        FITS,
        "What is taken first of a picture that is not square. crop: the square in its "
        "middle; face: a little less and higher up, as of portraits.",
    )
    flags.number(
        "min_certainty",
        MIN_CERTAINTY,
        "A picture counts as one without a face if the network is less sure than this; "
        "from 0 to about 1.",
    )
    flags.integer("batch_size", 16, "Pictures aligned at once.")
    flags.boolean("overwrite", False, "Replace aligned faces that are there already.")
    flags.boolean("skip_unreadable", False, COMMON["skip_unreadable"].help)


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the landmark network and aligns."""
    inputs = [*flags.input, *inputs]
    if not inputs:
        raise ValueError("Name the pictures: --input=a file, folder or glob.")
    from keras_stargan.faces.aligned_files import align_files
    from keras_stargan.faces.alignment import load_mean_landmarks
    from keras_stargan.pretrained.fan.networks import FAN
    from keras_stargan.pretrained.fan.pytorch import load_weights

    mean_landmarks = None
    if flags.mean_landmarks:
        mean_landmarks = load_mean_landmarks(flags.mean_landmarks)
    fan = FAN()
    load_weights(fan, flags.fan)
    align_files(
        fan,
        inputs,
        flags.output_dir,
        mean_landmarks,
        size=flags.size,
        fit=flags.fit,
        min_certainty=flags.min_certainty,
        batch_size=flags.batch_size,
        overwrite=flags.overwrite,
        skip_unreadable=flags.skip_unreadable,
    )


COMMAND = Command("keras-stargan align", __doc__, define, run, "PICTURES")

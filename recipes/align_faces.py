r"""Aligns faces in pictures, as StarGAN v2's faces are: upright, one place, one size.

    python recipes/align_faces.py --input=people --fan=wing.ckpt \
        --mean_landmarks=celeba_lm_mean.npz
    python recipes/align_faces.py --input=me.jpg --input='more/*.jpg' --fan=wing.ckpt

Of people/anna/01.jpg the aligned face is aligned/anna/01.png, the folder being
--output_dir. Both files are what `bash download.sh wing` of the published code,
clovaai/stargan-v2, fetches. Without --mean_landmarks, faces are placed by the rule by
which CelebA-HQ was cropped: their eyes and mouths where CelebA-HQ has them, but not by
the published mean face.

There must be one face on a picture, and it must fill much of it, as on a portrait: crop
others first. A picture without a face is left out, and named at the end.

Needs PyTorch, to read wing.ckpt: pip install 'keras-stargan[torch]'.
"""

import program  # isort: skip

from absl import flags

from keras_stargan.faces.aligned_files import align_files
from keras_stargan.faces.alignment import FITS, MIN_CERTAINTY, load_mean_landmarks
from keras_stargan.pretrained.fan.networks import FAN
from keras_stargan.pretrained.fan.pytorch import load_weights

flags.DEFINE_multi_string(
    "input",
    [],
    "A file, a folder (its folders are kept) or a glob. Again for each further one.",
)
flags.DEFINE_string("output_dir", "aligned", "Folder of the aligned faces.")
flags.DEFINE_string("fan", "wing.ckpt", "The published weights of the FAN.")
flags.DEFINE_string(
    "mean_landmarks",
    None,
    "The published mean face, celeba_lm_mean.npz. Default: CelebA-HQ's rule instead.",
)
flags.DEFINE_integer("size", 256, "Width and height of the aligned faces in pixels.")
flags.DEFINE_enum(
    "fit",
    "crop",
    FITS,
    "What is taken first of a picture that is not square: the square in the middle, or "
    "a little less and higher up, as of portraits.",
)
flags.DEFINE_float(
    "min_certainty",
    MIN_CERTAINTY,
    "What FAN is less sure of is no face; from 0 to about 1.",
)
flags.DEFINE_integer("batch_size", 16, "Pictures aligned at once.")
flags.DEFINE_bool("overwrite", False, "Replace aligned faces that are there already.")
flags.DEFINE_bool(
    "skip_unreadable",
    False,
    "Leave damaged pictures out and say how many, instead of stopping.",
)
FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    """Loads the FAN and aligns."""
    program.refuse_arguments(argv)
    if not FLAGS.input:
        raise ValueError("Name the pictures: --input=a file, folder or glob.")
    mean_landmarks = None
    if FLAGS.mean_landmarks:
        mean_landmarks = load_mean_landmarks(FLAGS.mean_landmarks)
    fan = FAN()
    load_weights(fan, FLAGS.fan)
    align_files(
        fan,
        FLAGS.input,
        FLAGS.output_dir,
        mean_landmarks,
        size=FLAGS.size,
        fit=FLAGS.fit,
        min_certainty=FLAGS.min_certainty,
        batch_size=FLAGS.batch_size,
        overwrite=FLAGS.overwrite,
        skip_unreadable=FLAGS.skip_unreadable,
    )


if __name__ == "__main__":
    program.run(main)

"""What the recipes that evaluate a StarGAN v2 share: networks that judge, columns."""

from absl import flags

from keras_stargan.evaluation import judges
from keras_stargan.evaluation.judges import columns as columns

FLAGS = flags.FLAGS
# The flags are the recipes', or their --help would not show them.
flags.disclaim_key_flags()


def define_flags() -> None:
    """Defines the flags that name the networks."""
    flags.DEFINE_string(
        "inception",
        None,
        "Inception-v3 for FID and KID: a file of torchvision's weights, which the "
        "published code takes, or of the standard FID's; or imagenet, Keras' own. "
        "Default: no FID, but the features of a classifier that is trained on the "
        "spot, which then also says what is not taken for its domain.",
    )
    flags.DEFINE_string("lpips", None, "LPIPS: the file of torchvision's AlexNet.")


def judges_of_flags() -> judges.Judges:
    """The networks that flags name, read from their files."""
    return judges.Judges.load(FLAGS.inception, FLAGS.lpips)

"""The command `tfds build` for this package's builders, with all of its flags.

    python -m keras_stargan.data.tfds_build rafd --manual_dir=RaFD

The command `tfds` itself does not start without Apache Beam, which these builders do
not need: https://github.com/tensorflow/datasets/issues/5463
"""

from absl import app
from tensorflow_datasets.scripts.cli import build, cli_utils

from keras_stargan.data.readers import tfds_builders

if __name__ == "__main__":
    app.run(
        lambda args: args.execute(),
        flags_parser=cli_utils.make_flags_parser(build.Args, tfds_builders.__doc__),
    )

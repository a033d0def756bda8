"""Writes a data set as shards, to train on more pictures than a disk or memory holds.

    keras-stargan shard --data=celeba:CelebA --image_size=128 --output_dir=shards
    keras-stargan shard pictures --image_size=256 --output_dir=gs://bucket/shards
    keras-stargan train stargan --data=shards:shards --image_size=128

Pictures are read one by one, cropped and resized as for training, and written as PNG
files in TFRecord files: training on the shards is then, to the bit, training on the
pictures. The training and the test part are divided here. If it is interrupted, the
same command goes on.
"""

from __future__ import annotations

from keras_stargan.cli.command import Command, Flags
from keras_stargan.experiments.data_sources import check_source, complete_source
from keras_stargan.experiments.settings import COMMON


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "data", None, "The pictures, as for training. The flag's name may be left out."
    )
    flags.string("output_dir", None, "Folder, or address such as gs://, of the shards.")
    flags.alias("output", "output_dir")
    flags.integer("image_size", None, "Side of the pictures in pixels.", least=1)
    flags.choice(
        "encoding",
        "png",
        ("png", "jpeg"),
        "PNG loses nothing; JPEG takes about a third of the space.",
    )
    flags.integer("quality", 95, "Of JPEG.", least=1, most=100)
    flags.integer("pictures_per_shard", 4096, "Pictures in a file.", least=1)
    flags.words("attributes", None, COMMON["attributes"].help)
    flags.words("select", None, COMMON["select"].help)
    flags.integer("test_images", None, COMMON["test_images"].help, least=1)
    flags.integer("seed", 0, "Decides which pictures are held out.", least=0)
    flags.boolean("skip_unreadable", False, COMMON["skip_unreadable"].help)
    flags.string("cache_dir", None, COMMON["cache_dir"].help)


def run(flags: Flags, inputs: list[str]) -> None:
    """Writes the shards, and says how to train on them."""
    sources = [*inputs, *([flags.data] if flags.data else [])]
    if len(sources) != 1 or not flags.output_dir or not flags.image_size:
        raise ValueError(
            "Give one data set, --image_size and --output_dir; received "
            f"{', '.join(sources) or 'no data'}, --image_size={flags.image_size} and "
            f"--output_dir={flags.output_dir}. See --help."
        )
    source = complete_source(sources[0])
    check_source(source)
    from keras_stargan.data.shard_writing import write_shards
    from keras_stargan.experiments.data_sources import load_data

    parts = load_data(
        source,
        flags.image_size,
        seed=flags.seed,
        attributes=flags.attributes,
        test_images=flags.test_images,
        cache_dir=flags.cache_dir,
        select=flags.select,
        stream=True,
    )
    try:
        write_shards(
            parts,
            flags.output_dir,
            flags.encoding,
            flags.quality,
            flags.pictures_per_shard,
            flags.skip_unreadable,
            source,
        )
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on with the next shard.")
        raise
    print(f"Wrote {flags.output_dir}. To train:")
    print(
        f"  keras-stargan train stargan --data=shards:{flags.output_dir} "
        f"--image_size={flags.image_size}"
    )


COMMAND = Command("keras-stargan shard", __doc__, define, run, "DATA")

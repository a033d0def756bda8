"""Compares the speed of the input pipeline with that of a training step.

In one run, it times the preparation of JPEG files of CelebA's size (decode, crop,
resize), which is done once; the batches of `training_dataset` from memory, from a
memory-mapped file, and from such a file that is not in the system's memory yet; batches
that are decoded when they are needed, from the JPEG files and from shards; and a
training step of the published StarGAN that does not update the generator, which is the
fastest kind of step.
"""

import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image

import keras_stargan
from keras_stargan.data import (
    ImageFiles,
    ImageSet,
    load_shards,
    training_dataset,
    write_shards,
)

flags.DEFINE_integer("image_size", 128, "Side of the pictures in pixels.")
flags.DEFINE_integer("batch_size", 16, "Pictures in a step.")
flags.DEFINE_integer("pictures", 4096, "JPEG files to prepare.")
flags.DEFINE_integer("steps", 2, "Training steps timed, after one to warm up.")
flags.DEFINE_string(
    "folder", None, "Where files are made. Default: for temporary ones."
)
FLAGS = flags.FLAGS


def make_files(folder: pathlib.Path) -> ImageFiles:
    """Smooth pictures with a little noise: files of about CelebA's size in bytes."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(FLAGS.pictures):
        coarse = Image.fromarray(rng.integers(0, 256, (11, 9, 3), "uint8"))
        smooth = np.asarray(coarse.resize((178, 218), Image.Resampling.BICUBIC), int)
        noisy = np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255)
        paths.append(folder / f"{i + 1:06}.jpg")
        Image.fromarray(noisy.astype("uint8")).save(paths[-1], quality=90)
    labels = np.eye(8)[rng.integers(0, 8, len(paths))]
    label_set = keras_stargan.LabelSet(tuple("abcdefgh"))
    return ImageFiles(paths, labels, label_set, np.arange(len(paths)))


def batches_rate(image_set: ImageSet) -> float:
    """Images per second over one pass."""
    steps = len(image_set) // FLAGS.batch_size
    dataset = training_dataset(image_set, FLAGS.batch_size).take(steps)
    start = time.perf_counter()
    for _ in dataset:
        pass
    return steps * FLAGS.batch_size / (time.perf_counter() - start)


def forget(folder: pathlib.Path) -> None:
    """Have the system drop from its memory what it holds of the files."""
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def step_rate(image_set: ImageSet) -> float:
    """Images per second that training eats."""
    model = keras_stargan.StarGAN(image_size=FLAGS.image_size, num_labels=8)
    model.compile()
    batches = iter(training_dataset(image_set, FLAGS.batch_size))
    model.train_on_batch(*next(batches))
    start = time.perf_counter()
    for _ in range(FLAGS.steps):
        model.train_on_batch(*next(batches))
    return FLAGS.steps * FLAGS.batch_size / (time.perf_counter() - start)


def main(argv: list[str]) -> None:
    """Measures and prints the rates."""
    del argv
    with tempfile.TemporaryDirectory(dir=FLAGS.folder) as name:
        pictures, cache = pathlib.Path(name, "pictures"), pathlib.Path(name, "cache")
        pictures.mkdir()
        files = make_files(pictures)
        size = sum(path.stat().st_size for path in pictures.iterdir()) / len(files)
        print(f"{len(files)} files of {size / 1e3:.1f} kB")
        start = time.perf_counter()
        in_memory = files.read(FLAGS.image_size, cache_dir=cache)
        rates = {"preparing, once": len(files) / (time.perf_counter() - start)}
        batches_rate(in_memory)  # the first one loads code
        rates["batches from memory"] = batches_rate(in_memory)
        forget(cache)
        mapped = files.read(FLAGS.image_size, cache_dir=cache, memory_limit=0)
        rates["memory-mapped, first pass"] = batches_rate(mapped)
        rates["memory-mapped, later"] = batches_rate(mapped)
        rates["streamed JPEG files"] = batches_rate(files.stream(FLAGS.image_size))
        for encoding in ("png", "jpeg"):
            folder = pathlib.Path(name, encoding)
            write_shards((in_memory, in_memory.subset(slice(1))), folder, encoding)
            streamed, _ = load_shards(folder)
            forget(folder)
            rates[f"{encoding} shards, first pass"] = batches_rate(streamed)
            rates[f"{encoding} shards, later"] = batches_rate(streamed)
            size = sum(path.stat().st_size for path in folder.iterdir()) / len(files)
            print(f"{encoding} shards: {size / 1e3:.1f} kB a picture")
        step = step_rate(mapped)
    cores = len(os.sched_getaffinity(0))
    device = (tf.config.list_physical_devices("GPU") or ["CPU"])[0]
    print(f"training step: {step:.1f} images/s ({cores} cores, {device})")
    for what, rate in rates.items():
        print(f"{what}: {rate:.0f} images/s, {rate / step:.0f} times the step")


if __name__ == "__main__":
    app.run(main)

"""Shards: what is written, what is read, and what is wrong with them."""

import json
import os
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_stargan import LabelSet
from keras_stargan.cli import check, shard
from keras_stargan.data import ImageSet, StreamedImages, load_shards, write_shards
from keras_stargan.data.batches import BATCHES
from keras_stargan.evaluation.features import image_statistics
from keras_stargan.experiments.data_sources import load_data
from keras_stargan.files.records import record_lengths

SIZE, COUNTS = 8, (10, 3)
LABELS = LabelSet(("Hair", "Hat", "Beard"), "binary", (("Hair", "Hat"),), "faces")


def make_part(count, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, SIZE, SIZE, 3), "uint8")
    subjects = [f"{seed}-{i // 2}" for i in range(count)]
    return ImageSet(images, rng.integers(0, 2, (count, 3)), LABELS, subjects)


PARTS = tuple(make_part(count, seed) for seed, count in enumerate(COUNTS))


@pytest.fixture
def shards(tmp_path):
    write_shards(PARTS, tmp_path, pictures_per_shard=4, source="somewhere")
    return tmp_path


def assert_equal_sets(one, other):
    np.testing.assert_array_equal(np.asarray(one.images), np.asarray(other.images))
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.label_set == other.label_set and one.aligned == other.aligned
    # Subjects become numbers, in the same order.
    for image_set in (one, other):
        assert len(image_set.subjects) == len(one)
    np.testing.assert_array_equal(
        *(np.unique(s.subjects, return_inverse=True)[1] for s in (one, other))
    )


@pytest.mark.parametrize("place", ["folder", "ram://bucket/shards"])
def test_shards_give_what_was_written(place, tmp_path):
    place = tmp_path / place if place == "folder" else place
    write_shards(PARTS, place, pictures_per_shard=4)
    for part, loaded in zip(PARTS, load_shards(place), strict=True):
        assert_equal_sets(part, loaded)
    names = set(tf.io.gfile.listdir(str(place)))
    files = {f"train-0000{i}-of-00003.tfrecord" for i in range(3)}
    files |= {"test-00000-of-00001.tfrecord", "shards.json", "train.npz", "test.npz"}
    assert names == files


def test_batches_of_shards_are_those_from_memory(shards):
    loaded = load_shards(shards)
    one, other = (
        list(BATCHES["labelled"](parts, 5, first_step=4).take(2).as_numpy_iterator())
        for parts in ([PARTS[0]], [loaded[0]])
    )
    for batch, expected in zip(one, other, strict=True):
        for name, values in batch.items():
            np.testing.assert_array_equal(values, expected[name])


def test_records_are_examples_that_other_programs_read(shards):
    paths = sorted(map(str, shards.glob("train-*.tfrecord")))
    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "labels": tf.io.FixedLenFeature([3], tf.int64),
    }
    examples = [
        tf.io.parse_single_example(record, features)
        for record in tf.data.TFRecordDataset(paths)
    ]
    pixels = [tf.io.decode_png(example["image"]) for example in examples]
    np.testing.assert_array_equal(pixels, PARTS[0].images)
    labels = [example["labels"] for example in examples]
    np.testing.assert_array_equal(labels, PARTS[0].labels)
    lengths = np.concatenate([record_lengths(path) for path in paths])
    with np.load(shards / "train.npz") as arrays:
        np.testing.assert_array_equal(lengths, arrays["lengths"])


def test_writing_goes_on_after_an_interruption(tmp_path):
    train, test = PARTS

    def decode(row):
        if row == 6:
            raise KeyboardInterrupt
        return train.images[row]

    broken = ImageSet(
        StreamedImages(decode, len(train), SIZE), train.labels, LABELS, train.subjects
    )
    with pytest.raises(KeyboardInterrupt):
        write_shards((broken, test), tmp_path, pictures_per_shard=4)
    first = tmp_path / "train-00000-of-00003.tfrecord"
    inode = os.stat(first).st_ino
    assert not list(tmp_path.glob("*00001*"))
    with pytest.raises(FileNotFoundError, match=r"no shards.json.*interrupted"):
        load_shards(tmp_path)
    with pytest.raises(ValueError, match="other are: pictures_per_shard"):
        write_shards(PARTS, tmp_path, pictures_per_shard=5)
    write_shards(PARTS, tmp_path, pictures_per_shard=4)
    assert os.stat(first).st_ino == inode
    assert_equal_sets(train, load_shards(tmp_path)[0])
    with pytest.raises(ValueError, match=r"There are shards in .* already"):
        write_shards(PARTS, tmp_path, pictures_per_shard=4)


def test_attributes_are_chosen(shards):
    train, _ = load_data(f"shards:{shards}", SIZE, attributes=["Beard", "Hair"])
    assert train.label_set == LabelSet(("Beard", "Hair"), "binary", (), "faces")
    np.testing.assert_array_equal(train.labels, PARTS[0].labels[:, [2, 0]])


def test_statistics_of_the_same_shards_are_taken_once(shards, tmp_path):
    looked_at = []

    def features(images, batch_size):
        looked_at.append(len(images))
        return images.reshape(len(images), -1)[:, :4].astype("float64")

    network = types.SimpleNamespace(fingerprint=lambda: "f", features=features)
    for rows, total in (([0, 3, 5], 3), ([0, 3, 5], 3), ([0, 3, 6], 6)):
        image_statistics(
            network, load_shards(shards)[0].images, rows, 2, tmp_path, verbose=0
        )
        assert sum(looked_at) == total


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def other_arrays(path):
    path.with_name("train.npz").write_bytes(path.with_name("test.npz").read_bytes())


def other_format(path):
    change_description(path, lambda about: about.update(format=9))


def no_size(path):
    change_description(path, lambda about: about.pop("image_size"))


def change_description(path, change):
    description = path.with_name("shards.json")
    about = json.loads(description.read_text())
    change(about)
    description.write_text(json.dumps(about))


@pytest.mark.parametrize(
    "spoil, message",
    [
        (
            pathlib.Path.unlink,
            r"train-00001-of-00003.tfrecord must have .* is not there",
        ),
        (cut, r"train-00001-of-00003.tfrecord must have \d+ bytes, but has \d+"),
        (other_arrays, r"train.npz does not belong to shards.json"),
        (no_size, r"shards.json does not say 'image_size'"),
        (other_format, r"must say \"format\": 1"),
    ],
)
def test_shards_that_do_not_fit_are_named(shards, spoil, message):
    spoil(shards / "train-00001-of-00003.tfrecord")
    with pytest.raises(ValueError, match=message):
        load_shards(shards)


def test_shards_of_another_size_are_refused(shards):
    with pytest.raises(ValueError, match=r"have 8 px; image_size is 16\. Give"):
        load_data(str(shards), 16)


def test_a_damaged_record_is_named(shards, capsys):
    path = shards / "train-00001-of-00003.tfrecord"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    images = load_shards(shards)[0].images
    np.testing.assert_array_equal(images[6], PARTS[0].images[6])
    damaged = "00001-of-00003.tfrecord, record 3 is damaged"
    with pytest.raises(ValueError, match=damaged):
        images[7]
    with pytest.raises(ValueError, match=r"1 pictures cannot be read\."):
        check.COMMAND([str(shards)])
    assert damaged in capsys.readouterr().out
    content[-20] ^= 1
    path.write_bytes(content)
    check.COMMAND([f"shards:{shards}"])
    assert "as they were written" in capsys.readouterr().out


def test_a_file_that_holds_no_whole_records_is_named(shards):
    path = shards / "test-00000-of-00001.tfrecord"
    cut(path)
    with pytest.raises(ValueError, match="is no TFRecord file, or is truncated"):
        record_lengths(str(path))


def test_the_command_shards_picture_files(tmp_path, capsys):
    pets, output = tmp_path / "pets", tmp_path / "shards"
    for number, pixels in enumerate(PARTS[0].images):
        folder = pets / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    arguments = [str(pets), f"--output_dir={output}", f"--image_size={SIZE}"]
    shard.COMMAND(arguments)
    assert f"--data=shards:{output}" in capsys.readouterr().out
    from_files = load_data(f"folders:{pets}", SIZE, cache_dir=tmp_path)
    # The folder alone is enough.
    for one, other in zip(from_files, load_data(str(output), SIZE), strict=True):
        assert_equal_sets(one, other)

    (pets / "cat" / "0.png").write_bytes(b"nothing")
    arguments[1] += "2"
    with pytest.raises(ValueError, match=r"0\.png' cannot be read.*skip_unreadable"):
        shard.COMMAND(arguments)
    shard.COMMAND([*arguments, "--skip_unreadable"])
    assert "Left out: 1 of 10 pictures" in capsys.readouterr().out
    assert sum(map(len, load_data(f"{output}2", SIZE))) == 9


@pytest.mark.parametrize("given", [[], ["a", "--output_dir=b"], ["--data=a", "c"]])
def test_the_command_names_what_it_needs(given):
    with pytest.raises(ValueError, match="Give one data set, --image_size and"):
        shard.COMMAND(given)


def test_jpeg_is_smaller_and_near(tmp_path):
    rows = np.linspace(0, 255, 64).astype("uint8")
    images = np.broadcast_to(rows[:, None, None], (2, 64, 64, 3))
    part = ImageSet(images, np.ones((2, 3)), LABELS, np.arange(2))
    for encoding in ("png", "jpeg"):
        write_shards((part, part), tmp_path / encoding, encoding)
    loaded, _ = load_shards(tmp_path / "jpeg")
    assert np.abs(loaded.images[:].astype(int) - images).max() < 8
    with pytest.raises(ValueError, match=r"encoding must be one of png, jpeg.*'webp'"):
        write_shards((part, part), tmp_path / "webp", "webp")

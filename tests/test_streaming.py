"""Images that are decoded when a batch needs them."""

import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_stargan import LabelSet
from keras_stargan.data import ImageSet, StreamedImages
from keras_stargan.data.batches import BATCHES
from keras_stargan.data.streamed_images import joined
from keras_stargan.experiments.data_sources import load_data
from keras_stargan.training import runs

COUNT, SIZE = 12, 8
ARRAY = np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE, 3), "uint8")


def streamed(decoded=None):
    def decode(row):
        if decoded is not None:
            decoded.append(row)
        return ARRAY[row]

    return StreamedImages(decode, COUNT, SIZE)


def make_set(images):
    labels = np.eye(2)[np.arange(COUNT) % 2]
    subjects = np.arange(COUNT) // 2
    return ImageSet(images, labels, LabelSet(("a", "b")), subjects, aligned=True)


@pytest.mark.parametrize(
    "which", [3, -1, slice(2, 9, 3), slice(0), [4, 4, 0], np.arange(COUNT) > 7], ids=str
)
def test_streamed_images_are_indexed_as_arrays(which):
    np.testing.assert_array_equal(streamed()[which], ARRAY[which])


def test_streamed_images_are_arrays_otherwise():
    images = streamed()
    assert (images.shape, images.dtype, images.ndim) == (ARRAY.shape, ARRAY.dtype, 4)
    np.testing.assert_array_equal(images.take(np.array([5, 1]), axis=0), ARRAY[[5, 1]])
    np.testing.assert_array_equal(np.stack(list(images)), ARRAY)
    np.testing.assert_array_equal(np.asarray(images, "float32"), ARRAY)
    both = joined(ARRAY[:2], images)
    np.testing.assert_array_equal(both[1:4], ARRAY[[1, 0, 1]])


def test_an_image_set_decodes_nothing_before_it_is_asked():
    decoded = []
    image_set = make_set(streamed(decoded))
    train, test = image_set.split_by_subject(0.5)
    domain = test.select(["b"]).subset(slice(1, 3))
    assert decoded == []
    expected = make_set(ARRAY).split_by_subject(0.5)[1].select(["b"]).images[1:3]
    np.testing.assert_array_equal(domain.images[:], expected)
    assert len(decoded) == 2 and len(train) == COUNT // 2


@pytest.mark.parametrize("kind", list(BATCHES))
def test_streamed_batches_are_those_from_memory(kind):
    one, other = (
        next(iter(BATCHES[kind]([make_set(images)], 4, first_step=2)))
        for images in (ARRAY, streamed())
    )
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


def test_a_worker_decodes_the_images_of_its_rows_only():
    asked = []

    class Asked(StreamedImages):
        def take(self, rows, axis=0):
            asked.append(len(rows))
            return super().take(rows, axis)

    image_set = make_set(Asked(ARRAY.__getitem__, COUNT, SIZE))
    batch = next(iter(BATCHES["labelled"]([image_set], 8, part=(1, 4))))
    assert len(batch["images"]) == 2
    assert set(asked) == {2}


def test_pictures_of_files_are_streamed_as_they_are_prepared(tmp_path):
    for number, pixels in enumerate(ARRAY):
        folder = tmp_path / "pets" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    for source in ("folders", "pairs"):
        if source == "pairs":
            for path in (tmp_path / "pets" / "b").iterdir():
                path.rename(path.with_name(f"{int(path.stem) - 1}.png"))
        arguments = f"{source}:{tmp_path / 'pets'}", 6
        parts = (
            load_data(*arguments, cache_dir=tmp_path),
            load_data(*arguments, stream=True),
        )
        for prepared, lazy in zip(*parts, strict=True):
            assert isinstance(lazy.images, StreamedImages)
            assert prepared.aligned == lazy.aligned == (source == "pairs")
            np.testing.assert_array_equal(prepared.images, lazy.images[:])
            np.testing.assert_array_equal(prepared.labels, lazy.labels)
    with pytest.raises(ValueError, match="only one of stream and skip_unreadable"):
        load_data(*arguments, stream=True, skip_unreadable=True)


def test_a_run_that_cannot_read_a_picture_keeps_its_steps_and_names_the_picture(
    tmp_path, monkeypatch, capsys
):
    def decode(row):
        if row == 7:
            raise ValueError("picture 7 is damaged")
        return ARRAY[row]

    image_set = make_set(StreamedImages(decode, COUNT, SIZE))

    class Model(types.SimpleNamespace):
        def fit(self, dataset, **_):
            for _ in dataset:
                self.global_step += 1

    saved = []
    monkeypatch.setattr(
        runs, "save_checkpoint", lambda m, _: saved.append(m.global_step)
    )
    model = Model(global_step=0, distribute_strategy=tf.distribute.get_strategy())
    with pytest.raises(ValueError, match="picture 7 is damaged") as error:
        runs.train(
            model,
            lambda step: BATCHES["labelled"]([image_set], 1, first_step=step),
            COUNT,
            COUNT,
            tmp_path,
            {},
            data_fault=lambda: image_set.images.fault,
        )
    assert isinstance(error.value.__cause__, tf.errors.OpError)
    assert saved == [model.global_step] and model.global_step < COUNT
    assert "go on with --resume" in capsys.readouterr().out

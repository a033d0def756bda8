import runpy
import shutil
import sys
import tempfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from keras_stargan.data import load_folders, load_rafd
from keras_stargan.data.inspection import inspect_pictures
from keras_stargan.data.readers import tfds_reader
from keras_stargan.data.readers.celeba import ATTRIBUTES
from keras_stargan.data.readers.tfds_builders import PictureFolders, Rafd
from keras_stargan.data.readers.tfds_reader import list_tfds, load_tfds
from keras_stargan.labels.published import EXPRESSIONS

# Not square, so that the crop matters.
PORTRAIT = (30, 44)


def save(path, seed, size=PORTRAIT, mode="RGB", **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), "uint8")
    Image.fromarray(noise).convert(mode).save(path, **kwargs)
    return path


def make_rafd(root, subjects=3):
    for person in range(1, subjects + 1):
        for place, expression in enumerate(EXPRESSIONS.names):
            name = f"Rafd090_{person:02}_Caucasian_female_{expression}_frontal.jpg"
            save(root / name, 8 * person + place)
    return root


def make_folders(root):
    """Already split, in all formats, in folders whose order is not the alphabet's."""
    for split, seed in (("train", 0), ("test", 10)):
        save(root / split / "10" / "turned.jpg", seed, exif=turned())
        save(root / split / "10" / "cmyk.jpg", seed + 1, mode="CMYK")
        save(root / split / "10" / "clear.png", seed + 2, mode="RGBA")
        save(root / split / "2" / "palette.png", seed + 3, mode="P")
        save(root / split / "2" / "bitmap.bmp", seed + 4)
        save(root / split / "2" / "other.webp", seed + 5, lossless=True)
    return root


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def prepare(builder, manual_dir=None):
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    builder.download_and_prepare(download_config=config)


def build(*arguments):
    """Run the command, in this process since TensorFlow starts slowly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tfds_build", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            runpy.run_module("keras_stargan.data.tfds_build", run_name="__main__")
    assert not exit_.value.code


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def rafd(tmp_path_factory):
    """The pictures' folder, and TFDS's with them in three shards."""
    root = tmp_path_factory.mktemp("rafd")
    pictures, data_dir = make_rafd(root / "pictures"), root / "tfds"
    build(
        "rafd", f"--manual_dir={pictures}", f"--data_dir={data_dir}", "--num_shards=3"
    )
    return pictures, data_dir


def in_order(part):
    order = np.lexsort((part.labels.argmax(axis=1), part.subjects))
    return part.subset(order)


def assert_same(part, other):
    assert part.label_set == other.label_set
    part, other = in_order(part), in_order(other)
    np.testing.assert_array_equal(part.subjects, other.subjects)
    np.testing.assert_array_equal(part.labels, other.labels)
    np.testing.assert_array_equal(part.images, other.images)


class BuilderCase(tfds.testing.DatasetBuilderTestCase):
    def test_session(self, *args, **kwargs):
        return super().test_session(*args, **kwargs)

    test_session.__test__ = False  # tf.test.TestCase's, no test.

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.EXAMPLE_DIR)
        cls.make(tfds.core.Path(cls.EXAMPLE_DIR))
        super().setUpClass()


class TestRafd(BuilderCase):
    DATASET_CLASS = Rafd
    SPLITS = {"train": 24}
    make = staticmethod(make_rafd)


class TestPictureFolders(BuilderCase):
    DATASET_CLASS = PictureFolders
    SPLITS = {"train": 6, "test": 6}
    make = staticmethod(make_folders)


del BuilderCase  # Or it would be run as a test by itself.


def test_shards_are_written_as_many_as_asked_for(rafd):
    shards = sorted((rafd[1] / "rafd" / "1.0.0").glob("*.tfrecord-*"))
    assert [path.name[-14:] for path in shards] == [
        f"0000{i}-of-00003" for i in range(3)
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_rafd_is_as_read_from_the_files(rafd, seed):
    pictures, data_dir = rafd
    read = load_tfds("rafd", 12, data_dir, test_fraction=0.3, seed=seed)
    expected = load_rafd(pictures, 12, test_fraction=0.3, seed=seed)
    for part, other in zip(read, expected, strict=True):
        assert_same(part, other)


def test_pictures_are_streamed_as_they_are_read(rafd):
    read = load_tfds("rafd", 12, rafd[1])
    for part, files in zip(read, list_tfds("rafd", rafd[1]), strict=True):
        np.testing.assert_array_equal(files.stream(12).images[:], part.images)


def test_labels_are_read_once(rafd, tmp_path, monkeypatch):
    first, _ = list_tfds("rafd", rafd[1], cache_dir=tmp_path)
    monkeypatch.setattr(tfds_reader, "_examples", None)
    again, _ = list_tfds("rafd", rafd[1], cache_dir=tmp_path)
    for name in ("paths", "labels", "subjects", "rows", "numbers"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_folders_are_as_read_from_the_files_and_need_them_no_more(tmp_path):
    pictures, data_dir = make_folders(tmp_path / "pets"), tmp_path / "tfds"
    expected = load_folders(pictures, 12)
    build(
        "picture_folders",
        f"--manual_dir={pictures}",
        f"--data_dir={data_dir}",
        '--config={"name": "pets"}',
    )
    shutil.rmtree(pictures)
    read = load_tfds("picture_folders/pets", 12, data_dir)
    assert read[0].label_set.names == ("2", "10")
    for part, other in zip(read, expected, strict=True):
        assert_same(part, other)


def test_pictures_that_every_reader_knows_keep_their_bytes(rafd):
    pictures, data_dir = rafd
    builder = tfds.builder_from_directory(data_dir / "rafd" / "1.0.0")
    raw = {"image": tfds.decode.SkipDecoding()}
    for example in builder.as_dataset("train", decoders=raw).as_numpy_iterator():
        file = pictures / example["filename"].decode()
        assert example["image"] == file.read_bytes()


def test_unreadable_picture_is_named_or_left_out(tmp_path):
    pictures, data_dir = make_folders(tmp_path / "pets"), tmp_path / "tfds"
    broken = pictures / "train" / "10" / "turned.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    prepare(PictureFolders(data_dir=data_dir), pictures)
    name = "picture_folders"
    with pytest.raises(ValueError, match=r"default/1.0.0: train/10/turned.jpg'"):
        load_tfds(name, 8, data_dir)
    for _ in range(2):  # Prepared, then prepared before.
        train, test = load_tfds(name, 8, data_dir, skip_unreadable=True)
        assert (len(train), len(test)) == (5, 6)
    with pytest.raises(ValueError, match=r"default/1.0.0: train/10/turned.jpg'"):
        load_tfds(name, 8, data_dir)


def test_rebuilt_pictures_are_prepared_anew(tmp_path):
    pictures, data_dir = make_folders(tmp_path / "pets"), tmp_path / "tfds"
    prepare(PictureFolders(data_dir=data_dir), pictures)
    before, _ = load_tfds("picture_folders", 8, data_dir)
    for path in pictures.glob("train/2/*"):
        save(path, 99)
    shutil.rmtree(data_dir)
    prepare(PictureFolders(data_dir=data_dir), pictures)
    after, _ = load_tfds("picture_folders", 8, data_dir)
    assert (before.images != after.images).any(axis=(1, 2, 3)).sum() == 3


def test_builder_refuses_what_the_listing_refuses(tmp_path):
    save(tmp_path / "pets" / "cats" / "1.png", 0)
    with pytest.raises(ValueError, match="two or more domains"):
        prepare(PictureFolders(data_dir=tmp_path), tmp_path / "pets")


class CelebA(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """With the features and splits of TFDS's own."""

    name = "celeb_a"
    VERSION = tfds.core.Version("2.1.0")
    NAMES = (*ATTRIBUTES, "Smiling")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(218, 178, 3), encoding_format="jpeg"),
            "attributes": dict.fromkeys(self.NAMES, np.bool_),
            "identity": {"Identity_No": np.int64},
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(range(6)),
            "validation": self._generate_examples(range(6, 8)),
            "test": self._generate_examples(range(8, 10)),
        }

    def _generate_examples(self, numbers):
        for number in numbers:
            image = np.full((218, 178, 3), 20 * number, "uint8")
            image[:16] = image[208:] = 255  # Outside the middle square.
            yield (
                number,
                {
                    "image": image,
                    "attributes": {
                        name: (number >> place) % 2 == 1
                        for place, name in enumerate(self.NAMES)
                    },
                    "identity": {"Identity_No": 7},
                },
            )


@pytest.fixture(scope="module")
def celeba(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("celeba")
    prepare(CelebA(data_dir=data_dir))
    return data_dir


def numbers_of(part):
    return np.rint(part.images.mean(axis=(1, 2, 3)) / 20).astype(int)


def test_celeba_holds_out_pictures_of_all_splits(celeba):
    parts = load_tfds("celeb_a", 8, celeba, test_images=4, seed=1)
    assert [len(part) for part in parts] == [6, 4]
    numbers = np.concatenate([numbers_of(part) for part in parts])
    assert sorted(numbers) == list(range(10))
    for part in parts:
        assert part.label_set.names == ATTRIBUTES
        assert part.label_set.exclusive == (ATTRIBUTES[:3],)
        expected = numbers_of(part)[:, None] >> np.arange(5) & 1
        np.testing.assert_array_equal(part.labels, expected)


def test_celeba_is_held_out_by_the_seed(celeba):
    held_out = [
        set(list_tfds("celeb_a", celeba, test_images=4, seed=seed)[1].subjects)
        for seed in (0, 0, 1)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_celeba_attributes_can_be_chosen(celeba):
    chosen = ("Smiling", "Male")
    train, _ = load_tfds("celeb_a", 8, celeba, attributes=chosen, test_images=1)
    assert train.label_set.names == chosen and not train.label_set.exclusive
    expected = numbers_of(train)[:, None] >> np.array([5, 3]) & 1
    np.testing.assert_array_equal(train.labels, expected)


def test_celeba_is_cropped_in_the_middle(celeba):
    train, _ = load_tfds("celeb_a", 178, celeba, test_images=1)
    shades = 20 * numbers_of(train)[:, None, None, None]
    assert np.abs(train.images.astype(int) - shades).max() <= 3


def test_unknown_attribute(celeba):
    with pytest.raises(ValueError, match=r"'Smilling'.*Did you mean Smiling"):
        list_tfds("celeb_a", celeba, attributes=["Smilling"], test_images=1)


def test_more_held_out_than_there_are(celeba):
    with pytest.raises(ValueError, match=r"1\.\.9.*10 pictures; received 2000"):
        list_tfds("celeb_a", celeba)


def test_any_set_with_classes(tmp_path):
    prepare(tfds.testing.DummyMnist(data_dir=tmp_path))
    train, test = load_tfds("dummy_mnist", 8, tmp_path)
    assert (len(train), len(test)) == (20, 20)
    assert train.label_set.names == tuple("0123456789")
    assert (train.labels.sum(axis=0) == 2).all() and (train.images == 1).all()


def test_attributes_of_a_set_with_classes(rafd):
    with pytest.raises(ValueError, match=r"and attributes; it has .*label"):
        list_tfds("rafd", rafd[1], attributes=["Male"])


def test_set_without_labels(tmp_path):
    prepare(tfds.testing.DummyDataset(data_dir=tmp_path))
    with pytest.raises(ValueError, match=r"must have the feature image.*it has id"):
        list_tfds("dummy_dataset", tmp_path)


@pytest.mark.parametrize("name", ["tf_flowers", "rafd/raw", "rafd:2.0.0", "No name"])
def test_set_that_is_not_prepared(rafd, name):
    with pytest.raises(ValueError, match=f"no data set '{name}'.*rafd:1.0.0"):
        list_tfds(name, rafd[1])


def test_missing_data_dir(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.*holds none"):
        list_tfds("rafd", tmp_path / "nowhere")


def test_without_tfds(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r"keras-stargan\[tfds\]"):
        list_tfds("rafd", tmp_path)


def test_pictures_in_shards_can_be_looked_at(rafd):
    found = inspect_pictures(list_tfds("rafd", rafd[1]), verbose=0)
    assert not found.faults
    assert len(found.pictures) == sum(map(sum, found.counts.values()))

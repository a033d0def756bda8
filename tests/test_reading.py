import mmap
import os
import time

import numpy as np
import pytest
from PIL import Image

from keras_stargan.data import ImageFiles
from keras_stargan.data.readers import image_files
from keras_stargan.files.pictures import crop_and_resize, open_picture
from keras_stargan.labels import LabelSet

LABELS = LabelSet(("even", "odd"))
N = 6


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def files(tmp_path):
    return make_files(tmp_path)


def make_files(folder, n=N):
    """Picture i has the level 20 * i; its label is i % 2."""
    paths = [folder / f"{i}.png" for i in range(n)]
    for i, path in enumerate(paths):
        Image.new("L", (6, 6), 20 * i).save(path)
    return ImageFiles(paths, np.eye(2)[np.arange(n) % 2], LABELS, np.arange(n))


def levels(image_set):
    return image_set.images[:, 0, 0, 0].tolist()


def is_mapped(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def colour(path):
    return open_picture(path).getpixel((0, 0))


# One picture


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("L", ".png"),
        ("LA", ".png"),
        ("P", ".png"),
        ("RGBA", ".png"),
        ("CMYK", ".jpg"),
        ("CMYK", ".tif"),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, suffix):
    path = tmp_path / f"picture{suffix}"
    Image.new("RGB", (8, 8), (204, 204, 204)).convert(mode).save(path)
    np.testing.assert_allclose(colour(path), (204, 204, 204), atol=2)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("level", "expected"), [(65535, 255), (52428, 204), (257, 1)])
def test_grey_of_16_bits_is_scaled(tmp_path, suffix, level, expected):
    path = tmp_path / f"grey{suffix}"
    Image.fromarray(np.full((8, 8), level, "uint16")).save(path)
    assert colour(path) == (expected,) * 3


def test_grey_of_16_bits_in_the_other_byte_order(tmp_path):
    path = tmp_path / "grey.tif"
    big_endian = np.full((8, 8), 52428, ">u2").tobytes()
    Image.frombytes("I;16B", (8, 8), big_endian).save(path)
    assert colour(path) == (204, 204, 204)


def test_16_bit_grey_is_turned_too(tmp_path):
    path = tmp_path / "grey.png"
    columns = np.tile(np.array([0, 65535], "uint16"), (2, 1))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(columns).save(path, exif=exif)
    assert colour(path) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_grey_whose_white_is_not_known_is_unreadable(tmp_path, mode):
    path = tmp_path / "grey.tif"
    Image.new(mode, (8, 8), 70000).save(path)
    with pytest.raises(ValueError, match=r"grey\.tif.*gray levels"):
        open_picture(path)


@pytest.mark.parametrize(
    ("mode", "color", "save"),
    [
        ("RGBA", (200, 0, 0, 0), {}),
        ("LA", (90, 0), {}),
        ("P", 0, {"transparency": 0}),
        ("RGB", (200, 0, 0), {"transparency": (200, 0, 0)}),
        ("L", 90, {"transparency": 90}),
    ],
)
def test_what_is_transparent_becomes_white(tmp_path, mode, color, save):
    path = tmp_path / "clear.png"
    Image.new(mode, (8, 8), color).save(path, **save)
    assert colour(path) == (255, 255, 255)


def test_half_transparent_is_half_white(tmp_path):
    path = tmp_path / "half.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 128)).save(path)
    np.testing.assert_allclose(colour(path), (127, 127, 127), atol=1)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_half_a_file_is_unreadable(tmp_path, suffix):
    path = tmp_path / f"half{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"half\{suffix}.*truncated"):
        open_picture(path)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>"])
def test_what_is_no_picture_is_unreadable(tmp_path, content):
    path = tmp_path / "page.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"page\.jpg.*cannot identify"):
        open_picture(path)


def test_a_decompression_bomb_is_unreadable(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    Image.new("L", (40, 40)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"huge\.png.*1600 pixels"):
        open_picture(path)


def test_square_crop_is_celebas_178_of_218():
    picture = Image.new("RGB", (178, 218), "white")
    picture.paste("black", (0, 20, 178, 198))
    assert crop_and_resize(picture, 178, "square").max() == 0


# Many


def test_pictures_stay_with_their_labels(files):
    image_set = files.read(4)
    assert image_set.images.shape == (N, 4, 4, 3)
    assert levels(image_set) == [20 * i for i in range(N)]
    np.testing.assert_array_equal(image_set.labels, files.labels)
    np.testing.assert_array_equal(image_set.subjects, files.subjects)


def test_split_before_reading(files):
    train, test = files.split_by_subject(0.34)
    assert (len(train), len(test)) == (4, 2)
    read = levels(train.read(4)) + levels(test.read(4))
    assert sorted(read) == [20 * i for i in range(N)]


def test_large_sets_are_memory_mapped(files):
    image_set = files.read(4, memory_limit=N * 48 - 1)
    assert is_mapped(image_set.images)
    assert levels(image_set) == [20 * i for i in range(N)]


def test_small_sets_are_in_memory(files):
    assert not is_mapped(files.read(4, memory_limit=N * 48).images)


def test_the_prepared_file_is_named_and_used_again(files, cache, capsys, monkeypatch):
    first = files.read(4)
    (path,) = cache.iterdir()
    assert f"Kept for the next time: {path}, 0.0 MB" in capsys.readouterr().out
    monkeypatch.setattr(image_files, "open_picture", None)
    again = files.read(4)
    assert f"Prepared before: {path}" in capsys.readouterr().out
    np.testing.assert_array_equal(first.images, again.images)


def test_a_changed_picture_is_read_again(files):
    files.read(4)
    Image.new("L", (6, 6), 255).save(files.paths[0])
    assert levels(files.read(4))[0] == 255


def test_a_picture_changed_in_time_only_is_read_again(files):
    files.read(4)
    size = os.path.getsize(files.paths[1])
    Image.new("L", (6, 6), 22).save(files.paths[1])
    assert os.path.getsize(files.paths[1]) == size
    os.utime(files.paths[1], ns=(0, time.time_ns() + 10**9))
    assert levels(files.read(4))[1] == 22


def test_the_same_names_elsewhere_are_other_pictures(tmp_path):
    for folder, level in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "0.bmp"
        Image.new("L", (6, 6), level).save(path)
        os.utime(path, ns=(0, 0))
    read = [
        levels(ImageFiles([tmp_path / folder / "0.bmp"], [[1, 0]], LABELS, [0]).read(4))
        for folder in "ab"
    ]
    assert read == [[1], [2]]


def test_crops_are_kept_apart(tmp_path):
    picture = Image.new("L", (60, 90))
    picture.paste(255, (0, 50, 60, 90))
    picture.save(tmp_path / "0.png")
    bottoms = [
        ImageFiles([tmp_path / "0.png"], [[1, 0]], LABELS, [0], crop=crop)
        .read(30)
        .images[0, :, 0, 0]
        .mean()
        for crop in ("square", "face")
    ]
    assert bottoms[0] > bottoms[1] + 10


def test_an_interrupted_preparation_leaves_nothing(files, cache, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(image_files, "open_picture", interrupt)
        with pytest.raises(KeyboardInterrupt):
            files.read(4)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("length", [0, 50, 150, -1])
def test_a_damaged_prepared_file_is_made_again(files, cache, length):
    files.read(4)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.warns(UserWarning, match="damaged"):
        image_set = files.read(4)
    assert levels(image_set) == [20 * i for i in range(N)]


def test_a_full_disk_is_seen_before_reading(files, monkeypatch):
    usage = image_files.shutil.disk_usage("/")._replace(free=N * 48 - 1)
    monkeypatch.setattr(image_files.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"prepared pictures take.*cache_dir"):
        files.read(4)


def test_a_cache_that_cannot_be_written_is_named(files, tmp_path):
    (tmp_path / "occupied").write_text("")
    with pytest.raises(OSError, match=r"cannot be kept in .*occupied.*cache_dir"):
        files.read(4, cache_dir=tmp_path / "occupied")


def test_file_names_that_are_not_unicode(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.new("L", (6, 6), 7).save(path)
    assert levels(ImageFiles([path], [[1, 0]], LABELS, [0]).read(4)) == [7]


# Unreadable files


@pytest.fixture
def broken(files):
    for i in (0, 3):
        with open(files.paths[i], "wb") as file:
            file.write(b"no picture")
    return files


def test_an_unreadable_file_stops_at_once(broken, cache, monkeypatch):
    decoded = []

    def count(path):
        decoded.append(path)
        return open_picture(path)

    monkeypatch.setattr(image_files, "open_picture", count)
    many = broken.subset(np.array([0] + [1] * 2000))
    with pytest.raises(ValueError, match=r"0\.png.*cannot identify.*skip_unreadable"):
        many.read(4)
    assert len(decoded) <= 256
    assert not list(cache.iterdir())


def test_unreadable_files_are_left_out_and_named(broken, capsys):
    for _ in range(2):  # the second time prepared
        image_set = broken.read(4, skip_unreadable=True)
        assert levels(image_set) == [20, 40, 80, 100]
        assert image_set.subjects.tolist() == [1, 2, 4, 5]
        assert image_set.labels.argmax(axis=1).tolist() == [1, 0, 0, 1]
        output = capsys.readouterr().out
        assert "Left out: 2 of 6 pictures." in output
        assert "0.png" in output and "3.png" in output


def test_only_some_of_many_unreadable_files_are_named(files, capsys):
    for path in files.paths[:5]:
        os.truncate(path, 10)
    files.read(4, skip_unreadable=True)
    output = capsys.readouterr().out
    assert "2.png" in output and "3.png" not in output and "and so on" in output


def test_prepared_without_unreadable_files_is_not_enough_when_all_are_asked(broken):
    broken.read(4, skip_unreadable=True)
    with pytest.raises(ValueError, match=r"0\.png"):
        broken.read(4)


def test_a_file_that_has_become_readable_is_read(files, monkeypatch):
    def transient(path):
        if path.endswith("3.png"):
            raise ValueError("the network is away")
        return open_picture(path)

    with monkeypatch.context() as patch:
        patch.setattr(image_files, "open_picture", transient)
        assert len(files.read(4, skip_unreadable=True)) == N - 1
    assert levels(files.read(4)) == [20 * i for i in range(N)]


def test_a_missing_file_is_unreadable(files):
    os.unlink(files.paths[2])
    with pytest.raises(ValueError, match=r"2\.png.*No such file"):
        files.read(4)


def test_nothing_readable_is_an_error(files):
    for path in files.paths:
        os.truncate(path, 10)
    with pytest.raises(ValueError, match=r"None of 6 pictures.*0\.png"):
        files.read(4, skip_unreadable=True)


# Arguments


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": "sqare"}, "face, square; received 'sqare'"),
        ({"paths": []}, "received none"),
        ({"subjects": [1, 2]}, "subjects must be 6"),
        ({"labels": np.ones((N, 2))}, "must be one-hot"),
    ],
)
def test_wrong_fields_are_named(files, change, message):
    fields = {name: getattr(files, name) for name in ("paths", "labels", "subjects")}
    with pytest.raises(ValueError, match=message):
        ImageFiles(**{"label_set": LABELS, **fields, **change})


def test_image_size_out_of_range(files):
    with pytest.raises(ValueError, match=r"image_size must be 1 or more.*0"):
        files.read(0)

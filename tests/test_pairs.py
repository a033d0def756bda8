"""The reader of pairs of pictures."""

import numpy as np
import pytest
from PIL import Image

from keras_stargan.data import list_pairs, load_pairs
from keras_stargan.data.inspection import inspect_pictures
from keras_stargan.experiments.data_sources import list_data, load_data


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def save(path, *grays, size=6):
    """A picture of one square beside the other, each of one gray."""
    path.parent.mkdir(parents=True, exist_ok=True)
    squares = [np.full((size, size), gray, "uint8") for gray in grays]
    Image.fromarray(np.concatenate(squares, axis=1)).save(path)


def side_by_side(root, count=4, first=0):
    for i in range(first, first + count):
        save(root / f"{i}.png", i, 100 + i)
    return root


def two_folders(root, names=("A", "B"), count=4, suffixes=(".png", ".png"), first=0):
    for number, (name, suffix) in enumerate(zip(names, suffixes, strict=True)):
        for i in range(first, first + count):
            save(root / name / f"{i}{suffix}", 100 * number + i)
    return root


def grays_of(part):
    """The grays of the pictures of A and of their partners."""
    assert part.aligned
    a = np.flatnonzero(part.labels[:, 0])
    partners = part.ground_truth_indices(a, np.eye(2)[[1] * len(a)])
    return [part.images[rows, 0, 0, 0].tolist() for rows in (a, partners)]


def check_pairs(parts, counts):
    for part, count in zip(parts, counts, strict=True):
        a, b = grays_of(part)
        assert len(a) == count and [gray + 100 for gray in a] == b


def test_pictures_side_by_side_are_split_at_random(tmp_path):
    parts = load_pairs(side_by_side(tmp_path), 4, test_fraction=0.25)
    check_pairs(parts, (3, 1))
    assert parts[0].label_set.names == ("A", "B")
    assert parts[0].label_set.name == tmp_path.name


def test_two_folders_name_the_domains(tmp_path):
    two_folders(tmp_path, ("edges", "photos"), suffixes=(".png", ".bmp"))
    parts = load_pairs(tmp_path, 4, test_fraction=0.25)
    check_pairs(parts, (3, 1))
    assert parts[0].label_set.names == ("edges", "photos")


def in_folders_of_parts(root, test):
    side_by_side(root / "train", 3)
    side_by_side(root / test, 2, first=3)


def with_folders_in_them(root, test):
    two_folders(root / "train", count=3)
    two_folders(root / test, count=2, first=3)


def part_and_domain_in_one_name(root, test):
    two_folders(root, ("trainA", "trainB"), count=3)
    two_folders(root, (f"{test}A", f"{test}B"), count=2, first=3)


@pytest.mark.parametrize("test", ["test", "val"])
@pytest.mark.parametrize(
    "make", [in_folders_of_parts, with_folders_in_them, part_and_domain_in_one_name]
)
def test_parts_can_be_given(tmp_path, make, test):
    make(tmp_path, test)
    parts = load_pairs(tmp_path, 4)
    check_pairs(parts, (3, 2))
    assert parts[0].label_set.names == ("A", "B")


def test_unpaired_methods_and_selections_take_them(tmp_path):
    side_by_side(tmp_path)
    train, _ = load_data(f"pairs:{tmp_path}", 4, select=["B", "A"])
    assert train.label_set.names == ("B", "A") and train.aligned
    assert (train.images[:, 0, 0, 0] >= 100).tolist() == train.labels[:, 0].tolist()


def test_halves_of_the_same_file_are_prepared_once(tmp_path, capsys):
    side_by_side(tmp_path)
    first = load_pairs(tmp_path, 4)
    again = load_pairs(tmp_path, 4)
    assert "Prepared before" in capsys.readouterr().out
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.images, b.images)


def test_a_pair_with_an_unreadable_picture_can_be_left_out(tmp_path):
    two_folders(tmp_path)
    (tmp_path / "B/0.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"B.0\.png"):
        load_pairs(tmp_path, 4)
    parts = load_pairs(tmp_path, 4, test_fraction=0.25, skip_unreadable=True)
    assert sum(map(len, parts)) == 6
    assert not any(0 in grays_of(part)[0] for part in parts)


def test_a_single_picture_must_be_wide(tmp_path):
    side_by_side(tmp_path)
    save(tmp_path / "square.png", 1)
    with pytest.raises(ValueError, match=r"square.png.* wider than high.* 6x6"):
        load_pairs(tmp_path, 4)


def test_they_can_be_inspected(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        noise = rng.integers(0, 256, (6, 6, 3), "uint8")
        # A pair may look alike.
        square = Image.fromarray(noise).resize((16, 16), Image.Resampling.BICUBIC)
        pair = Image.fromarray(np.concatenate([square, np.array(square) // 2], 1))
        pair.save(tmp_path / f"{i}.png")
    _, parts = list_data(f"pairs:{tmp_path}")
    found = inspect_pictures(parts, verbose=0)
    assert {name: sum(counts) for name, counts in found.counts.items()} == {
        "A": 4,
        "B": 4,
    }
    assert found.sides.tolist() == [16] * 8
    assert found.near_duplicates() == []


def lonely(root):
    two_folders(root)
    save(root / "A/more.png", 1)


def three(root):
    two_folders(root)
    save(root / "C/0.png", 1)


def mixed(root):
    two_folders(root)
    save(root / "0.png", 1)


def twice(root):
    two_folders(root)
    save(root / "A/0.bmp", 1)


def different(root):
    two_folders(root / "train")
    two_folders(root / "test", ("A", "C"))


@pytest.mark.parametrize(
    "make, message",
    [
        (lonely, r"1 pictures in 'A' .* none of the same name in 'B', such as of 'mor"),
        (three, "there are pictures in A, B, C"),
        (mixed, "there are pictures in A, B, no folder of their own"),
        (twice, "have the same name"),
        (different, "training part has A and B, the test part A and C"),
        (lambda root: None, "0 usable pictures; there is a part without any"),
    ],
)
def test_folders_without_pairs_are_an_error(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        list_pairs(tmp_path)

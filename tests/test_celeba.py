import numpy as np
import pytest
from PIL import Image

from keras_stargan.data import list_celeba, load_celeba
from keras_stargan.data.readers.celeba import ATTRIBUTES

HEADER = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips "
    "Big_Nose Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby "
    "Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin "
    "Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair "
    "Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young"
)
NAMES = HEADER.split()
N = 8


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def values(i):
    """Attribute k of picture i, as CelebA writes it."""
    return [1 if (i >> k % 4) & 1 else -1 for k in range(40)]


def text():
    lines = [str(N), f"{HEADER} "]
    for i in range(N):
        # Columns of two digits: a value that is 1 has two spaces before it.
        lines.append(f"{i + 1:06}.jpg " + " ".join(f"{v:2}" for v in values(i)))
    return "\n".join(lines) + "\n"


def comma():
    lines = [",".join(["image_id", *NAMES])]
    for i in range(N):
        lines.append(f"{i + 1:06}.jpg," + ",".join(map(str, values(i))))
    return "\n".join(lines) + "\n"


def make(root, images="img_align_celeba", table="list_attr_celeba.txt", content=None):
    (root / images).mkdir(parents=True, exist_ok=True)
    for i in range(N):
        picture = Image.new("L", (178, 218), 255)  # what the crop leaves out
        picture.paste(25 * i, (0, 20, 178, 198))
        picture.save(root / images / f"{i + 1:06}.jpg", quality=95)
    (root / table).parent.mkdir(exist_ok=True)
    (root / table).write_text(content or text())
    return root


def by_number(parts):
    """Labels of each picture."""
    return {
        int(path[-10:-4]) - 1: label.astype(int).tolist()
        for part in parts
        for path, label in zip(part.paths, part.labels, strict=True)
    }


def truth(attributes):
    places = [NAMES.index(name) for name in attributes]
    return {i: [int(values(i)[place] == 1) for place in places] for i in range(N)}


@pytest.mark.parametrize(
    ("images", "table"),
    [
        ("img_align_celeba", "list_attr_celeba.txt"),
        ("images", "list_attr_celeba.txt"),
        ("Img/img_align_celeba", "Anno/list_attr_celeba.txt"),
        ("img_align_celeba", "img_align_celeba/list_attr_celeba.txt"),
        (".", "list_attr_celeba.txt"),
    ],
)
def test_every_place_of_list_and_pictures(tmp_path, images, table):
    parts = list_celeba(make(tmp_path, images, table), test_images=3)
    assert by_number(parts) == truth(ATTRIBUTES)


def test_the_list_with_commas(tmp_path):
    root = make(
        tmp_path,
        "img_align_celeba/img_align_celeba",
        "list_attr_celeba.csv",
        comma(),
    )
    assert by_number(list_celeba(root, test_images=3)) == truth(ATTRIBUTES)


def test_the_middle_square_is_taken(tmp_path):
    parts = load_celeba(make(tmp_path), image_size=89, test_images=3)
    pictures = np.concatenate([part.images for part in parts]).astype(int)
    expected = {25 * i for i in range(N)}
    assert {int(np.median(picture)) for picture in pictures} == expected
    assert all(np.ptp(picture) < 60 for picture in pictures)


def test_any_attributes_by_name(tmp_path):
    chosen = ("Wearing_Necktie", "Bald")
    train, test = list_celeba(make(tmp_path), chosen, test_images=3)
    assert train.label_set.names == chosen
    assert by_number((train, test)) == truth(chosen)


def test_label_set_is_binary_with_exclusive_hair_colours(tmp_path):
    label_set = list_celeba(make(tmp_path), test_images=3)[0].label_set
    assert (label_set.names, label_set.kind) == (ATTRIBUTES, "binary")
    assert label_set.exclusive == (("Black_Hair", "Blond_Hair", "Brown_Hair"),)
    assert label_set.name == "CelebA"


def test_one_hair_colour_excludes_nothing(tmp_path):
    train, _ = list_celeba(make(tmp_path), ("Gray_Hair", "Male"), test_images=3)
    assert train.label_set.exclusive == ()


def test_test_images_are_held_out_at_random(tmp_path):
    make(tmp_path)
    splits = [list_celeba(tmp_path, test_images=3, seed=seed) for seed in (0, 0, 1)]
    for train, test in splits:
        assert (len(train), len(test)) == (N - 3, 3)
        assert not set(train.paths) & set(test.paths)
    held_out = [tuple(test.paths) for _, test in splits]
    assert held_out[0] == held_out[1] != held_out[2]


def test_unreadable_pictures_can_be_left_out(tmp_path):
    make(tmp_path)
    path = tmp_path / "img_align_celeba" / "000003.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"000003\.jpg"):
        load_celeba(tmp_path, image_size=4, test_images=3)
    parts = load_celeba(tmp_path, image_size=4, test_images=3, skip_unreadable=True)
    people = {person for part in parts for person in part.subjects}
    assert sum(map(len, parts)) == N - 1 and "000003.jpg" not in people


def test_unknown_attribute_names_the_near_ones(tmp_path):
    with pytest.raises(ValueError, match=r"'Blonde_Hair'.*Did you mean Blond_Hair"):
        list_celeba(make(tmp_path), ("Blonde_Hair",), test_images=3)


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (1, HEADER, "must begin with a line that says how many"),
        (4, "000002.jpg -1  1", "line 4: 3 fields instead of 41"),
        (5, "000003.jpg " + "-1 " * 39 + "7", "line 5: Young must be.*'7'"),
    ],
)
def test_damaged_list(tmp_path, number, line, message):
    lines = text().splitlines()
    lines[number - 1] = line
    with pytest.raises(ValueError, match=rf"list_attr_celeba\.txt.*{message}"):
        list_celeba(make(tmp_path, content="\n".join(lines)), test_images=3)


def test_missing_pictures_are_counted(tmp_path):
    make(tmp_path)
    for name in ("000001.jpg", "000005.jpg"):
        (tmp_path / "img_align_celeba" / name).unlink()
    with pytest.raises(ValueError, match=r"2 of the 8 pictures.*000001\.jpg"):
        list_celeba(tmp_path, test_images=3)


def test_no_pictures(tmp_path):
    (tmp_path / "list_attr_celeba.txt").write_text(text())
    with pytest.raises(ValueError, match=r"None of the 8.*'000001\.jpg'[\s\S]*images/"):
        list_celeba(tmp_path, test_images=3)


def test_no_list(tmp_path):
    with pytest.raises(ValueError, match=r"no list_attr_celeba\.txt[\s\S]*Anno/"):
        list_celeba(tmp_path)


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no folder.*nowhere"):
        list_celeba(tmp_path / "nowhere")


@pytest.mark.parametrize("test_images", [0, N])
def test_test_images_out_of_range(tmp_path, test_images):
    with pytest.raises(
        ValueError, match=rf"test_images must be in 1..7.*{test_images}"
    ):
        list_celeba(make(tmp_path), test_images=test_images)

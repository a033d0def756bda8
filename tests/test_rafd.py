import numpy as np
import pytest
from PIL import Image

from keras_stargan.data import list_rafd, load_rafd
from keras_stargan.labels.published import EXPRESSIONS

GRAY = (90, 90, 90)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def save(path, color=GRAY):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 12), color).save(path)
    return path


def rafd_name(angle, person, expression, gaze="frontal"):
    return f"Rafd{angle}_{person:02}_Caucasian_female_{expression}_{gaze}.jpg"


def make_raw(root, subjects=(1, 2, 3), angles=("090",)):
    for person in subjects:
        for angle in angles:
            for expression in EXPRESSIONS.names:
                name = rafd_name(angle, person, expression)
                save(root / f"model{person}" / name, (person * 20, 0, 0))
    return root


def make_folders(root, per_expression=2, color=GRAY):
    for expression in EXPRESSIONS.names:
        for number in range(per_expression):
            save(root / expression / f"{number}.png", color)
    return root


def together(parts):
    return np.concatenate([part.images for part in parts])


def test_raw_names_give_expression_and_person(tmp_path):
    train, test = load_rafd(make_raw(tmp_path), image_size=8, test_fraction=0.3)
    assert (len(train), len(test)) == (16, 8)
    assert not set(train.subjects) & set(test.subjects)
    for part in (train, test):
        np.testing.assert_array_equal(
            part.labels, np.tile(np.eye(8), (len(part) // 8, 1))
        )
        reds = part.images[:, 4, 4, 0].astype(int)
        assert np.abs(reds - 20 * part.subjects.astype(int)).max() <= 3


def test_profile_angles_are_left_out(tmp_path):
    angles = ("000", "045", "090", "135", "180")
    train, test = load_rafd(make_raw(tmp_path, (1, 2), angles), image_size=8)
    assert len(train) + len(test) == 2 * 8 * 3


def test_folders_give_the_expression(tmp_path):
    train, test = load_rafd(make_folders(tmp_path), image_size=8)
    assert len(train) + len(test) == 16
    for part in (train, test):
        expressions = [EXPRESSIONS.names[i] for i in part.labels.argmax(axis=1)]
        assert expressions == [person.split("/")[0] for person in part.subjects]


def test_train_and_test_folders_are_the_split(tmp_path):
    make_folders(tmp_path / "train", 2, (255, 255, 255))
    make_folders(tmp_path / "test", 1, (0, 0, 0))
    train, test = load_rafd(tmp_path, image_size=8)
    assert (len(train), len(test)) == (16, 8)
    assert train.images.min() == 255 and test.images.max() == 0


def test_portraits_are_cropped_to_the_face_and_not_distorted(tmp_path):
    make_folders(tmp_path)
    portrait = Image.new("RGB", (681, 1024), "white")
    # A black square where the face is, the middle half of the crop.
    portrait.paste("black", (180, 301, 500, 621))
    portrait.save(tmp_path / "angry" / "0.png")
    images = together(load_rafd(tmp_path, image_size=64))
    (face,) = images[[image.min() == 0 for image in images]]
    rows, columns = np.nonzero(face[..., 0] < 128)
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == [16, 47, 16, 47]


def test_square_pictures_are_taken_whole(tmp_path):
    make_folders(tmp_path)
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste("black", (0, 0, 8, 64))
    picture.save(tmp_path / "angry" / "0.png")
    images = together(load_rafd(tmp_path, image_size=64))
    (whole,) = images[[image.min() == 0 for image in images]]
    assert (whole[..., 0] < 128).any(axis=0).sum() == 8


def test_exif_orientation_is_applied(tmp_path):
    make_folders(tmp_path)
    picture = Image.new("RGB", (16, 16), "white")
    picture.paste("black", (0, 0, 16, 8))  # The upper half is black,
    exif = Image.Exif()
    exif[0x0112] = 3  # but the camera was upside down.
    picture.save(tmp_path / "angry" / "0.png", exif=exif)
    images = together(load_rafd(tmp_path, image_size=16))
    (turned,) = images[[image.min() == 0 for image in images]]
    assert turned[0].min() == 255 and turned[-1].max() == 0


def test_listing_reads_no_pictures(tmp_path):
    for path in make_folders(tmp_path).rglob("*.png"):
        path.write_bytes(b"")
    train, test = list_rafd(tmp_path)
    assert (len(train), len(test)) == (14, 2)
    assert train.label_set.name == "RaFD"


def test_what_is_not_used_is_counted(tmp_path, capsys):
    for part in ("train", "test", "more"):
        make_folders(tmp_path / part, 1)
    save(tmp_path / "train" / rafd_name("180", 1, "happy"))
    list_rafd(tmp_path)
    others = "16 usable pictures and 9 other files, such as 'more/angry/0.png'"
    assert others in capsys.readouterr().out


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no folder.*nowhere[\s\S]*Rafd090_01"):
        load_rafd(tmp_path / "nowhere")


def test_empty_folder(tmp_path):
    with pytest.raises(ValueError, match=r"there are 0 usable[\s\S]*Expected"):
        load_rafd(tmp_path)


def test_unrecognised_files_are_quoted(tmp_path):
    save(tmp_path / "holiday.jpg")
    with pytest.raises(ValueError, match=r"1 other files, such as 'holiday.jpg'"):
        load_rafd(tmp_path)


def test_missing_expression_is_named(tmp_path):
    make_folders(tmp_path)
    for path in (tmp_path / "sad").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="missing: sad\\."):
        load_rafd(tmp_path)


def test_one_person_is_not_enough(tmp_path):
    with pytest.raises(ValueError, match="all of one person, 07"):
        load_rafd(make_raw(tmp_path, subjects=(7,)))


def test_empty_test_folder(tmp_path):
    make_folders(tmp_path / "train")
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match=r"16 usable pictures; none in .*test'"):
        load_rafd(tmp_path)


def test_unreadable_picture_is_named_or_left_out(tmp_path):
    make_folders(tmp_path)
    (tmp_path / "happy" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        load_rafd(tmp_path, image_size=8)
    assert len(together(load_rafd(tmp_path, image_size=8, skip_unreadable=True))) == 16


def test_test_fraction_is_checked_before_reading(tmp_path):
    save(make_folders(tmp_path) / "angry" / "0.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"\(0, 1\).*1.5"):
        load_rafd(tmp_path, image_size=8, test_fraction=1.5)

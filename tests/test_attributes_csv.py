import pytest
from PIL import Image

from keras_stargan.data import list_attributes_csv, load_attributes_csv

HEADER = "file,Smiling,Hat,Red_Hair,Grey_Hair"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def write(root, *lines, header=HEADER, pictures=4, folder="."):
    (root / folder).mkdir(exist_ok=True)
    for i in range(pictures):
        Image.new("L", (6, 6), i).save(root / folder / f"{i}.png")
    path = root / "faces.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def rows(root, *lines, **kwargs):
    """Labels by the picture's number."""
    parts = load_attributes_csv(write(root, *lines), image_size=4, **kwargs)
    found = {
        int(image[0, 0, 0]): label.astype(int).tolist()
        for part in parts
        for image, label in zip(part.images, part.labels, strict=True)
    }
    return [found[i] for i in range(len(found))]


def test_every_way_to_write_yes_and_no(tmp_path):
    assert rows(
        tmp_path,
        "0.png,1,0,1,0",
        "1.png,-1,1,-1, 1",
        "2.png,true,False,TRUE,false",
        "",
        "3.png,1.0,0.0,-1.0,0",
    ) == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 0, 0]]


LINES = [f"{i}.png,{i % 2},{i // 2},0,1" for i in range(4)]


def test_all_columns_are_labels_by_default(tmp_path):
    train, _ = list_attributes_csv(write(tmp_path, *LINES))
    assert train.label_set.names == ("Smiling", "Hat", "Red_Hair", "Grey_Hair")
    assert train.label_set.kind == "binary"
    assert train.label_set.name == "faces"


def test_chosen_columns_in_their_order(tmp_path):
    assert rows(tmp_path, *LINES, attributes=["Hat", "Smiling"]) == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
    ]


def test_exclusive_groups(tmp_path):
    hair = ("Red_Hair", "Grey_Hair")
    train, _ = list_attributes_csv(write(tmp_path, *LINES), exclusive=[hair])
    assert train.label_set.exclusive == (hair,)


def test_pictures_in_another_folder(tmp_path):
    path = write(tmp_path, *LINES, folder="pictures")
    train, _ = list_attributes_csv(path, image_dir=tmp_path / "pictures")
    assert all("/pictures/" in path for path in train.paths)


def test_people_column_decides_the_split(tmp_path):
    lines = [f"{i}.png,{i % 2},{'ann' if i < 2 else 'bob'}" for i in range(4)]
    path = write(tmp_path, *lines, header="file,Smiling,who")
    train, test = list_attributes_csv(path, people_column="who")
    assert train.label_set.names == ("Smiling",)
    assert (len(train), len(test)) == (2, 2)
    assert len(set(train.subjects)) == len(set(test.subjects)) == 1


def test_every_picture_is_a_person_of_its_own_by_default(tmp_path):
    train, test = list_attributes_csv(write(tmp_path, *LINES), test_fraction=0.25)
    assert (len(train), len(test)) == (3, 1)


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        (LINES, {"attributes": ["Smilling"]}, r"faces\.csv.*Did you mean Smiling"),
        (LINES, {"people_column": "Hatt"}, r"faces\.csv.*Did you mean Hat"),
        (["0.png,1,2,0,0"], {}, r"faces\.csv.*line 2: Hat must.*'2'"),
        (["0.png,1,0,0,0", "1.png,1,,0,0"], {}, r"line 3: Hat must.*''"),
        (["0.png,1,0,0,0", "1.png,1"], {}, "line 3: 2 fields instead of 5"),
        ([], {}, "lists no pictures"),
        (LINES, {"test_fraction": 0.0}, r"\(0, 1\)"),
        (LINES, {"exclusive": [("Hat", "Cap")]}, "no label 'Cap'"),
        (
            ["0.png,1,0,0,0", "8.png,1,0,0,0", "9.png,1,0,0,0"],
            {},
            r"2 of the 3 pictures.*faces\.csv.*missing.*8\.png",
        ),
        (
            ["0.png,1,0,0,", "1.png,1,0,0,x"],
            {"people_column": "Grey_Hair"},
            "line 2: Grey_Hair is empty",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, lines, arguments, message):
    path = write(tmp_path, *lines)
    with pytest.raises(ValueError, match=message):
        list_attributes_csv(path, **arguments)


@pytest.mark.parametrize("header", ["file", "file;Smiling;Hat", "file,Hat,Hat", ""])
def test_wrong_header(tmp_path, header):
    with pytest.raises(ValueError, match=r"faces\.csv.*must name a column"):
        list_attributes_csv(write(tmp_path, header=header))


def test_missing_csv_file(tmp_path):
    with pytest.raises(ValueError, match=r"no file.*faces\.csv"):
        list_attributes_csv(tmp_path / "faces.csv")

import pytest
from PIL import Image

from keras_stargan.data import list_folders, load_folders


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def make(root, *names, level=0):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 6), level).save(path)
    return root


def domains(root, names=("cats", "dogs"), each=5):
    for level, name in enumerate(names):
        make(root / name, *(f"{i}.png" for i in range(each)), level=level)
    return root


def names_in(root, files):
    return [str(path).removeprefix(f"{root}/") for path in files.paths]


def test_folders_are_the_domains(tmp_path):
    train, test = load_folders(domains(tmp_path), image_size=4, test_fraction=0.2)
    assert (len(train), len(test)) == (8, 2)
    for part in (train, test):
        assert part.label_set.names == ("cats", "dogs")
        assert part.label_set.kind == "categorical"
        assert part.label_set.name == tmp_path.name
        assert part.images[:, 0, 0, 0].tolist() == part.labels.argmax(axis=1).tolist()


def test_no_picture_is_in_both_parts(tmp_path):
    train, test = list_folders(domains(tmp_path), test_fraction=0.3)
    assert len(set(train.paths) | set(test.paths)) == len(train) + len(test) == 10


def test_seed_decides_the_split(tmp_path):
    domains(tmp_path)
    splits = {
        tuple(list_folders(tmp_path, 0.3, seed)[1].paths) for seed in (0, 0, 1, 2)
    }
    assert len(splits) == 3


def test_domains_are_in_natural_order(tmp_path):
    domains(tmp_path, ("style10", "style2", "Style1", "2", "10"))
    names = list_folders(tmp_path)[0].label_set.names
    assert names == ("2", "10", "Style1", "style2", "style10")


def test_pictures_further_down_count_to_their_domain(tmp_path):
    make(domains(tmp_path), "cats/kittens/spring/a.png")
    train, test = list_folders(tmp_path)
    labels = {
        path.removeprefix(f"{tmp_path}/"): label[0]
        for part in (train, test)
        for path, label in zip(part.paths, part.labels, strict=True)
    }
    assert len(labels) == 11 and labels["cats/kittens/spring/a.png"] == 1


@pytest.mark.parametrize("name", ["test", "val", "Test"])
def test_folders_of_the_parts_are_the_split(tmp_path, name):
    domains(tmp_path / "train", each=3)
    domains(tmp_path / name, each=2)
    train, test = list_folders(tmp_path)
    assert all(path.startswith("train/") for path in names_in(tmp_path, train))
    assert all(path.startswith(f"{name}/") for path in names_in(tmp_path, test))
    assert (len(train), len(test)) == (6, 4)
    assert train.label_set.names == test.label_set.names == ("cats", "dogs")


def test_what_is_not_used_is_counted(tmp_path, capsys):
    domains(tmp_path / "train")
    domains(tmp_path / "test")
    domains(tmp_path / "val")
    make(tmp_path, "stray.png")
    (tmp_path / "train" / "cats" / "notes.txt").write_text("")
    list_folders(tmp_path)
    output = capsys.readouterr().out
    assert "20 usable pictures and 12 other files, such as 'stray.png'" in output
    assert "2 domains: cats, dogs" in output


def test_hidden_folders_are_no_domains(tmp_path):
    make(domains(tmp_path), ".ipynb_checkpoints/a.png", "cats/.a.png")
    train, test = list_folders(tmp_path)
    assert train.label_set.names == ("cats", "dogs")
    assert len(train) + len(test) == 10


def test_crop_is_passed_on(tmp_path):
    train, test = list_folders(domains(tmp_path), crop="face")
    assert train.crop == test.crop == "face"


def test_unreadable_pictures_can_be_left_out(tmp_path):
    domains(tmp_path)
    (tmp_path / "cats" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"0\.png"):
        load_folders(tmp_path, image_size=4)
    parts = load_folders(tmp_path, image_size=4, skip_unreadable=True)
    assert sum(map(len, parts)) == 9


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no folder.*nowhere[\s\S]*cats/001\.jpg"):
        list_folders(tmp_path / "nowhere")


def test_no_domain(tmp_path):
    with pytest.raises(ValueError, match=r"0 usable.*1 other.*found none"):
        list_folders(make(tmp_path, "a.png"))


def test_one_domain(tmp_path):
    with pytest.raises(ValueError, match=r"two or more domains.*only 'cats'"):
        list_folders(domains(tmp_path, ("cats",)))


def test_empty_domain(tmp_path):
    (domains(tmp_path) / "birds").mkdir()
    with pytest.raises(ValueError, match=r"10 usable pictures; none in .*birds"):
        list_folders(tmp_path)


def test_domain_that_is_empty_in_one_part(tmp_path):
    domains(tmp_path / "train")
    (domains(tmp_path / "test", ("cats",)) / "dogs").mkdir()
    with pytest.raises(ValueError, match=r"none in .*test/dogs"):
        list_folders(tmp_path)


def test_parts_of_different_domains(tmp_path):
    domains(tmp_path / "train", ("cats", "dogs"))
    domains(tmp_path / "test", ("cats", "dogs", "birds"))
    with pytest.raises(ValueError, match=r"'train' and 'test'.*only one.*birds"):
        list_folders(tmp_path)


def test_domain_that_is_left_without_training_pictures(tmp_path):
    make(domains(tmp_path, ("cats",), each=2), "dogs/0.png")
    messages = []
    for seed in range(20):
        try:
            list_folders(tmp_path, test_fraction=0.34, seed=seed)
        except ValueError as error:
            messages.append(str(error))
    assert 0 < len(messages) < 20
    assert all("All pictures of 'dogs' fell to the test part" in m for m in messages)


def test_test_fraction_out_of_range(tmp_path):
    with pytest.raises(ValueError, match=r"\(0, 1\).*1.5"):
        list_folders(domains(tmp_path), test_fraction=1.5)

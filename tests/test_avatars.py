import os
import warnings

import numpy as np
import pytest

from keras_stargan.data import ImageSet, load_avatars
from keras_stargan.data.drawn import avatar_renderer
from keras_stargan.labels import LabelSet

SIZE = 32


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=["avataaars", "avataaars-neutral"])
def style(request):
    return request.param


@pytest.fixture(scope="module")
def expressions(cache, style):
    return load_avatars("expressions", SIZE, 3, 2, cache_dir=cache, style=style)


@pytest.fixture(scope="module")
def attributes(cache):
    return load_avatars("attributes", SIZE, 2, 1, cache_dir=cache)


@pytest.fixture
def no_drawing(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("drawn instead of loaded")

    monkeypatch.setattr(avatar_renderer, "draw_all", fail)


def load_small(folder):
    return load_avatars(image_size=8, num_people=1, test_people=1, cache_dir=folder)[0]


def changed(a, b):
    return (np.abs(a.astype(int) - b).max(axis=-1) > 16).mean()


def test_each_person_shows_each_expression_once(expressions):
    train, test = expressions
    assert (len(train), len(test)) == (3 * 8, 2 * 8)
    for part in expressions:
        for person in set(part.subjects):
            assert (part.labels[part.subjects == person].sum(axis=0) == 1).all()


def test_each_person_has_each_combination_of_attributes(attributes):
    train, _ = attributes
    labels = {tuple(label) for label in train.labels}
    assert len(train) == 2 * 12 and len(labels) == 12
    assert (train.labels[:, :3].sum(axis=1) == 1).all()


def test_no_person_is_in_both_parts(expressions):
    train, test = expressions
    assert not set(train.subjects) & set(test.subjects)


def test_expressions_differ_in_a_small_part_of_the_picture(expressions):
    images = expressions[0].images[:8]
    parts = [changed(a, b) for i, a in enumerate(images) for b in images[:i]]
    assert min(parts) > 0.02 and max(parts) < 0.25


def test_an_attribute_changes_nothing_else_of_the_person(attributes):
    train, _ = attributes
    without = train.labels[:, train.label_set.index("Mustache")] == 0
    indices = np.flatnonzero(without)
    targets = train.labels[indices].copy()
    targets[:, train.label_set.index("Mustache")] = 1
    answers = train.ground_truth_indices(indices, targets)
    before, after = train.images[indices], train.images[answers]
    # The mustache is in the lower half; hair, eyes and glasses are above it.
    np.testing.assert_array_equal(after[:, : SIZE // 2], before[:, : SIZE // 2])
    assert all(changed(*pair) > 0.01 for pair in zip(before, after, strict=True))


def test_the_seed_decides_the_people(tmp_path, style, expressions):
    arguments = {"cache_dir": tmp_path, "style": style}
    again = load_avatars("expressions", SIZE, 3, 2, **arguments)[1]
    other = load_avatars("expressions", SIZE, 3, 2, seed=1, **arguments)[1]
    np.testing.assert_array_equal(again.images, expressions[1].images)
    assert set(other.subjects) != set(again.subjects)


def test_test_people_stay_when_there_is_more_training_data(cache, style, expressions):
    test = load_avatars("expressions", SIZE, 1, 2, cache_dir=cache, style=style)[1]
    np.testing.assert_array_equal(test.images, expressions[1].images)


def test_second_load_takes_the_pictures_from_the_cache(
    cache, style, expressions, no_drawing
):
    again = load_avatars("expressions", SIZE, 3, 2, cache_dir=cache, style=style)
    np.testing.assert_array_equal(again[0].images, expressions[0].images)


def test_environment_variable_sets_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_STARGAN_CACHE", str(tmp_path / "mine"))
    load_small(None)
    assert len(list((tmp_path / "mine").glob("avataaars-expressions-8px-*.npz"))) == 1


def truncate(data):
    return data[: len(data) // 2]


def flip_a_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, lambda data: b""])
def test_damaged_cache_is_drawn_again(tmp_path, damage):
    good = load_small(tmp_path).images
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(load_small(tmp_path).images, good)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_small(tmp_path)


def test_unwritable_cache_loses_nothing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="not kept"):
        assert len(load_small(tmp_path / "file")) == 8


def test_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.warns(UserWarning, match="No space left"):
        load_small(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def two_workers(monkeypatch):
    monkeypatch.setattr(avatar_renderer, "_cores", lambda: 2)
    monkeypatch.setattr(avatar_renderer, "_WORTH_A_PROCESS", 1)


def test_workers_draw_what_draw_draws_in_order(two_workers):
    job = ("avataaars", "61 30 158 158", 8)
    options = [{"seed": str(i)} for i in range(9)]
    steps = []
    images = avatar_renderer.draw_all(*job, options, steps.append)
    expected = [avatar_renderer.draw(*job, one) for one in options]
    np.testing.assert_array_equal(images, expected)
    assert steps == list(range(1, 10))


def test_a_dying_worker_is_an_error_with_its_words(two_workers):
    options = [{"seed": "fine"}, {"noSuchOption!": 1}]
    with pytest.raises(RuntimeError, match=r"avatar 1:[\s\S]*Invalid options"):
        avatar_renderer.draw_all("avataaars", "0 0 9 9", 8, options)


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("expressions", "avataaars"),
        ("expressions", "avataaars-neutral"),
        ("attributes", "avataaars"),
    ],
)
def test_each_style_has_people_enough(name, style, no_drawing, tmp_path):
    with pytest.raises(AssertionError, match="drawn"):
        load_avatars(name, 8, 500, 60, cache_dir=tmp_path, style=style)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "faces"}, "expressions, attributes.*'faces'"),
        ({"style": "lorelei"}, "avataaars, avataaars-neutral.*'lorelei'"),
        ({"image_size": 0}, "image_size.*0"),
        ({"test_people": 0}, "test_people.*0"),
        ({"num_people": 10**6}, "different people.*1000000"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_avatars(cache_dir=tmp_path, **arguments)


# ImageSet


def small_set(**changes):
    fields = {
        "images": np.arange(4, dtype="uint8")[:, None, None, None]
        * np.ones((2, 2, 3), "uint8"),
        "labels": [[1, 0], [0, 1], [1, 0], [0, 1]],
        "label_set": LabelSet(("a", "b")),
        "subjects": ["x", "x", "y", "y"],
        "aligned": True,
    }
    return ImageSet(**{**fields, **changes})


def test_answer_is_the_same_person_with_the_target_label():
    answers = small_set().ground_truth_indices([0, 3, 2], [[0, 1], [1, 0], [1, 0]])
    assert answers.tolist() == [1, 2, 2]


def test_only_aligned_sets_have_answers():
    with pytest.raises(ValueError, match="aligned"):
        small_set(aligned=False).ground_truth_indices([0], [[0, 1]])


def test_a_missing_answer_is_an_error():
    with pytest.raises(ValueError, match=r"subject x.*\[1.0, 1.0\]"):
        small_set().ground_truth_indices([0], [[1, 1]])


def test_split_shares_no_person_and_loses_no_picture():
    train, test = small_set().split_by_subject(0.5, seed=0)
    assert not set(train.subjects) & set(test.subjects)
    together = np.concatenate([train.images, test.images])[:, 0, 0, 0]
    assert sorted(together) == [0, 1, 2, 3]


def test_split_is_decided_by_the_seed():
    names = [str(i // 2) for i in range(20)]
    many = small_set(
        images=np.zeros((20, 2, 2, 3), "uint8"), labels=[[1, 0]] * 20, subjects=names
    )
    splits = [tuple(many.split_by_subject(0.3, seed)[1].subjects) for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((4, 2, 2, 3), "float32")}, "uint8.*float32"),
        ({"images": np.zeros((4, 2, 3, 3), "uint8")}, r"\(4, 2, 3, 3\)"),
        ({"images": np.zeros((0, 2, 2, 3), "uint8")}, "n > 0"),
        ({"labels": [[1, 0]] * 3}, r"\(4, 2\).*\(3, 2\)"),
        ({"labels": [[1, 1]] * 4}, "one-hot.*label 0"),
        ({"labels": [[1, 0]] * 3 + [[0.5, 0.5]]}, "label 3"),
        ({"subjects": [1, 2, 3]}, r"\(3,\)"),
    ],
)
def test_wrong_sets_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        small_set(**changes)

"""Choosing among labelled images."""

import numpy as np
import pytest

from keras_stargan.data import ImageFiles, ImageSet
from keras_stargan.labels import LabelSet


def make_set(motifs, domains, subjects=None, names="abc"):
    """Images of one colour for each motif, with a little noise."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (max(motifs) + 1, 3))[list(motifs)]
    noise = rng.normal(0, 3, (len(motifs), 20, 20, 3))
    images = np.clip(colours[:, None, None] + noise, 0, 255).astype("uint8")
    return ImageSet(
        images=images,
        labels=np.eye(len(names))[list(domains)],
        label_set=LabelSet(tuple(names), name="letters"),
        subjects=np.arange(len(motifs)) if subjects is None else np.array(subjects),
    )


# Three domains; in each, two thirds of the images are of motif 0, and come first.
MOTIFS = np.tile(np.repeat([0, 1, 2], [20, 5, 5]), 3)
DOMAINS = np.repeat([0, 1, 2], 30)


def test_varied_images_are_of_every_domain_and_motif():
    image_set = make_set(MOTIFS, DOMAINS)
    chosen = image_set.sample_varied(3)
    assert sorted(DOMAINS[chosen]) == sorted(MOTIFS[chosen]) == [0, 1, 2]
    assert chosen.tolist() == sorted(chosen) == image_set.sample_varied(3).tolist()


def test_varied_images_are_of_different_subjects():
    # Each subject once as every motif in every domain.
    image_set = make_set(
        np.tile([0, 1, 2], 9), np.tile(np.repeat([0, 1, 2], 3), 3), np.arange(27) // 9
    )
    chosen = image_set.sample_varied(3)
    assert sorted(image_set.subjects[chosen]) == [0, 1, 2]
    assert sorted(image_set.labels[chosen].argmax(axis=1)) == [0, 1, 2]


def test_few_images_are_all_chosen():
    assert make_set([0, 0], [0, 1]).sample_varied(5).tolist() == [0, 1]


def test_equal_images_can_be_chosen_from():
    image_set = make_set([0] * 6, [0, 0, 1, 1, 2, 2])
    image_set.images[:] = 7
    assert len(set(image_set.sample_varied(5))) == 5


def test_of_a_large_set_some_images_are_looked_at(monkeypatch):
    monkeypatch.setattr("keras_stargan.data.image_set._CANDIDATES", 12)
    image_set = make_set(MOTIFS, DOMAINS)
    looked_at = []

    class Images(np.ndarray):
        def __getitem__(self, index):
            looked_at.extend(index)
            return np.asarray(super().__getitem__(index))

    object.__setattr__(image_set, "images", image_set.images.view(Images))
    chosen = image_set.sample_varied(3)
    assert len(looked_at) == 12 and set(chosen) <= set(looked_at)
    assert np.bincount(DOMAINS[looked_at]).tolist() == [4, 4, 4]


def test_even_samples_take_the_first_of_each_label():
    assert make_set(MOTIFS, DOMAINS).sample_evenly(4).tolist() == [0, 1, 30, 60]


def test_selected_domains_get_labels_of_their_own():
    chosen = make_set([0, 1, 2, 0], [0, 1, 2, 0]).select(["c", "a"])
    assert chosen.label_set == LabelSet(("c", "a"), name="letters")
    assert chosen.subjects.tolist() == [0, 2, 3]
    assert chosen.labels.tolist() == [[0, 1], [1, 0], [0, 1]]


def test_neighbouring_domains_are_selected_without_a_copy():
    image_set = make_set([0, 1, 2], [0, 1, 2])
    assert np.shares_memory(image_set.select(["b", "c"]).images, image_set.images)


def test_files_are_selected_too():
    files = ImageFiles(["1", "2"], np.eye(2), LabelSet(("a", "b")), ["x", "y"])
    assert files.select(["b"]).paths.tolist() == ["2"]


@pytest.mark.parametrize(
    "names, message",
    [
        (["a", "d"], "no label 'd'"),
        (["a", "a"], "different names"),
        ([], "names must be one or more"),
        (["c"], "no image of c"),
    ],
)
def test_impossible_selections_are_an_error(names, message):
    with pytest.raises(ValueError, match=message):
        make_set([0, 1], [0, 1]).select(names)


def test_attributes_become_domains():
    labels = [[1, 1], [0, 1], [1, 0], [0, 0]]
    image_set = ImageSet(
        np.zeros((4, 2, 2, 3), "uint8"),
        labels,
        LabelSet(("a", "b"), "binary", name="letters"),
        range(4),
        aligned=True,
    )
    chosen = image_set.select(["-a", "a"])
    assert chosen.label_set == LabelSet(("-a", "a"), name="letters")
    assert chosen.labels.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert not chosen.aligned
    # An image with both attributes is of neither domain.
    assert image_set.select(["a", "b"]).subjects.tolist() == [1, 2]

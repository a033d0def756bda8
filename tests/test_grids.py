"""Grids of translations to labels."""

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.labels import LabelSet, LabelSpace, Target
from keras_stargan.use.grids import label_grid, sample_grids


class Model:
    """Paints images by the last of the labels, and notes what it is asked for."""

    guides = ("label",)
    needs_own = False

    def __init__(self, labels, guesses=None):
        self.labels = LabelSpace.of(labels)
        self.guesses = guesses
        self.can_classify = guesses is not None
        self.asked = []

    def each_target(self):
        return Target.each(self.labels)

    def classify(self, images):
        return self.guesses

    def translate(self, images, labels):
        self.asked.append(labels.tolist())
        self.seen = images
        return np.broadcast_to(labels[:, -1, None, None, None] - 0.5, images.shape)


def test_a_grid_has_the_source_then_each_target():
    model = Model(LabelSet(("low", "high")))
    sources = np.full((1, 96, 96, 3), 100 / 127.5 - 1, "float32")
    middle = label_grid(model, sources, np.array([[1, 0]]))[-50]
    np.testing.assert_array_equal(model.seen, sources)
    assert [middle[50 + 100 * i, 0] for i in range(3)] == [100, 64, 191]


def test_a_grid_of_two_data_sets_has_all_their_labels():
    space = LabelSpace(
        (LabelSet(("old",), "binary", name="a"), LabelSet(("low", "high"), name="b"))
    )
    model = Model(space, guesses=np.array([[0, 0, 1], [1, 0, 0]]))
    labels = [space.unify([[1]], "a"), space.unify([[0, 1]], "b")]
    label_grid(model, np.zeros((2, 96, 96, 3), "float32"), np.concatenate(labels))
    # The first is known to be old, the second is guessed to be.
    assert model.asked[0] == [[0, 0, 0, 1, 0]] * 2
    assert model.asked[1:] == [[[0, 1, 0, 0, 1]] * 2, [[0, 0, 1, 0, 1]] * 2]


def test_a_grid_has_titles_of_rows():
    model = Model(LabelSet(("low",)))
    sources = np.ones((2, 96, 96, 3), "float32")

    def grid(*titles):
        return label_grid(model, sources, np.ones((2, 1)), row_titles=titles)

    left = grid("first", "second").shape[1] - grid().shape[1]
    assert left > 0
    assert grid("first", "second")[22:118, :left].min() < 64


def test_samples_show_every_domain_and_no_image_twice():
    label_set = LabelSet(tuple("abcde"))
    count = 50
    images = np.arange(count, dtype="uint8")[:, None, None, None] * np.ones(
        (1, 8, 8, 3), "uint8"
    )
    labels = np.eye(5, dtype="float32")[np.arange(count) % 5]
    test_set = ImageSet(images, labels, label_set, np.arange(count))
    model = Model(label_set)
    sample_grids(model, [test_set])[""]()
    shown = np.round((model.seen[:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert len(shown) == 8 == len(set(shown))
    assert set(shown % 5) == set(range(5))


def test_samples_of_styles_are_of_every_domain_also_where_pictures_are_few():
    label_set = LabelSet(tuple("abcd"))
    domains = np.array([0] + [1] * 2 + [2] * 3 + [3] * 30)
    images = np.arange(36, dtype="uint8")[:, None, None, None] * np.ones(
        (1, 8, 8, 3), "uint8"
    )
    labels = np.eye(4, dtype="float32")[domains]
    test_set = ImageSet(images, labels, label_set, np.arange(36))

    class Styled(Model):
        guides = ("reference",)

        def conditions(self, target, references):
            self.of_references = np.asarray(target).tolist()
            return np.zeros((len(references), 1), "float32")

        def translate(self, images, conditions):
            self.seen = images
            return images

    model = Styled(label_set)
    model.image_size = 8
    sample_grids(model, [test_set])["reference"]()
    sources = np.round((model.seen[:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert set(domains[sources]) == set(model.of_references) == set(range(4))

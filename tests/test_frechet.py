"""FID and KID: distances of features, statistics that are kept, feature networks."""

import keras
import numpy as np
import pytest
import torch
import torchvision_ready  # noqa: F401
from PIL import Image
from torch_fidelity.metric_fid import (
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_kid import kid_features_to_metric

from keras_stargan.evaluation.features import (
    FeatureNetwork,
    FeatureStatistics,
    folder_images,
    image_statistics,
)
from keras_stargan.evaluation.frechet import (
    distance_figures,
    frechet_distance,
    kernel_distance,
)

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (11, 6, 6, 3), "uint8")


def two_sets(count, others, dimensions):
    """Features with correlations, not negative, as pooled ReLUs are."""
    mix = RNG.normal(size=(2, dimensions, dimensions)) / np.sqrt(dimensions)
    return (
        np.abs(RNG.normal(size=(n, dimensions)) @ m).astype("float32")
        for n, m in zip((count, others), mix, strict=True)
    )


def distance(features, others):
    return frechet_distance(
        FeatureStatistics.of(features), FeatureStatistics.of(others)
    )


# Many images, fewer than features in one set, fewer in both.
@pytest.mark.parametrize("counts", [(300, 200), (300, 10), (12, 10)])
def test_frechet_distance_is_that_of_torch_fidelity(counts):
    features, others = two_sets(*counts, 40)
    expected = fid_statistics_to_metric(
        *(
            fid_features_to_statistics(torch.tensor(x, dtype=torch.float64))
            for x in (features, others)
        ),
        verbose=False,
    )["frechet_inception_distance"]
    assert distance(features, others) == pytest.approx(expected, rel=1e-4)


def test_frechet_distance_of_very_few_images_is_a_number():
    few = RNG.random((2, 2048), "float32")
    same = np.ones((3, 2048), "float32")
    assert distance(few, few) == pytest.approx(0, abs=1e-8)
    assert distance(same, same) == 0
    # Without any spread in one set, it is the means' distance and the other's spread.
    assert distance(few, same) == pytest.approx(
        np.square(few.mean(axis=0) - 1).sum() + few.var(axis=0, ddof=1).sum(), rel=1e-5
    )


def test_frechet_distance_of_shifted_features_is_the_shift_squared():
    features, _ = two_sets(100, 2, 16)
    assert distance(features, features + 0.5) == pytest.approx(16 * 0.25, rel=1e-4)


def test_kernel_distance_is_that_of_torch_fidelity():
    features, others = two_sets(50, 50, 16)
    expected = kid_features_to_metric(
        torch.tensor(features),
        torch.tensor(others),
        kid_subsets=2,
        kid_subset_size=50,  # all, so that chance does not matter
        verbose=False,
    )
    mean, std = kernel_distance(features, others, subsets=2)
    assert mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-4)
    assert std == pytest.approx(0, abs=1e-6)


def test_kernel_distance_over_subsets_follows_from_the_seed():
    features, others = two_sets(60, 40, 8)
    options = {"subsets": 400, "subset_size": 15}
    first = kernel_distance(features, others, **options, seed=1)
    assert kernel_distance(features, others, **options, seed=1) == first
    assert kernel_distance(features, others, **options, seed=2) != first
    whole, _ = kernel_distance(features[:40], others)
    assert first[0] == pytest.approx(whole, rel=0.3)
    assert first[1] > 0


def test_kernel_distance_of_two_halves_of_one_set_is_unbiased():
    halves = [np.split(RNG.random((20, 4), "float32"), 2) for _ in range(300)]
    found = np.array([kernel_distance(*pair, subsets=1)[0] for pair in halves])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    assert (found < 0).any()


@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((5, 3), (1, 3))])
def test_distances_need_two_images_and_equally_many_features(shapes):
    with pytest.raises(ValueError, match=r"\(5, 3\)|two images"):
        kernel_distance(*(np.zeros(shape, "float32") for shape in shapes))
    with pytest.raises(ValueError, match=r"\(5, 3\)|n at least 2"):
        distance(*(np.zeros(shape, "float32") for shape in shapes))


@pytest.mark.parametrize("is_inception", [False, True])
def test_only_inceptions_figures_are_called_fid(is_inception):
    network = FeatureNetwork("any", mean_colours, is_inception)
    features, others = two_sets(9, 8, 3)
    figures = distance_figures(network, features, FeatureStatistics.of(others))
    names = (
        {"fid", "kid", "kid_std"}
        if is_inception
        else {"frechet_distance", "kernel_distance", "kernel_distance_std"}
    )
    assert set(figures) == names
    assert distance(features, others) in figures.values()


def mean_colours(images):
    return np.asarray(images).mean(axis=(1, 2))


class Counting(keras.layers.Layer):
    """Mean colours times a weight; counts how many images it sees."""

    def __init__(self):
        super().__init__()
        self.factor = self.add_weight(shape=(3,), initializer="ones")
        self.seen = 0

    def call(self, images):
        self.seen += images.shape[0] or 0
        return keras.ops.mean(images, axis=(1, 2)) * self.factor


@pytest.fixture
def counting():
    images = keras.Input((None, None, 3))
    layer = Counting()
    return FeatureNetwork("counting", keras.Model(images, layer(images))), layer


def statistics(network, images, cache, **options):
    return image_statistics(network, images, cache_dir=cache, verbose=0, **options)


def test_statistics_are_those_of_the_images(tmp_path, counting):
    found = statistics(counting[0], IMAGES, tmp_path, batch_size=4)
    features = IMAGES.mean(axis=(1, 2)) / 127.5 - 1
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    np.testing.assert_allclose(found.mean, features.mean(axis=0), atol=1e-5)
    covariance = np.cov(features, rowvar=False)
    np.testing.assert_allclose(found.factor.T @ found.factor, covariance, atol=1e-5)


def test_statistics_are_kept_for_the_same_images_and_weights_only(tmp_path, counting):
    network, layer = counting
    first = statistics(network, IMAGES, tmp_path, batch_size=4)
    again = statistics(network, IMAGES, tmp_path, batch_size=5)
    assert layer.seen == 11
    for name, value in vars(first).items():
        np.testing.assert_array_equal(getattr(again, name), value)

    changed = IMAGES.copy()
    changed[7, 0, 0, 0] ^= 1
    statistics(network, changed, tmp_path)
    assert layer.seen == 22
    statistics(network, IMAGES, tmp_path, which=np.arange(9))
    assert layer.seen == 31
    layer.factor.assign([1, 2, 1])
    other = statistics(network, IMAGES, tmp_path)
    assert layer.seen == 42
    np.testing.assert_allclose(other.mean, first.mean * [1, 2, 1], atol=1e-6)


def test_damaged_statistics_are_made_again(tmp_path, counting):
    first = statistics(counting[0], IMAGES, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="damaged"):
        again = statistics(counting[0], IMAGES, tmp_path)
    np.testing.assert_array_equal(again.features, first.features)


def test_statistics_of_a_plain_function_are_not_kept(tmp_path):
    statistics(FeatureNetwork("mean colours", mean_colours), IMAGES, tmp_path)
    assert not list(tmp_path.iterdir())


def test_bytes_and_floats_have_the_same_features():
    network = FeatureNetwork("mean colours", mean_colours)
    floats = IMAGES / 127.5 - 1  # float64
    np.testing.assert_allclose(
        network.features(floats, batch_size=4), network.features(IMAGES), atol=1e-6
    )


@pytest.mark.parametrize(
    "images", [IMAGES[0], IMAGES[:0], IMAGES.astype("int32"), IMAGES[..., :2]]
)
def test_what_is_no_images_is_refused(images):
    with pytest.raises(ValueError, match="images must be"):
        FeatureNetwork("mean colours", mean_colours).features(images)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.asarray(x), "shape"),
        (lambda x: np.full((len(x), 2), np.nan), "not finite"),
    ],
)
def test_features_of_another_kind_are_refused(function, message):
    with pytest.raises(ValueError, match=f"odd.*{message}"):
        FeatureNetwork("odd", function).features(IMAGES)


def test_a_folders_pictures_are_found_at_any_depth(tmp_path):
    for level, name in enumerate(("a.png", "deep/b.jpg")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (6, 8), (50 * level,) * 3).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    images = folder_images(tmp_path, 4)
    assert images.shape == (2, 4, 4, 3)
    assert images[:, 0, 0, 0].tolist() == [0, 50]


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}.*no pictures"):
        folder_images(tmp_path, 4)

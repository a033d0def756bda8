"""The face alignment network, and landmarks and masks of its heatmaps."""

import golden_inputs
import numpy as np
import pytest

from keras_stargan.files.pytorch import assign_weights, weight_shapes
from keras_stargan.pretrained.fan.heatmaps import landmarks, masks
from keras_stargan.pretrained.fan.networks import FAN
from keras_stargan.pretrained.fan.pytorch import fan_names


@pytest.fixture(scope="module")
def golden():
    return np.load(golden_inputs.FOLDER / "fan.npz")


@pytest.fixture(scope="module")
def fan():
    network = FAN()
    names = fan_names(network)
    state = {
        name: golden_inputs.weight(f"fan/{name}", shape)
        for name, shape in weight_shapes(names).items()
    }
    assign_weights(names, state)
    return network


@pytest.fixture(scope="module")
def heatmaps(fan):
    return np.asarray(fan(golden_inputs.images(np.random.RandomState(31), 1, 256)))


def test_heatmaps_agree(heatmaps, golden):
    published = np.transpose(golden["heatmap_raw"], (0, 2, 3, 1))
    # With these weights the values reach 250.
    np.testing.assert_allclose(heatmaps[:, ::4, ::4], published, rtol=1e-4, atol=1e-3)


def test_landmarks_agree(heatmaps, golden):
    np.testing.assert_array_equal(landmarks(heatmaps), golden["landmarks"])


def test_masks_agree(heatmaps, golden):
    found = np.asarray(masks(heatmaps))[:, ::4, ::4]
    for i in (0, 1):
        np.testing.assert_allclose(found[..., i], golden[f"mask_{i}"][:, 0], atol=1e-4)


def blob(row, column, size=64):
    """A heatmap of one landmark."""
    rows, columns = np.mgrid[:size, :size]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2.0)


def blobs(**places):
    """Heatmaps of these landmarks (`l60=(row, column)`), nothing of the others."""
    maps = np.zeros((1, 64, 64, 99), "float32")
    for name, place in places.items():
        maps[0, :, :, int(name[1:])] = blob(*place)
    return maps


def test_landmarks_are_x_and_y_a_quarter_towards_the_higher_neighbour():
    found = landmarks(blobs(l3=(20.3, 40.0), l4=(20.0, 39.7), l5=(0.0, 10.3)))
    # Pixel 20 of 64 has its middle at 4 x 20.5; an even neighbourhood adds nothing.
    np.testing.assert_allclose(found[0, 3], [162, 83])
    np.testing.assert_allclose(found[0, 4], [161, 82])
    # At the border it is not moved.
    np.testing.assert_allclose(found[0, 5], [42, 2])


@pytest.mark.parametrize(
    ("landmark", "moved_down", "in_second"),
    [
        (16, 0, False),  # the chin
        (40, 7, False),  # a brow
        (51, 0, True),  # the nose's root
        (53, -4, True),  # its tip
        (57, -8, True),  # a nostril
        (64, 8, True),  # an eye
        (79, 8, False),  # the upper lip
        (85, -8, False),  # the lower lip
        (92, 2, False),  # the inner lip
        (97, 0, True),  # a pupil
    ],
)
def test_a_landmark_is_in_the_masks_at_its_place(landmark, moved_down, in_second):
    both = np.asarray(masks(blobs(**{f"l{landmark}": (30, 20)})))[0]
    # The corners lie on each other: 255 / 63 pixels for each one.
    row, column = round(30 * 255 / 63) + moved_down, round(20 * 255 / 63)
    first = both[..., 0]
    assert first[row, column] == pytest.approx(1.0, abs=1e-3)
    assert first[[row - 1, row + 1], column].max() < 0.99
    assert first[row, [column - 1, column + 1]].max() < 0.99
    expected = first if in_second else np.zeros_like(first)
    np.testing.assert_array_equal(both[..., 1], expected)


@pytest.mark.parametrize("landmark", [0, 7, 25, 32, 33, 46, 76, 82, 98])
def test_ends_of_lines_and_boundaries_are_in_no_mask(landmark):
    assert not np.any(masks(blobs(**{f"l{landmark}": (30, 20)})))


def test_eyes_are_in_the_masks_a_second_time_further_down():
    both = np.asarray(masks(blobs(l60=(30, 20))))[0]
    assert both[121 + 24, 81, 1] == pytest.approx(1.0, abs=1e-3)


def test_masks_of_many_landmarks_add_up_to_at_most_1():
    both = np.asarray(masks(blobs(l96=(30, 20), l97=(30, 20))))
    assert both.max() == 1.0

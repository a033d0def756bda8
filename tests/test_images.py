import numpy as np
import pytest
from PIL import Image

from keras_stargan import images


def test_bytes_survive_the_way_to_floats_and_back():
    levels = np.arange(256, dtype="uint8")
    floats = images.from_uint8(levels)
    assert floats.dtype == np.float32
    assert (floats.min(), floats.max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(images.to_uint8(floats), levels)


def test_to_uint8_rounds_to_the_nearest_level_and_clips():
    values = np.array([-3.0, -1.0 + 0.6 / 127.5, 1.01], "float32")
    assert images.to_uint8(values).tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    "convert, dtype", [(images.to_uint8, "uint8"), (images.from_uint8, "float32")]
)
def test_conversions_refuse_the_other_kind_of_image(convert, dtype):
    with pytest.raises(ValueError, match=dtype):
        convert(np.zeros((2, 2, 3), dtype))


def test_grid_shows_every_image_whole_and_in_its_place():
    levels = np.arange(40, 241, 40, dtype="uint8").reshape(2, 3)
    cells = np.broadcast_to(levels[:, :, None, None, None], (2, 3, 32, 32, 3))
    grid = images.image_grid(cells)
    assert grid.shape == (4 + 2 * 100, 4 + 3 * 100, 3)
    for i in range(2):
        for j in range(3):
            top, left = 4 + 100 * i, 4 + 100 * j
            assert (grid[top : top + 96, left : left + 96] == levels[i, j]).all()


def test_grid_draws_captions_in_black():
    cells = np.full((1, 2, 96, 96, 3), 255, "uint8")
    plain = images.image_grid(cells)
    captioned = images.image_grid(cells, ["angry", "happy"])
    assert plain.min() == 255
    caption = captioned[: captioned.shape[0] - 100]
    # Something dark above the left and above the right column.
    assert caption[:, :98].min() < 64 and caption[:, 102:].min() < 64


def test_grid_of_floats_equals_the_grid_of_their_bytes():
    cells = np.random.default_rng(0).integers(0, 256, (1, 2, 40, 40, 3), "uint8")
    np.testing.assert_array_equal(
        images.image_grid(images.from_uint8(cells)), images.image_grid(cells)
    )


@pytest.mark.parametrize(
    "rows, titles, said",
    [
        ([[np.zeros((8, 8, 3))], [np.zeros((9, 8, 3))]], (), r"\(9, 8, 3\)"),
        ([[np.zeros((8, 8, 3))], []], (), r"\[1, 0\]"),
        ([[np.zeros((8, 8, 3))]], ["a", "b"], "column_titles must be 1"),
    ],
)
def test_grid_says_what_does_not_fit(rows, titles, said):
    with pytest.raises(ValueError, match=said):
        images.image_grid(rows, titles)


def test_save_png_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "made" / "grid.png"
    for level in (10, 200):
        image = np.full((4, 6, 3), level, "uint8")
        images.save_png(path, image)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)
    assert [file.name for file in path.parent.iterdir()] == ["grid.png"]

"""Grids and frames of a StarGAN v2, and videos of frames."""

import itertools
import sys

import av
import keras
import numpy as np
import pytest
import tiny_v2
from PIL import Image

from keras_stargan.files.video import check_video_paths, save_video
from keras_stargan.methods.loading import load_model
from keras_stargan.use.grids import cycle_grid, latent_grid, reference_grid
from keras_stargan.use.videos import interpolation_frames, style_positions

pytestmark = pytest.mark.usefixtures("faster_truncation")

SIZE = tiny_v2.SIZE
CELL = 100  # of a grid: 96 pixels, and 4 between it and the next
RNG = np.random.default_rng(3)
IMAGES, REFERENCES = RNG.uniform(-1, 1, (2, 3, SIZE, SIZE, 3)).astype("float32")
LATENTS = RNG.standard_normal((2, 4)).astype("float32")
WHITE = np.ones((SIZE, SIZE, 3), "float32")


@pytest.fixture(scope="module")
def model():
    return tiny_v2.make_model()


def cells(grid, rows, columns):
    """A grid's images as float32 in [-1, 1]: `(rows, columns, SIZE, SIZE, 3)`."""
    # They end at the right and at the bottom; what is before them is titles.
    grid = grid[grid.shape[0] - rows * CELL :, grid.shape[1] - columns * CELL :]
    grid = grid.reshape(rows, CELL, columns, CELL, 3).transpose(0, 2, 1, 3, 4)
    return grid[:, :, : CELL - 4 : 6, : CELL - 4 : 6] / np.float32(127.5) - 1


def assert_shows(found, expected):
    # A level of uint8, and what batches of other sizes change.
    np.testing.assert_allclose(found, expected, atol=0.009)


# Grids.


def test_a_latent_grid_has_sources_above_and_a_row_for_each_latent(model):
    grid = latent_grid(model, IMAGES, "dog", LATENTS, psi=0.7)
    shown = cells(grid, 3, 3)
    assert_shows(shown[0], IMAGES)
    for row, latent in zip(shown[1:], LATENTS, strict=True):
        assert_shows(row, model.translate(IMAGES, "dog", [latent] * 3, psi=0.7))
    assert np.abs(shown[1] - shown[2]).max() > 0.05


def test_psi_0_makes_all_latents_alike(model):
    shown = cells(latent_grid(model, IMAGES, "dog", LATENTS, psi=0.0), 3, 3)
    np.testing.assert_array_equal(shown[1], shown[2])


def test_a_reference_grid_has_references_before_the_rows(model):
    shown = cells(reference_grid(model, IMAGES[:2], REFERENCES, [1, 0, 2]), 4, 3)
    assert_shows(shown[0], [WHITE, *IMAGES[:2]])
    for row, reference, domain in zip(shown[1:], REFERENCES, [1, 0, 2], strict=True):
        assert_shows(row[0], reference)
        expected = model.translate(IMAGES[:2], domain, references=reference[None])
        assert_shows(row[1:], expected)


def test_references_may_be_of_one_domain_by_its_name(model):
    np.testing.assert_array_equal(
        reference_grid(model, IMAGES, REFERENCES, "wild"),
        reference_grid(model, IMAGES, REFERENCES, [2, 2, 2]),
    )


def test_a_cycle_ends_in_the_sources_own_domain_and_style(model):
    shown = cells(cycle_grid(model, IMAGES, [0, 1, 2], REFERENCES, [1, 2, 0]), 4, 3)
    translated = model.translate(IMAGES, [1, 2, 0], references=REFERENCES)
    back = model.translate(translated, [0, 1, 2], references=IMAGES)
    for row, expected in zip(
        shown, (IMAGES, REFERENCES, translated, back), strict=True
    ):
        assert_shows(row, expected)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda model: latent_grid(model, IMAGES, "bird", LATENTS), "bird"),
        (lambda model: latent_grid(model, IMAGES, 0, LATENTS[:, :2]), "latents must"),
        (lambda model: latent_grid(model, IMAGES * 200, 0, LATENTS), "-1 to 1"),
        (lambda model: reference_grid(model, IMAGES, REFERENCES, [0, 1]), r"\(2,\)"),
        (lambda model: cycle_grid(model, IMAGES, 0, REFERENCES[:2], 1), "of 3 images"),
    ],
)
def test_what_does_not_fit_a_grid_is_refused(model, make, said):
    with pytest.raises(ValueError, match=said):
        make(model)


# Frames.


def test_positions_are_at_a_style_after_each_transition():
    positions = style_positions(3, 10)
    np.testing.assert_array_equal(positions[[0, 10, 20]], [0, 1, 2])
    assert len(positions) == 21


def test_positions_follow_a_sigmoid_of_time():
    positions = style_positions(2, 10)
    plain = 1 / (1 + np.exp(-np.linspace(-5, 5, 11)))
    np.testing.assert_allclose(
        positions, (plain - plain[0]) / (plain[-1] - plain[0]), atol=1e-12
    )


def test_frames_go_from_style_to_style_below_the_sources(model):
    styles = RNG.standard_normal((3, 8)).astype("float32")
    frames = list(interpolation_frames(model, IMAGES, styles, frames_per_transition=4))
    assert len(frames) == 9
    ways = {0: styles[0], 2: (styles[0] + styles[1]) / 2, 4: styles[1], 8: styles[2]}
    for place, style in ways.items():
        above, below = cells(frames[place], 2, 3)
        assert_shows(above, IMAGES)
        assert_shows(below, model.translate(IMAGES, conditions=style[None]))


def test_references_slide_with_their_styles(model):
    styles = model.conditions(0, references=REFERENCES)
    frames = list(interpolation_frames(model, IMAGES, styles, REFERENCES, 2))
    assert len(frames) == 5
    half = np.concatenate([REFERENCES[1][8:], REFERENCES[2][:8]])
    for place, reference in {0: REFERENCES[0], 3: half, 4: REFERENCES[2]}.items():
        shown = cells(frames[place], 2, 4)
        assert_shows(shown[0], [WHITE, *IMAGES])
        assert_shows(shown[1, 0], reference)
    last = model.translate(IMAGES, conditions=styles[2:])
    assert_shows(cells(frames[4], 2, 4)[1, 1:], last)


def test_frames_are_not_made_before_they_are_needed(model, monkeypatch):
    translated = []
    monkeypatch.setattr(
        model,
        "translate",
        lambda images, conditions: translated.append(len(images)) or images,
    )
    frames = interpolation_frames(model, IMAGES, np.zeros((5, 8)))
    assert translated == []
    next(frames)
    assert sum(translated) < 40


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"styles": np.zeros((1, 8))}, "received 1 styles"),
        ({"frames_per_transition": 0}, "and 0 frames"),
        ({"references": REFERENCES}, "each of 2 styles; received 3"),
    ],
)
def test_what_makes_no_video_is_refused_at_once(model, arguments, said):
    arguments = {"styles": np.zeros((2, 8))} | arguments
    with pytest.raises(ValueError, match=said):
        interpolation_frames(model, IMAGES, **arguments)


# Videos.


def frames_of_colours(count, height=64, width=96):
    """Each frame of one colour, which changes."""
    return [
        np.full((height, width, 3), [40 + 20 * i, 200 - 20 * i, 90], "uint8")
        for i in range(count)
    ]


def read_mp4(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(stream)]
        return frames, stream.codec_context, stream.average_rate


def test_an_mp4_is_what_browsers_play(tmp_path):
    frames = frames_of_colours(6)
    save_video([tmp_path / "new" / "a.mp4"], frames, fps=25)
    found, codec, rate = read_mp4(tmp_path / "new" / "a.mp4")
    assert (codec.name, codec.pix_fmt, rate) == ("h264", "yuv420p", 25)
    assert len(found) == 6
    np.testing.assert_allclose(found, frames, atol=8)


def test_an_mp4_of_odd_size_gets_a_row_and_a_column_more(tmp_path):
    save_video([tmp_path / "a.mp4"], frames_of_colours(2, 63, 95))
    found, _, _ = read_mp4(tmp_path / "a.mp4")
    assert np.shape(found) == (2, 64, 96, 3)
    np.testing.assert_allclose(found[0][-1, -1], [40, 200, 90], atol=8)


def test_a_gif_repeats(tmp_path):
    frames = frames_of_colours(5, 63, 95)
    save_video([tmp_path / "a.gif"], frames, fps=20)
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size) == (5, (95, 63))
        assert (gif.info["duration"], gif.info["loop"]) == (50, 0)
        for i, frame in enumerate(frames):
            gif.seek(i)
            np.testing.assert_array_equal(gif.convert("RGB"), frame)


def test_several_videos_share_frames_that_come_once(tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "a.gif"]
    save_video(paths, iter(frames_of_colours(3)))
    assert len(read_mp4(paths[0])[0]) == 3
    assert Image.open(paths[1]).n_frames == 3


def interrupted():
    yield from frames_of_colours(3)
    raise KeyboardInterrupt


def test_an_interrupted_video_leaves_the_earlier_one(tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "a.gif"]
    for path in paths:
        path.write_text("earlier")
    with pytest.raises(KeyboardInterrupt):
        save_video(paths, interrupted())
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert {path.read_text() for path in paths} == {"earlier"}


@pytest.mark.parametrize(
    "frames, changes, said",
    [
        ([], {}, "received none"),
        (frames_of_colours(1), {"fps": 0}, "received 0"),
        ([np.zeros((8, 8, 3))], {}, "float64"),
        ([np.zeros((8, 8), "uint8")], {}, r"\(8, 8\)"),
        (itertools.chain(frames_of_colours(1), frames_of_colours(1, 8)), {}, "first"),
        (frames_of_colours(1), {"paths": ["a.avi"]}, "a.avi"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, frames, changes, said):
    arguments = {"paths": [tmp_path / "a.mp4", tmp_path / "a.gif"]} | changes
    with pytest.raises(ValueError, match=said):
        save_video(frames=frames, **arguments)
    assert not list(tmp_path.iterdir())


def test_without_pyav_an_mp4_is_refused_and_a_gif_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    check_video_paths(["a.gif"])
    with pytest.raises(ImportError, match=r"keras-stargan\[video\]"):
        check_video_paths(["a.gif", "a.mp4"])


# Models.


def test_another_model_is_refused(tmp_path):
    other = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="Sequential, not a model that translates"):
        load_model(tmp_path / "other.keras")


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"neither model\.keras nor checkpoints"):
        load_model(tmp_path)

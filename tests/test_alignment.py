"""Alignment of faces by landmarks."""

import numpy as np
import pytest
import recipe_modules
from PIL import Image

from keras_stargan.faces.aligned_files import align_files
from keras_stargan.faces.alignment import (
    align_faces,
    find_landmarks,
    load_mean_landmarks,
    similarity_transform,
)
from keras_stargan.files.pytorch import state_dict, weight_shapes, write_checkpoint
from keras_stargan.pretrained.fan.networks import FAN
from keras_stargan.pretrained.fan.pytorch import fan_names, load_weights

LEFT, RIGHT, MOUTH = (slice(60, 68), 96), (slice(68, 76), 97), (76, 82)


def ring(x, y, width, height, count):
    """Points around a place, from its left clockwise."""
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x - width * np.cos(turns), y - height * np.sin(turns)], axis=-1)


def upright_face():
    """Landmarks in 256 px: round eyes and pupils, a mouth, and a ring for the rest."""
    return np.concatenate(
        [
            ring(128, 150, 70, 80, 60),
            ring(96, 121, 14, 7, 8),
            ring(160, 121, 14, 7, 8),
            ring(128, 192, 26, 10, 12),
            ring(128, 192, 18, 4, 8),
            [[96, 121], [160, 121]],
        ]
    )


FACE = upright_face()


def moved(points, angle=0.0, scale=1.0, x=0.0, y=0.0):
    """Points turned (degrees) and scaled about the image's middle, and shifted."""
    c, s = scale * np.cos(np.deg2rad(angle)), scale * np.sin(np.deg2rad(angle))
    return (points - 128) @ [[c, s], [-s, c]] + 128 + [x, y]


class Known:
    """In FAN's place: heatmaps of landmarks that are known, picture by picture."""

    def __init__(self, *faces):
        self.faces = list(faces)
        self.batches = []

    def __call__(self, images):
        assert images.shape[1:] == (256, 256, 3) and images.min() >= -1.0
        self.batches.append(len(images))
        rows, columns = np.mgrid[:64, :64]
        maps = np.zeros((len(images), 64, 64, 99), "float32")
        for heatmaps in maps:
            for i, (x, y) in enumerate(self.faces.pop(0) / 4 - 0.5):
                squares = (columns - x) ** 2 + (rows - y) ** 2
                heatmaps[:, :, i] = np.exp(-squares / 2)
        return maps


def portrait(face, width=256, height=256):
    """A picture with a red, a green and a blue spot for the eyes and the mouth."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    picture = np.full((height, width, 3), 40.0)
    spots = face[96], face[97], face[[*MOUTH]].mean(axis=0)
    for channel, (x, y) in enumerate(spots):
        squares = (columns - x) ** 2 + (rows - y) ** 2
        picture[..., channel] += 200 * np.exp(-squares / (2 * (width / 64) ** 2))
    return picture.round().astype("uint8")


def spots(picture):
    """Where a portrait's spots are."""
    places = []
    rows, columns = np.mgrid[: len(picture), : len(picture)] + 0.5
    for levels in np.moveaxis(np.maximum(picture - 100.0, 0), -1, 0):
        places.append([np.average(at, weights=levels) for at in (columns, rows)])
    return np.array(places)


# Landmarks.


def test_landmarks_are_maxima_moved_a_quarter_and_certainty_is_their_mean():
    heatmaps = np.random.default_rng(0).random((2, 64, 64, 99), "float32")
    images = np.zeros((2, 256, 256, 3), "uint8")
    found, certainty = find_landmarks(lambda _: heatmaps, images)
    for n in range(2):
        highest = []
        for i in range(98):
            level = heatmaps[n, :, :, i]
            y, x = np.argwhere(level == level.max())[0]
            highest.append(level[y, x])
            move = np.zeros(2)
            if 0 < x < 63 and 0 < y < 63:
                move[0] = 0.25 if level[y, x + 1] > level[y, x - 1] else -0.25
                move[1] = 0.25 if level[y + 1, x] > level[y - 1, x] else -0.25
            np.testing.assert_allclose(found[n, i], 4 * (np.array([x, y]) + 0.5 + move))
        assert certainty[n] == pytest.approx(np.mean(highest))


# The transform.


@pytest.mark.parametrize(
    "change",
    [
        {"angle": 25},
        {"angle": -170, "scale": 0.5},
        {"scale": 1.7, "x": -31},
        {"angle": 90, "y": 12.5},
    ],
)
def test_a_moved_mean_face_is_moved_back(change):
    face = moved(FACE, **change)
    matrix = similarity_transform(face, FACE)
    np.testing.assert_allclose(face @ matrix[:, :2].T + matrix[:, 2], FACE, atol=1e-9)


def test_other_faces_are_moved_as_published():
    rng = np.random.default_rng(1)
    face, mean = (FACE + rng.normal(0, 6, FACE.shape) for _ in range(2))

    def angle(points):
        left, right = (np.vstack([points[a], points[b]]).mean(0) for a, b in eyes)
        eye_to_eye, mouth = right - left, points[[*MOUTH]].mean(0)
        up = (left + right) / 2 - mouth
        return np.arctan2(eye_to_eye[1] + up[0], eye_to_eye[0] - up[1])

    eyes = LEFT, RIGHT
    turn = angle(mean) - angle(face)
    far = [
        np.linalg.norm(points - points.mean(0), axis=1)[[96, 97, 76, 82]]
        for points in (face, mean)
    ]
    scale = np.mean(far[1] / far[0])
    matrix = similarity_transform(face, mean)
    np.testing.assert_allclose(
        matrix[:, 0], [scale * np.cos(turn), scale * np.sin(turn)]
    )
    np.testing.assert_allclose(matrix[:, 1], [-matrix[1, 0], matrix[0, 0]])
    np.testing.assert_allclose(matrix @ [*face.mean(0), 1], mean.mean(0))


@pytest.mark.parametrize(
    ("mouth_at", "eye_distance", "eyes_at"),
    # Of a short face the distance of the eyes makes a quarter of the side; of a long
    # one, that of eyes and mouth 1 in 3.6.
    [(170, 64, 128 - 4.9), (250, 64 * 256 / 3.6 / 129, 128 - 25.6 / 3.6)],
)
def test_without_a_mean_face_the_rule_is_that_of_celeba_hq(
    mouth_at, eye_distance, eyes_at
):
    face = FACE.copy()
    face[76:96, 1] += mouth_at - 192
    face = moved(face, 33, 0.7, 10, -20)
    matrix = similarity_transform(face)
    left, right = face[[96, 97]] @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(left, [128 - eye_distance / 2, eyes_at], atol=1e-9)
    np.testing.assert_allclose(right, [128 + eye_distance / 2, eyes_at], atol=1e-9)


# Pictures.


@pytest.mark.parametrize("mean", [FACE, None], ids=["mean face", "CelebA-HQ's rule"])
@pytest.mark.parametrize(
    ("change", "side", "size"),
    [
        ({"angle": 25, "scale": 0.6, "x": -50, "y": 30}, 256, 256),
        ({"angle": -40, "scale": 0.5}, 256, 128),
        ({"scale": 1.1, "x": 15}, 512, 256),
        ({"angle": 10, "scale": 0.7}, 200, 256),
    ],
)
def test_a_face_comes_back_upright_to_within_a_pixel(change, side, size, mean):
    face = moved(FACE, **change)
    picture = portrait(face * side / 256, side, side)
    aligned = align_faces([picture], Known(face), mean, size)
    assert aligned.shape == (1, size, size, 3) and aligned.dtype == np.uint8
    # By the rule, eyes and mouth come to lie almost where they are drawn.
    expected = np.vstack([FACE[[96, 97]], FACE[[*MOUTH]].mean(0)]) * size / 256
    np.testing.assert_allclose(spots(aligned[0]), expected, atol=1)


def test_a_face_in_its_place_stays_as_it_is():
    picture = np.random.default_rng(2).integers(0, 256, (256, 256, 3), "uint8")
    # In the middles of heatmaps' pixels, where FAN finds them exactly.
    face = np.floor(FACE / 4) * 4 + 2
    aligned = align_faces([picture], Known(face), face)[0]
    np.testing.assert_array_equal(aligned, picture)


def test_borders_are_mirrored_and_ever_more_blurred():
    picture = np.random.default_rng(3).integers(60, 256, (256, 256, 3), "uint8")
    face = np.floor(FACE / 4) * 4 + 2
    aligned = align_faces([picture], Known(face), moved(face, x=100))[0]
    np.testing.assert_array_equal(aligned[:, 100:], picture[:, :156])
    # The outermost pixel is not repeated, and hardly blurred one pixel outside.
    np.testing.assert_allclose(aligned[:, 99], 1.0 * picture[:, 1], atol=6)
    contrasts = [aligned[:, end - 20 : end].std() for end in (100, 75, 50)]
    assert contrasts[0] > 1.4 * contrasts[1] > 1.4**2 * contrasts[2]
    # At last nothing is left but noise smoothed by a Gaussian of 4 px.
    expected = picture.std() / (2 * np.pi**0.5 * 4)
    assert aligned[:, :15].std() == pytest.approx(expected, rel=0.2)
    assert aligned.mean() == pytest.approx(picture.mean(), abs=3)


@pytest.mark.parametrize(
    "change",
    [{"angle": 45, "scale": 0.9, "x": 110, "y": 100}, {"scale": 1.9, "angle": 180}],
    ids=["in a corner", "filling the picture"],
)
def test_no_corner_is_black(change):
    picture = np.full((256, 256, 3), 200, "uint8")
    aligned = align_faces([picture], Known(moved(FACE, **change)), moved(FACE, 0, 0.5))
    np.testing.assert_allclose(aligned, 200.0, atol=1)


def test_a_large_picture_is_smoothed_as_it_is_made_smaller():
    picture = np.zeros((1024, 1024, 3), "uint8")
    picture[:, ::2] = 255
    aligned = align_faces([picture], Known(moved(FACE, 20)), FACE)[0]
    assert 1.0 * aligned[60:-60, 60:-60].std() < 8


@pytest.mark.parametrize(
    ("width", "height", "fit", "left", "top", "side"),
    [(400, 256, "crop", 72, 0, 256), (256, 400, "face", 7.68, 59.68, 240.64)],
)
def test_of_a_picture_that_is_not_square_a_square_is_taken(
    width, height, fit, left, top, side
):
    face = moved(FACE, 25, 0.7)
    picture = portrait(face * side / 256 + [left, top], width, height)
    aligned = align_faces([picture], Known(face), FACE, fit=fit)[0]
    np.testing.assert_allclose(spots(aligned)[:2], FACE[[96, 97]], atol=1)


def test_pictures_stay_in_order_through_batches():
    faces = [moved(FACE, angle, 0.6, angle) for angle in (-30, 0, 45)]
    fan = Known(*faces)
    aligned = align_faces([portrait(face) for face in faces], fan, FACE, batch_size=2)
    assert fan.batches == [2, 1]
    for picture in aligned:
        np.testing.assert_allclose(spots(picture)[:2], FACE[[96, 97]], atol=1)


def unsure(images):
    """In FAN's place: is sure of bright pictures only."""
    certain = np.where(images.max((1, 2, 3)) > 0, 1.0, 0.1)
    return Known(*[FACE] * len(images))(images) * certain[:, None, None, None]


def test_pictures_without_a_face_are_named():
    pictures = [portrait(FACE), np.zeros((256, 256, 3), "uint8")]
    with pytest.raises(ValueError, match="on 1 of 2 pictures: number 1"):
        align_faces(pictures, unsure)
    assert len(align_faces(pictures, unsure, min_certainty=0.05)) == 2


@pytest.mark.parametrize("mean", [FACE, None], ids=["mean face", "CelebA-HQ's rule"])
def test_landmarks_that_are_all_in_one_place_are_no_face(mean):
    with pytest.raises(ValueError, match="No face"):
        align_faces([portrait(FACE)], Known(np.full((98, 2), 70.0)), mean)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean_landmarks": FACE[:68]}, r"\(98, 2\).*\(68, 2\)"),
        ({"mean_landmarks": FACE / 256}, "pixels of an image of 256"),
        ({"mean_landmarks": FACE * np.nan}, "pixels of an image of 256"),
        ({"size": 0}, "size must be at least 1; received 0"),
        ({"batch_size": 0}, "batch_size must be at least 1; received 0"),
        ({"fit": "pad"}, "fit must be one of crop, face; received 'pad'"),
        ({"pictures": []}, "received none"),
        ({"pictures": [np.zeros((9, 9, 3))]}, "uint8 arrays .*; received"),
    ],
)
def test_bad_arguments_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        align_faces(**{"pictures": [portrait(FACE)], "fan": Known(FACE), **change})


# Files.


def write(path, dark=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(portrait(FACE) * np.uint8(not dark)).save(path)
    return path


def test_folders_are_kept_and_pictures_without_a_face_are_left_out(tmp_path, capsys):
    people, out = tmp_path / "people", tmp_path / "out"
    first, second = write(people / "a.png"), write(people / "anna" / "01.jpg")
    dark = write(people / "dark.png", dark=True)
    written = align_files(unsure, people, out, FACE, size=64, batch_size=2)
    assert written == {
        first: out / "a.png",
        second: out / "anna" / "01.png",
        dark: None,
    }
    assert f"No face was found on 1 of 3 pictures: {dark}" in capsys.readouterr().out
    assert sorted(path.name for path in out.rglob("*.png")) == ["01.png", "a.png"]
    expected = align_faces([portrait(FACE)], Known(FACE), FACE, size=64)[0]
    np.testing.assert_array_equal(Image.open(out / "a.png"), expected)


def test_no_face_on_any_picture_is_an_error(tmp_path):
    dark = write(tmp_path / "dark.png", dark=True)
    with pytest.raises(ValueError, match=r"1 of 1 pictures: .*dark.png. FAN needs"):
        align_files(unsure, dark, tmp_path / "out", verbose=0)


def test_nothing_is_overwritten_unless_told(tmp_path):
    picture, out = write(tmp_path / "a.png"), tmp_path / "out"
    align_files(Known(FACE), picture, out, size=16, verbose=0)
    with pytest.raises(ValueError, match=r"a.png is there already"):
        align_files(Known(), picture, out, size=32, verbose=0)
    align_files(Known(FACE), picture, out, size=32, overwrite=True, verbose=0)
    assert Image.open(out / "a.png").size == (32, 32)


def test_unreadable_files_are_refused_before_fan_runs_or_left_out(tmp_path, capsys):
    write(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1 of 2 .*b.png.*skip_unreadable"):
        align_files(Known(), tmp_path / "in", tmp_path / "out", verbose=0)
    written = align_files(
        Known(FACE), tmp_path / "in", tmp_path / "out", skip_unreadable=True
    )
    assert list(written.values()) == [tmp_path / "out" / "a.png"]
    assert "Left out: 1 of 2 pictures cannot be read" in capsys.readouterr().out


def test_the_published_mean_face_is_read_from_its_file(tmp_path):
    np.savez(tmp_path / "mean.npz", mean=FACE.astype("float32"))
    np.testing.assert_allclose(
        load_mean_landmarks(tmp_path / "mean.npz"), FACE, atol=1e-4
    )


def test_other_files_are_no_mean_face(tmp_path):
    np.save(tmp_path / "array.npy", FACE)
    np.savez(tmp_path / "other.npz", face=FACE)
    np.savez(tmp_path / "few.npz", mean=FACE[:5])
    (tmp_path / "text.npz").write_text("no numbers")
    for name in ("array.npy", "other.npz", "few.npz", "text.npz"):
        with pytest.raises(ValueError, match=rf"{name}.* must be"):
            load_mean_landmarks(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_mean_landmarks(tmp_path / "nothing.npz")


@pytest.fixture(scope="module")
def wing(fan, tmp_path_factory):
    """Weights of a FAN by their published names, and a file of them."""
    rng = np.random.default_rng(4)
    state = {
        # Variances among them must not be below 0.
        name: (0.1 * rng.normal(size=shape) + name.endswith("_var")).astype("float32")
        for name, shape in weight_shapes(fan_names(fan)).items()
    }
    file = tmp_path_factory.mktemp("fan") / "wing.ckpt"
    write_checkpoint(file, {"state_dict": state})
    return state, file


@pytest.fixture(scope="module")
def fan():
    return FAN()


def test_the_published_fan_is_read_from_its_file(fan, wing):
    state, file = wing
    load_weights(fan, file)
    found = state_dict(fan_names(fan))
    for name, expected in state.items():
        np.testing.assert_array_equal(found[name], expected)


def test_another_checkpoint_is_no_fan(fan, tmp_path):
    write_checkpoint(tmp_path / "other.ckpt", {"generator": {}})
    with pytest.raises(ValueError, match=r"'state_dict'; it holds generator"):
        load_weights(fan, tmp_path / "other.ckpt")


def test_the_recipe_aligns(fan, wing, monkeypatch, tmp_path):
    picture = write(tmp_path / "me.jpg")
    np.savez(tmp_path / "mean.npz", mean=FACE)
    given = {
        "input": picture,
        "fan": wing[1],
        "mean_landmarks": tmp_path / "mean.npz",
        "size": 32,
        "min_certainty": -1e9,
        "output_dir": tmp_path / "out",
    }
    # Another one would take seconds to make.
    monkeypatch.setattr("keras_stargan.pretrained.fan.networks.FAN", lambda: fan)
    recipe_modules.loaded("align_faces").main(recipe_modules.command_line(**given))
    assert Image.open(tmp_path / "out" / "me.png").size == (32, 32)

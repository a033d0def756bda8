"""The short form of `campaigns/pictures.py`, and tests of the defects it found."""

import io

import numpy as np
import pytest
import tensorflow as tf
from campaigns import mutated_pictures, pictures
from PIL import EpsImagePlugin, Image

from keras_stargan.export.image_bytes import prepare_images
from keras_stargan.files.gif import gif_pixels
from keras_stargan.files.pictures import open_picture
from keras_stargan.serving.service import picture_faults

# Those that take seconds are left to the long form.
SLOW = ("bomb", "scans")


def test_hostile_files_are_refused_and_harm_nobody(tmp_path):
    pictures.make_models(tmp_path)
    names = enumerate(mutated_pictures.TRAPS)
    traps = [number for number, name in names if not any(one in name for one in SLOW)]
    found = pictures.try_files(tmp_path, [*traps, *range(100, 164)], seed=1)
    assert found["failures"] == []
    tried = len(traps) + 64
    for reader in ("open", "folders", "stream", "translate", "signature", "serve"):
        read, refused = (
            found["counts"][f"{reader} {how}"] for how in ("read", "refused")
        )
        assert read + refused == tried
        assert read and refused


def test_a_file_is_the_same_again():
    first, again = (mutated_pictures.picture_file(3, 200) for _ in range(2))
    assert first == again


def test_no_interpreter_is_started_for_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("run"))
    path = tmp_path / "face.png"
    path.write_bytes(mutated_pictures.valid_files()["eps"])
    with pytest.raises(ValueError, match=r"face\.png.*cannot identify.*PNG"):
        open_picture(path)


@pytest.fixture(scope="module")
def many_scans():
    return mutated_pictures.jpeg_of_scans(2_000, 3_000)


def signature_error(content):
    _, errors = prepare_images(tf.constant([content]), 16)
    return errors[0].numpy().decode()


def test_a_jpeg_of_thousands_of_scans_is_not_opened(many_scans):
    with pytest.raises(
        ValueError, match=r"a\.jpg.*4,000,000 pixels are in 3,00\d scans"
    ):
        open_picture("a.jpg", many_scans)


def test_a_jpeg_of_thousands_of_scans_is_not_decoded_in_a_signature(many_scans):
    assert "10000000000 pixels in all scans together" in signature_error(many_scans)


def test_a_jpeg_of_thousands_of_scans_is_not_served(many_scans):
    (fault,) = picture_faults("encoded", [many_scans], 10**8).values()
    assert "10,000,000,000 pixels in all its scans together" in fault


def test_a_picture_with_an_endless_side_is_not_decoded():
    content = mutated_pictures.png(1, 70_000, 70_000)
    with pytest.raises(ValueError, match=r"65,535 pixels; it has 70,000"):
        open_picture("a.png", content)


def test_a_progressive_jpeg_is_read():
    content = mutated_pictures.valid_files()["jpeg_progressive"]
    assert open_picture("a.jpg", content).size == (24, 24)
    assert signature_error(content) == ""
    assert picture_faults("encoded", [content], 10**8) == {}


def test_frames_of_a_gif_that_are_wide_and_high_together_count():
    content = mutated_pictures.gif_wide_and_high(30_000)
    assert len(content) < 5_000
    assert gif_pixels(content) == 900_000_000


@pytest.mark.parametrize(
    "content",
    [
        mutated_pictures.gif((20, 20), (20, 20), (20_000, 20_000)),
        mutated_pictures.gif((20, 20), *[(4_000, 4_000)] * 10),
        mutated_pictures.gif_wide_and_high(30_000),
        mutated_pictures.valid_files()["gif_animated"],
        mutated_pictures.valid_files()["gif_transparent"][:-20],
    ],
)
def test_a_signature_counts_the_pixels_of_a_gif_as_the_server(content):
    pixels = gif_pixels(content)
    error = signature_error(content)
    if pixels > 10**8:
        assert f"at most 100000000 pixels; received {pixels}" in error
    else:
        assert "at most" not in error


def test_large_pictures_are_decoded_in_turn(monkeypatch):
    from keras_stargan.files import pictures as reading

    monkeypatch.setattr(reading, "_LARGE", 100)
    held = []
    convert = reading._to_rgb
    monkeypatch.setattr(
        reading,
        "_to_rgb",
        lambda file: (held.append(reading._large_in_turn.locked()), convert(file))[1],
    )
    for side in (20, 5):
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((side, side, 3), "uint8")).save(buffer, "PNG")
        open_picture("a.png", buffer.getvalue())
    assert held == [True, False]
    assert not reading._large_in_turn.locked()

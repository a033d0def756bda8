"""What holds for any labels, targets, frames, grids and faces."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_stargan.faces.alignment import similarity_transform
from keras_stargan.files.framing import FITS, frame
from keras_stargan.files.picture_files import file_name
from keras_stargan.files.pictures import CROPS, crop_box
from keras_stargan.images import image_grid
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.labels.targets import Target

# Always the same examples, so that a test that passes today passes tomorrow.
few = settings(max_examples=50, deadline=None, derandomize=True, database=None)
sides = st.integers(1, 5_000)
names = st.lists(
    st.text("ab ,-_\u00e9", min_size=1, max_size=5), min_size=1, max_size=5, unique=True
)


@st.composite
def spaces(draw):
    kinds = draw(
        st.lists(st.sampled_from(["categorical", "binary"]), min_size=1, max_size=3)
    )
    return LabelSpace(
        tuple(
            LabelSet(tuple(draw(names)), kind, name=f"set{place}")
            for place, kind in enumerate(kinds)
        )
    )


@few
@given(spaces())
def test_a_label_space_comes_back_from_its_configuration(space):
    again = LabelSpace.from_config(space.get_config())
    assert again == space
    assert again.names == space.names


@few
@given(spaces(), st.data())
def test_every_label_can_be_a_target_whose_labels_are_right(space, data):
    name = data.draw(st.sampled_from(space.names))
    assume(name == name.strip())  # A text has no spaces around a name.
    target = Target.parse(space, name)
    own = np.zeros((2, space.num_labels), "float32")
    labels = target.resolve(own)
    assert labels.shape == (2, space.size)
    assert labels[0, space.names.index(name)] == 1
    assert (space.data_sets(labels) == space.set_of(space.names.index(name))).all()
    space.check(labels)
    np.testing.assert_array_equal(target.resolve(labels[:, : space.num_labels]), labels)


@few
@given(spaces(), st.text(max_size=30))
def test_any_text_is_a_target_or_a_value_error(space, text):
    try:
        target = Target.parse(space, text)
    except ValueError as error:
        assert str(error)
    else:
        space.check(target.resolve(space.from_logits(np.ones((1, space.num_labels)))))


@few
@given(st.text(max_size=20), st.text(max_size=20))
def test_a_file_name_stays_in_its_folder(first, second):
    for title in (first, second):
        name = file_name(title)
        assert "/" not in name and "\\" not in name and not name.startswith(".")
        assert file_name(name) == name


@few
@given(sides, sides, st.sampled_from(sorted(CROPS)))
def test_a_crop_is_a_square_inside_the_picture(width, height, crop):
    left, top, right, bottom = crop_box((width, height), crop)
    assert 0 <= left < right <= width + 1e-6
    assert 0 <= top < bottom <= height + 1e-6
    assert abs((right - left) - (bottom - top)) < 1e-6


@few
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(FITS))
def test_a_framed_picture_comes_back_in_the_size_that_was_taken(width, height, fit):
    framing = frame((width, height), 16, fit)
    image = framing.framed(Image.new("RGB", (width, height), (9, 99, 199)))
    assert image.shape == (16, 16, 3)
    assert (image == (9, 99, 199)).all()
    assert min(framing.unframed(image, original_size=False).size) >= 1
    assert framing.unframed(image, original_size=True).size == tuple(
        max(1, side) for side in framing.taken
    )


@few
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 40),
    st.lists(st.text(max_size=300), min_size=4, max_size=4),
)
def test_a_grid_has_room_for_any_titles(rows, columns, size, titles):
    cells = np.zeros((rows, columns, size, size, 3), "uint8")
    plain = image_grid(cells)
    titled = image_grid(cells, titles[:columns], titles[:rows])
    assert titled.dtype == np.uint8
    assert titled.shape[0] >= plain.shape[0] and titled.shape[1] >= plain.shape[1]
    assert titled.size < 10**8


@few
@given(st.floats(0.2, 5), st.floats(-3, 3), st.floats(-500, 500), st.floats(-500, 500))
def test_a_face_that_is_moved_is_brought_to_the_same_place(scale, angle, x, y):
    face = np.random.default_rng(0).uniform(60, 200, (98, 2))
    face[60:68], face[68:76] = (
        face[60:68] * 0.1 + (90, 110),
        face[68:76] * 0.1 + (150, 110),
    )
    face[76:96] = face[76:96] * 0.1 + (120, 170)
    turn = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    placed = []
    for landmarks in (face, face @ turn.T + (x, y)):
        matrix = similarity_transform(landmarks)
        assert np.allclose(matrix[0, 0], matrix[1, 1])
        assert np.allclose(matrix[0, 1], -matrix[1, 0])
        placed.append(landmarks @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(*placed, atol=1e-4)

import io
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

from keras_stargan import StarGAN
from keras_stargan.export import export_saved_model
from keras_stargan.export.image_bytes import prepare_images
from keras_stargan.export.saved_model import signatures_of
from keras_stargan.images import to_uint8
from keras_stargan.labels import LabelSet, LabelSpace

SIZE = 32
LABEL_SET = LabelSet(("angry", "happy", "sad"))

# Runs where keras_stargan cannot be imported, as on a server.
SERVER = """
import sys
sys.modules["keras_stargan"] = None
import numpy as np
import tensorflow as tf
folder, given, results = sys.argv[1:]
given = np.load(given)
signatures = tf.saved_model.load(folder).signatures
translated = signatures["serving_default"](
    images=tf.constant(given["images"]), labels=tf.constant(given["labels"])
)["translated"]
png = signatures["translate_bytes"](
    encoded=tf.constant([given["photo"].tobytes()] * 3),
    target=tf.constant(["angry", "happy", "sad"]),
)["encoded_bytes"]
levels = np.stack([tf.io.decode_png(one).numpy() for one in png])
names = signatures["label_names"]()["names"].numpy().astype(str)
np.savez(results, translated=translated, levels=levels, names=names)
"""


def small_model(labels):
    keras.utils.set_random_seed(0)  # Rounding to levels is then the same each time.
    return StarGAN(
        image_size=SIZE,
        labels=labels,
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


def file_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
def prepare(files):
    return prepare_images(files, SIZE)


def prepared(file):
    """A good file as an image."""
    images, errors = prepare(tf.reshape(file, (1,)))
    assert errors.numpy().tolist() == [b""]
    return images[0].numpy()


def photo(width, height, mode="RGB"):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (5, 5, 3), "uint8"))
    return image.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


@pytest.fixture(scope="module")
def model():
    return small_model(LABEL_SET)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "faces" / "1"
    export_saved_model(model, path)
    return path


@pytest.fixture(scope="module")
def signatures(exported):
    loaded = tf.saved_model.load(exported)
    # The signatures do not keep what they need of it alive.
    yield loaded.signatures
    del loaded


@pytest.fixture(scope="module")
def served(exported, tmp_path_factory):
    """What a process without this package gets from the export, and gave to it."""
    folder = tmp_path_factory.mktemp("server")
    rng = np.random.default_rng(0)
    given = {
        "images": rng.uniform(-1, 1, (4, SIZE, SIZE, 3)).astype("float32"),
        "labels": np.eye(3, dtype="float32")[[0, 1, 2, 1]],
        "photo": np.frombuffer(file_of(photo(90, 70)), "uint8"),
    }
    np.savez(folder / "given.npz", **given)
    subprocess.run(
        # -I: neither the current folder nor PYTHONPATH is searched.
        [sys.executable, "-I", "-c", SERVER, exported, "given.npz", "results.npz"],
        cwd=folder,
        check=True,
    )
    return given, np.load(folder / "results.npz")


def test_a_server_without_this_package_translates_as_the_model(model, served):
    given, results = served
    expected = model.translate(given["images"], given["labels"])
    np.testing.assert_allclose(results["translated"], expected, atol=1e-5)


def test_a_server_without_this_package_translates_files(model, served):
    given, results = served
    image = prepared(given["photo"].tobytes())[np.newaxis]
    expected = to_uint8(model.translate(np.repeat(image, 3, axis=0), np.eye(3)))
    # One level for values so near the middle of two that rounding may differ.
    assert np.abs(results["levels"].astype(int) - expected).max() <= 1
    assert np.mean(results["levels"] != expected) < 1e-3


def test_a_server_can_be_asked_for_the_names(served):
    assert tuple(served[1]["names"]) == LABEL_SET.names


def test_images_are_cropped_to_the_middle_square():
    image = np.zeros((SIZE, 3 * SIZE, 3), "uint8")
    image[:, SIZE : 2 * SIZE] = np.random.default_rng(0).integers(0, 256, (SIZE, 1, 3))
    found = prepared(file_of(Image.fromarray(image)))
    np.testing.assert_array_equal(to_uint8(found), image[:, SIZE : 2 * SIZE])


def test_images_are_resized_with_antialiasing():
    stripes = np.zeros((8 * SIZE, 8 * SIZE, 3), "uint8")
    stripes[:, ::2] = 255
    # Without it, a resized image is the stripes it hits.
    found = prepared(file_of(Image.fromarray(stripes)))
    np.testing.assert_allclose(found, 0.0, atol=0.05)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "1"])
def test_png_files_of_every_mode_are_prepared(mode):
    image = photo(50, 60, "L")
    if mode == "I;16":
        file = file_of(Image.fromarray(np.asarray(image).astype("uint16") * 257))
    else:
        file = file_of(image.convert(mode))
    tolerance = 2 if mode == "1" else 1.01 / 127.5
    expected = prepared(file_of(image))
    np.testing.assert_allclose(prepared(file), expected, atol=tolerance)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "GIF"])
def test_files_of_other_formats_are_prepared(kind):
    found = prepared(file_of(photo(50, 60), kind))
    assert np.abs(found - prepared(file_of(photo(50, 60)))).mean() < 0.05


def test_a_bmp_file_may_go_from_top_to_bottom():
    file = file_of(photo(SIZE, SIZE), "BMP")
    turned = file[:22] + (-SIZE).to_bytes(4, "little", signed=True) + file[26:]
    np.testing.assert_array_equal(prepared(turned), prepared(file)[::-1])


def declaring(kind, side):
    """A small file whose header declares so many rows and columns."""
    file = file_of(photo(50, 60), kind)
    if kind == "PNG":
        return file[:16] + 2 * side.to_bytes(4, "big") + file[24:]
    if kind == "BMP":
        return file[:18] + 2 * side.to_bytes(4, "little") + file[26:]
    if kind == "GIF":
        return file[:6] + 2 * side.to_bytes(2, "little") + file[10:]
    frame = file.index(b"\xff\xc0")
    return file[: frame + 5] + 2 * side.to_bytes(2, "big") + file[frame + 9 :]


PNG = file_of(photo(50, 60))
BAD_FILES = {
    "empty": b"",
    "text": b"hello",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "webp": file_of(photo(50, 60), "WEBP"),
    "signature of PNG": PNG[:8],
    "header of PNG": PNG[:24],
    **{f"half a {k}": file_of(photo(50, 60), k)[:-900] for k in ("PNG", "JPEG", "BMP")},
    **{f"{kind} of no pixel": declaring(kind, 0) for kind in ("PNG", "JPEG", "GIF")},
}


def test_a_file_that_cannot_be_read_does_not_fail_the_others():
    files = [PNG, *BAD_FILES.values(), PNG]
    images, errors = prepare(tf.constant(files))
    for file, error in zip(BAD_FILES, errors[1:-1].numpy().astype(str), strict=True):
        assert "must be a whole file in PNG, JPEG, BMP or GIF" in error, file
    assert errors[0] == errors[-1] == ""
    assert not images[1:-1].numpy().any()
    for image in (images[0], images[-1]):
        np.testing.assert_array_equal(image, prepared(PNG))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF"])
def test_a_file_that_declares_too_many_pixels_is_not_decoded(kind):
    files = [declaring(kind, 10_001), PNG]
    _, errors = prepare(tf.constant(files))
    assert "at most 100000000 pixels; received 100020001." in errors[0].numpy().decode()
    assert errors[1] == ""


def test_a_batch_may_be_empty():
    images, errors = prepare(tf.constant([], tf.string))
    assert images.shape == (0, SIZE, SIZE, 3)
    assert errors.shape == (0,)


def test_what_is_wrong_with_an_entry_is_said_beside_the_others(signatures):
    found = signatures["translate_bytes"](
        encoded=tf.constant([PNG, PNG, b"no picture", b""]),
        target=tf.constant(["hapy", "happy", "sad", b"\xff" * 1000]),
    )
    unknown, good, unreadable, both = (e.decode() for e in found["error"].numpy())
    assert unknown == "target must be one of angry, happy, sad; received 'hapy'."
    assert good == ""
    assert unreadable.startswith("encoded cannot be read: it must be a whole file in")
    assert "encoded cannot be read" in both and "one of angry, happy, sad" in both
    assert len(both) < 250
    assert [bool(file) for file in found["encoded_bytes"].numpy()] == [0, 1, 0, 0]
    alone = signatures["translate_bytes"](
        encoded=tf.constant([PNG]), target=tf.constant(["happy"])
    )
    assert found["encoded_bytes"][1] == alone["encoded_bytes"][0]


def test_a_binary_target_changes_what_it_names_and_nothing_else(tmp_path):
    label_set = LabelSet(("blond", "male", "young"), "binary")
    model = small_model(label_set)
    export_saved_model(model, tmp_path / "1")
    loaded = tf.saved_model.load(tmp_path / "1")
    encoded = tf.constant([file_of(photo(SIZE, SIZE))] * 3)
    targets = ["young, blond", "male", "-male"]
    png = loaded.signatures["translate_bytes"](
        encoded=encoded, target=tf.constant(targets)
    )["encoded_bytes"]
    images = prepared(encoded[0])[np.newaxis]
    # What is not named stays as the discriminator sees it.
    expected = np.concatenate(
        [model.translate(images[:1], target) for target in targets]
    )
    levels = np.stack([tf.io.decode_png(one).numpy() for one in png])
    assert np.abs(levels.astype(int) - to_uint8(expected)).max() <= 1
    wrong = loaded.signatures["translate_bytes"](
        encoded=encoded[:1], target=tf.constant(["male,yuong"])
    )
    assert b"among blond, male, young; received" in wrong["error"].numpy()[0]


def warmup_requests(folder):
    """The requests that TensorFlow Serving would run."""
    place = folder / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(place)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        yield log.predict_log.request


def test_every_signature_is_warmed_up_by_a_good_request(exported, signatures):
    requests = {r.model_spec.signature_name: r for r in warmup_requests(exported)}
    assert set(requests) == set(signatures) - {"label_names"}
    for name, request in requests.items():
        inputs = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        assert {len(value) for value in inputs.values()} == {1}
        outputs = signatures[name](**inputs)
        assert outputs.get("error", "") == "", name


def test_without_the_messages_there_are_no_warmup_requests(
    model, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"keras-stargan\[client\]"):
        export_saved_model(model, tmp_path / "1", warmup=True)
    assert not list(tmp_path.iterdir())
    assert export_saved_model(model, tmp_path / "1") is False
    assert not (tmp_path / "1" / "assets.extra").exists()


def test_signatures_of_tensors_may_take_images_of_any_size(model):
    translate = signatures_of(model, (None, None))["translate_label"]
    images = np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[:1]
    found = translate(images=tf.constant(images), labels=tf.constant(labels))
    expected = model.translate(images, labels)
    np.testing.assert_allclose(found["translated"], expected, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"multiples of 4.*18 24"):
        translate(images=tf.zeros((1, 18, 24, 3)), labels=tf.constant(labels))


def test_an_earlier_export_is_replaced_and_nothing_else_left(model, tmp_path):
    path = tmp_path / "1"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"an earlier export")
    export_saved_model(model, path)
    assert "label_names" in tf.saved_model.load(path).signatures
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_a_folder_of_something_else_is_not_replaced(model, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="earlier SavedModel"):
        export_saved_model(model, tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_targets_of_several_data_sets_carry_the_mask_of_theirs(tmp_path):
    space = LabelSpace(
        (
            LabelSet(("blond", "male"), "binary", name="people"),
            LabelSet(("happy", "sad"), name="faces"),
        )
    )
    model = small_model(space)
    export_saved_model(model, tmp_path / "1")
    loaded = tf.saved_model.load(tmp_path / "1")
    encoded = tf.constant([file_of(photo(SIZE, SIZE))] * 2)
    png = loaded.signatures["translate_bytes"](
        encoded=encoded, target=tf.constant(["male,-blond", "sad"])
    )["encoded_bytes"]
    expected = model.translate(
        np.stack([prepared(encoded[0])] * 2), [[0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 1]]
    )
    levels = np.stack([tf.io.decode_png(one).numpy() for one in png])
    assert np.abs(levels.astype(int) - to_uint8(expected)).max() <= 1
    wrong = loaded.signatures["translate_bytes"](
        encoded=tf.repeat(encoded[:1], 3),
        target=tf.constant(["male,sad", "happy,sad", ""]),
    )
    assert all(b"one of happy, sad" in error for error in wrong["error"].numpy())


def test_a_generator_alone_asks_what_the_picture_has_now(tmp_path):
    model = small_model(LabelSet(("blond", "male", "young"), "binary"))
    kernel = model.discriminator.classifier.kernel
    kernel.assign(0 * kernel)  # As of a published generator without discriminator.
    export_saved_model(model, tmp_path / "1")
    loaded = tf.saved_model.load(tmp_path / "1")
    encoded = tf.constant([file_of(photo(SIZE, SIZE))])
    found = loaded.signatures["translate_bytes"](
        encoded=tf.repeat(encoded, 2),
        target=tf.constant(["-male", "-male"]),
        source=tf.constant(["male,young", "mael"]),
    )
    assert found["error"].numpy()[0] == b""
    assert b"source must be names" in found["error"].numpy()[1]
    expected = model.translate(prepared(encoded[0])[np.newaxis], [[0, 0, 1]])
    levels = tf.io.decode_png(found["encoded_bytes"][0]).numpy().astype(int)
    assert np.abs(levels - to_uint8(expected)[0]).max() <= 1

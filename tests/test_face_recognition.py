"""The face recognition network of face-api, against PyTorch's layers."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from keras_stargan.pretrained.face_recognition import (
    MANIFEST,
    FaceRecognition,
    load_face_recognition,
    read_manifest,
)

WIDTH = 2
RNG = np.random.default_rng(0)


def shapes():
    """The shape of each array of the file, in the file's order."""
    found, channels = {"conv32_down": (7, 7, 3, WIDTH)}, WIDTH
    for stage, blocks in (
        (32, ("1", "2", "3")),
        (64, ("down", "1", "2", "3")),
        (128, ("down", "1", "2")),
        (256, ("down", "1", "2", "down_out")),
    ):
        filters = stage * WIDTH // 32
        for block in blocks:
            name = f"conv{stage}_{block}"
            found[f"{name}/conv1"] = (3, 3, channels, filters)
            found[f"{name}/conv2"] = (3, 3, filters, filters)
            channels = filters
    arrays = {}
    for name, shape in found.items():
        arrays[f"{name}/conv/filters"] = shape
        for entry in ("conv/bias", "scale/weights", "scale/biases"):
            arrays[f"{name}/{entry}"] = shape[-1:]
    return arrays | {"fc": (channels, 4 * WIDTH)}


def write(folder, change=lambda entries: None):
    """Writes a manifest; returns its path and the arrays that are in it."""
    entries, data, arrays = [], b"", {}
    for i, (name, shape) in enumerate(shapes().items()):
        entry = {"name": name, "shape": list(shape), "dtype": "float32"}
        if i % 5 == 4:  # Some arrays of the true file are stored as they are.
            stored = RNG.normal(0, 0.1, shape).astype("<f4")
            arrays[name] = stored.astype("float64")
        else:
            kind = "<u2" if i % 5 == 3 else "u1"
            stored = RNG.integers(0, 256, shape).astype(kind)
            scale, least = 0.001 + 0.00001 * i, -0.2
            dtype = {"u1": "uint8", "<u2": "uint16"}[kind]
            entry["quantization"] = {"dtype": dtype, "scale": scale, "min": least}
            arrays[name] = stored * scale + least
        entries.append(entry)
        data += stored.tobytes()
    change(entries)
    (folder / "numbers.bin").write_bytes(data)
    manifest = [{"weights": entries, "paths": ["numbers.bin"]}]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder / MANIFEST, arrays


def expected(images, arrays):
    """Feature maps and descriptors of images of 150 px, by PyTorch's layers."""

    def conv(x, name, stride=1, padding=1):
        filters = torch.tensor(arrays[f"{name}/conv/filters"]).permute(3, 2, 0, 1)
        bias = torch.tensor(arrays[f"{name}/conv/bias"])
        x = functional.conv2d(x, filters, bias, stride, padding)
        scale, shift = (
            torch.tensor(arrays[f"{name}/scale/{of}"]).reshape(1, -1, 1, 1)
            for of in ("weights", "biases")
        )
        return x * scale + shift

    def block(x, name):
        down = "_down" in name
        y = torch.relu(conv(x, f"{name}/conv1", 2 if down else 1, 0 if down else 1))
        y = conv(y, f"{name}/conv2")
        if down:
            x = functional.avg_pool2d(x, 2)
            total = torch.zeros(len(x), y.shape[1], *x.shape[2:], dtype=x.dtype)
            total[:, : x.shape[1]] += x
            total[:, :, : y.shape[2], : y.shape[3]] += y
            return torch.relu(total)
        return torch.relu(x + y)

    mean = torch.tensor(np.array([122.782, 117.001, 104.298]).reshape(1, 3, 1, 1))
    x = (torch.tensor((images + 1) * 127.5).permute(0, 3, 1, 2) - mean) / 255
    x = functional.max_pool2d(torch.relu(conv(x, "conv32_down", 2, 0)), 3, 2)
    maps, names = {}, [n.partition("/")[0] for n in arrays if "/conv1/conv/f" in n]
    for name in names:
        maps[name] = x = block(x, name)
    found = [maps[name] for name in ("conv256_2", "conv256_down_out")]
    descriptors = x.mean((2, 3)) @ torch.tensor(arrays["fc"])
    return [x.permute(0, 2, 3, 1).numpy() for x in found], descriptors.numpy()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("face-api"))


def make(**settings):
    return FaceRecognition(width=WIDTH, dtype="float64", **settings)


def test_descriptors_and_feature_maps_agree(file):
    path, arrays = file
    images = RNG.uniform(-1, 1, (2, 150, 150, 3))
    maps, descriptors = expected(images, arrays)
    network = make()
    load_face_recognition(network, path)
    np.testing.assert_allclose(network(images), descriptors, 1e-9, 1e-9)
    network = make(feature_maps=True)
    load_face_recognition(network, path)
    for found, known in zip(network(images), maps, strict=True):
        np.testing.assert_allclose(found, known, 1e-9, 1e-9)


def test_images_of_any_size_are_taken(file):
    network = make()
    load_face_recognition(network, file[0])
    small = RNG.uniform(-1, 1, (1, 75, 75, 3))
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    assert network(small).shape == (1, 4 * WIDTH)
    np.testing.assert_allclose(network(small), network(large), rtol=0.5)


def test_the_published_network_has_5_6_million_weights():
    assert FaceRecognition().count_params() == 5_607_488


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda e: e[3].update(name="other"), "conv32_down/scale/biases .* missing"),
        (lambda e: e[0].update(shape=[7, 7, WIDTH, 3]), "it has"),
        (lambda e: e.pop(), "needs .* bytes; numbers.bin has"),
        (lambda e: e[0].pop("shape"), "must be a manifest of TensorFlow.js"),
        (lambda e: e[0].update(quantization={"dtype": "int3"}), "stored as int3"),
    ],
)
def test_other_files_are_refused(tmp_path, change, message):
    path, _ = write(tmp_path, change)
    with pytest.raises(ValueError, match=message):
        load_face_recognition(make(), path)


def test_an_array_too_many_is_refused(tmp_path):
    path, _ = write(tmp_path)
    (manifest,) = json.loads(path.read_text())
    manifest["weights"].append({"name": "more", "shape": [0], "dtype": "float32"})
    path.write_text(json.dumps([manifest]))
    with pytest.raises(ValueError, match="not known: more"):
        load_face_recognition(make(), path)


def test_a_file_is_read_from_the_folder_of_its_manifest_only(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    path, _ = write(folder)
    path.write_text(path.read_text().replace("numbers.bin", "../secret"))
    (tmp_path / "secret").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"model.*secret"):
        read_manifest(path)


def test_text_that_is_no_manifest_is_refused(tmp_path):
    path = tmp_path / "model.json"
    path.write_text('{"a": 1}')
    with pytest.raises(ValueError, match="must be a manifest"):
        read_manifest(path)

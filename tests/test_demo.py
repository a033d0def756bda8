"""What the folder of the page holds, and its server; the page itself: tests/browser."""

import json
import pathlib
import re
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import tiny_v2
from PIL import Image

import keras_stargan.demo.writing as writing
from keras_stargan import LabelSet, StarGAN
from keras_stargan.cli.demo import COMMAND
from keras_stargan.demo import make_server, write_demo
from keras_stargan.demo.styles import style_axes
from keras_stargan.files.framing import frame
from keras_stargan.labels.published import EXPRESSIONS

SIZE = 32


def stargan(labels=EXPRESSIONS):
    return StarGAN(
        image_size=SIZE,
        labels=labels,
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with the real files of a model."""
    folder = tmp_path_factory.mktemp("demo") / "page"
    write_demo(stargan(), folder)
    return folder


@pytest.fixture
def no_export(monkeypatch):
    """The page without the files of the model, which take seconds."""
    monkeypatch.setattr(writing, "export_model", lambda *_, **__: None)


def about(folder):
    return json.loads((folder / "demo.json").read_text())


def test_the_folder_has_all_that_the_page_names(page):
    html = (page / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^":]+)"', html)
    for script in page.glob("*.js"):
        named += re.findall(r'(?:from |Worker\()"([\w./-]+)"', script.read_text())
    assert {"page.js", "style.css", "worker.js", "./runtime/gifenc.mjs"} <= set(named)
    for name in named:
        assert (page / name).is_file(), name
    model = json.loads((page / "model" / "model.json").read_text())
    assert set(model["endpoints"]) == {"translate_label", "classify"}
    for endpoint in model["endpoints"].values():
        assert (page / "model" / endpoint["file"]).is_file()


def test_the_page_names_no_other_host(page):
    written = [page / "index.html", *page.glob("*.js"), *page.glob("*.css")]
    for file in written:
        assert "//" not in re.sub(r"(^|\s)//.*", "", file.read_text(), flags=re.M), file


def test_the_runtime_is_unpacked_and_has_its_licences(page):
    runtime = page / "runtime"
    content = (runtime / "ort-wasm-simd-threaded.wasm").read_bytes()
    assert content[:4] == b"\0asm"
    assert not list(page.rglob("*.xz"))
    for name in ("LICENSE-onnxruntime-web", "LICENSE-gifenc"):
        assert "Permission is hereby granted" in (runtime / name).read_text()


def test_drawn_pictures_have_their_labels(page):
    pictures = about(page)["pictures"]
    assert len(pictures) == 12
    for picture in pictures:
        with Image.open(page / picture["file"]) as file:
            assert file.size == (SIZE, SIZE)
        assert len(picture["labels"]) == 8
        assert sum(picture["labels"]) == 1


def test_a_model_of_other_data_begins_with_drawn_faces(no_export, tmp_path):
    write_demo(stargan(LabelSet(("summer", "winter"))), tmp_path / "page")
    assert [x["labels"] for x in about(tmp_path / "page")["pictures"]] == [None] * 12


def test_own_pictures(no_export, tmp_path):
    (tmp_path / "mine").mkdir()
    rng = np.random.default_rng(0)
    for number in range(13):
        pixels = rng.integers(0, 256, (40, 60, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / "mine" / f"{number:02}.png")
    write_demo(stargan(), tmp_path / "page", tmp_path / "mine")
    pictures = about(tmp_path / "page")["pictures"]
    assert len(pictures) == 12
    assert pictures[0]["labels"] is None
    with (
        Image.open(tmp_path / "mine" / "00.png") as given,
        Image.open(tmp_path / "page" / pictures[0]["file"]) as shown,
    ):
        square = frame(given.size, SIZE, "crop").framed(given)
        np.testing.assert_array_equal(np.asarray(shown), square)


def test_pictures_that_cannot_be_read_are_said_before_work(no_export, tmp_path):
    (tmp_path / "it.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"it\.png"):
        write_demo(stargan(), tmp_path / "page", tmp_path / "it.png")
    assert not (tmp_path / "page").exists()


def test_only_an_earlier_page_is_replaced(no_export, tmp_path):
    other, page = tmp_path / "other", tmp_path / "page"
    other.mkdir()
    with pytest.raises(ValueError, match="new or an earlier page"):
        write_demo(stargan(), other, overwrite=True)
    write_demo(stargan(), page)
    (page / "old").touch()
    with pytest.raises(ValueError, match="exists already"):
        write_demo(stargan(), page)
    assert (page / "old").exists()
    write_demo(stargan(), page, overwrite=True)
    assert not (page / "old").exists()


# Styles.


def test_axes_are_the_main_directions_of_a_domains_styles():
    model = tiny_v2.make_model()
    latents = np.random.default_rng(5).standard_normal((2000, 4), "float32")
    found = style_axes(model)
    assert len(found) == 3
    for name, one in zip(model.labels.names, found, strict=True):
        axes, deviations = np.array(one["axes"]), np.array(one["deviations"])
        np.testing.assert_allclose(axes @ axes.T, np.eye(4), atol=1e-6)
        assert (np.diff(deviations) <= 0).all()
        styles = model.conditions(name, latents=latents)
        along = ((styles - styles.mean(axis=0)) @ axes.T).std(axis=0)
        np.testing.assert_allclose(along, deviations, rtol=0.1)
        np.testing.assert_allclose(one["mean"], model.mean_condition(name), rtol=1e-6)


def test_labels_have_no_axes():
    assert style_axes(stargan()) == []


# The server.


@pytest.fixture
def address(tmp_path):
    (tmp_path / "page").mkdir()
    for name in ("index.html", "it.mjs", "it.wasm", "it.onnx"):
        (tmp_path / "page" / name).write_text("it")
    (tmp_path / "secret").write_text("secret")
    server = make_server(tmp_path / "page")
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html"),
        ("it.mjs", "text/javascript"),
        ("it.wasm", "application/wasm"),
        ("it.onnx", "application/octet-stream"),
    ],
)
def test_every_file_has_its_type(address, name, kind):
    with urllib.request.urlopen(address + name) as answer:
        assert answer.headers.get_content_type() == kind
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_what_is_beside_the_folder_is_not_served(address):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address + "../secret")


def test_a_port_that_is_taken_is_said(address, tmp_path):
    port = int(re.findall(r":(\d+)/", address)[0])
    with pytest.raises(OSError, match=f"Port {port} cannot be used"):
        make_server(tmp_path, port)


# The command.


def test_the_command_writes_a_page_of_a_file(no_export, tmp_path, capsys):
    model, output = tmp_path / "model.keras", tmp_path / "page"
    stargan().save(model)
    COMMAND([f"--model={model}", f"--output_dir={output}"])
    assert (output / "index.html").is_file()
    assert str(output) in capsys.readouterr().out


def test_the_command_does_not_replace_unasked(tmp_path):
    with pytest.raises(ValueError, match="--overwrite"):
        COMMAND([f"--output_dir={tmp_path}"])


def test_the_license_of_each_library_is_named():
    runtime = pathlib.Path(writing.__file__).parent / "runtime"
    table = (runtime / "README.md").read_text()
    for file in runtime.iterdir():
        assert file.name in table or file.name == "README.md"

"""The page to play with a model in a real browser, against Keras."""

import base64
import io
import json
import threading
import time

import keras
import numpy as np
import pytest
import tiny_v2
from PIL import Image

from keras_stargan import LabelSet, StarGAN
from keras_stargan.demo import make_server, write_demo
from keras_stargan.files.framing import frame
from keras_stargan.images import from_uint8, to_uint8

WAIT = 60.0  # Seconds that a page may take on a busy machine.
LEVELS = 2  # By which the page may differ from Keras.
HAIR = ("Black_Hair", "Blond_Hair")


def noise(width, height, seed=0):
    """A picture of soft blots."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), "uint8"))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def stargan(labels):
    keras.utils.set_random_seed(1)
    return StarGAN(
        image_size=32,
        labels=labels,
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


class Site:
    """A page that is served, with its model and the pictures that it begins with."""

    def __init__(self, model, folder):
        self.model, self.folder = model, folder / "page"
        size = model.image_size
        (folder / "pictures").mkdir()
        self.pictures = [noise(size, size, seed) for seed in (1, 2)]
        for number, picture in enumerate(self.pictures):
            picture.save(folder / "pictures" / f"{number}.png")
        write_demo(model, self.folder, folder / "pictures")
        self.server = make_server(self.folder)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
        thread.start()

    def translated(self, picture=None, **how):
        """What Keras makes of a picture, by default the first one: uint8."""
        picture = picture or self.pictures[0]
        framing = frame(picture.size, self.model.image_size, "crop")
        images = from_uint8(framing.framed(picture)[None])
        return to_uint8(self.model.translate(images, **how)[0])


def site_of(make):
    @pytest.fixture(scope="module")
    def site(tmp_path_factory):
        site = Site(make(), tmp_path_factory.mktemp("site"))
        yield site
        site.server.shutdown()
        site.server.server_close()

    return site


label_site = site_of(lambda: stargan(LabelSet(("angry", "happy", "sad"))))
binary_site = site_of(
    lambda: stargan(LabelSet((*HAIR, "Young"), "binary", exclusive=(HAIR,)))
)
style_site = site_of(lambda: tiny_v2.make_model(domains=LabelSet(("cat", "dog"))))


class Page:
    """What a person sees and does."""

    def __init__(self, chromium, site, script=""):
        self.chromium, self.site = chromium, site
        chromium.get_log("browser")
        chromium.get_log("performance")
        if script:
            found = chromium.execute_cdp_cmd(
                "Page.addScriptToEvaluateOnNewDocument", {"source": script}
            )
        chromium.get(site.address)
        if script:
            chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", found)
        self.wait(lambda: self.find("#play").is_displayed(), "no page")
        self.settle()

    def find(self, selector):
        return self.chromium.find_element("css selector", selector)

    def text(self, selector):
        return self.find(selector).text

    def script(self, script, *arguments):
        return self.chromium.execute_script(script, *arguments)

    def wait(self, condition, what):
        end = time.monotonic() + WAIT
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"{what}; the page: {self.text('body')!r}")
            time.sleep(0.02)

    def settle(self):
        """Waits until everything that was asked for is shown."""
        busy = "return document.querySelector('#pictures').ariaBusy"
        self.wait(lambda: self.script(busy) == "false", "it stays busy")

    def click(self, selector):
        self.find(selector).click()
        self.settle()

    def click_tile(self, name):
        self.click(f".tiles [data-name='{name}']")

    def move(self, slider, value):
        self.script(
            "const [id, value] = arguments; const it = document.getElementById(id);"
            "it.value = value; it.dispatchEvent(new Event('input'));",
            slider,
            value,
        )
        self.settle()

    def levels(self, selector="#result"):
        """The pixels of a canvas: uint8 `(height, width, 3)`."""
        width, data = self.script(
            "const c = document.querySelector(arguments[0]);"
            "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
            "return [c.width, btoa(String.fromCharCode(...data))];",
            selector,
        )
        pixels = np.frombuffer(base64.b64decode(data), "uint8")
        return pixels.reshape(-1, width, 4)[..., :3]

    def shows(self, expected, selector="#result"):
        difference = np.abs(self.levels(selector).astype(int) - expected)
        assert difference.max() <= LEVELS

    def bring(self, kind, picture, selector="body"):
        """Drops or pastes a file."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        self.script(
            """const [kind, selector, content] = arguments;
               const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
               const data = new DataTransfer();
               data.items.add(new File([bytes], `${kind}.png`, {type: "image/png"}));
               const what = {bubbles: true, cancelable: true};
               document.querySelector(selector).dispatchEvent(kind === "paste"
                 ? new ClipboardEvent(kind, {...what, clipboardData: data})
                 : new DragEvent(kind, {...what, dataTransfer: data}));""",
            kind,
            selector,
            base64.b64encode(buffer.getvalue()).decode(),
        )

    def wait_for_status(self, text):
        self.wait(lambda: text in self.text("#status"), f"no {text!r}")
        self.settle()

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.chromium).send_keys(*keys).perform()

    def download(self, selector, folder):
        """Presses a button and waits for the file it gives."""
        self.chromium.execute_cdp_cmd(
            "Browser.setDownloadBehavior",
            {"behavior": "allow", "downloadPath": str(folder)},
        )
        self.find(selector).click()

        def files():
            names = [path for path in folder.iterdir() if path.is_file()]
            return [p for p in names if p.suffix in (".png", ".gif")]

        self.wait(files, "no download")
        return files()[0]


@pytest.fixture
def label_page(chromium, label_site):
    page = Page(chromium, label_site)
    page.click_tile("sad")
    yield page
    chromium.get("about:blank")


@pytest.fixture
def binary_page(chromium, binary_site):
    yield Page(chromium, binary_site)
    chromium.get("about:blank")


@pytest.fixture
def style_page(chromium, style_site):
    # Math.random is 0.5 for ever: all entries of a latent code are `LATENT`.
    yield Page(chromium, style_site, "Math.random = () => 0.5;")
    chromium.get("about:blank")


LATENT = -np.sqrt(2 * np.log(2))  # Box and Muller's, of 0.5 and 0.5


def vector(*labels):
    return np.array([labels], "float32")


# Labels.


def test_a_button_for_each_label_gives_what_keras_gives(label_page, label_site):
    shown = []
    for name in ("angry", "happy", "sad"):
        label_page.click_tile(name)
        label_page.shows(label_site.translated(target=name))
        assert label_page.text("#shown") == name
        shown.append(label_page.levels())
    assert not np.array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[1], shown[2])


def test_the_buttons_show_all_labels_at_once(label_page, label_site):
    for name in ("angry", "happy", "sad"):
        selector = f"[data-name='{name}'] canvas"
        label_page.shows(label_site.translated(target=name), selector)


def test_pressed_is_said_without_colours(label_page):
    label_page.click_tile("happy")
    pressed = label_page.script(
        "return Array.from(document.querySelectorAll('.tiles [aria-pressed=true]'),"
        "b => [b.dataset.name, getComputedStyle(b, '::after').content])"
    )
    assert pressed == [["happy", '"✓"']]


def test_the_slider_blends_from_the_pictures_own_label(label_page, label_site):
    label_page.script(
        "const it = document.querySelector('#from'); it.selectedIndex = 0;"
        "it.dispatchEvent(new Event('change'))"
    )
    label_page.click_tile("happy")
    label_page.move("blend", 0.25)
    label_page.shows(label_site.translated(target=vector(0.75, 0.25, 0)))
    label_page.move("blend", 0)
    label_page.shows(label_site.translated(target="angry"))


def test_the_classifier_says_what_the_picture_is(label_page, label_site):
    images = from_uint8(np.asarray(label_site.pictures[0])[None])
    seen = label_site.model.classify(images)[0].argmax()
    index = label_page.script("return document.querySelector('#from').selectedIndex")
    assert index == seen


def test_another_drawn_picture(label_page, label_site):
    label_page.find("#drawn button:nth-child(2)").click()
    label_page.wait_for_status("picture 2")
    expected = label_site.translated(label_site.pictures[1], target="sad")
    label_page.shows(expected)


def test_a_file_is_prepared_as_by_the_package(label_page, label_site, tmp_path):
    for size in ((32, 32), (75, 50), (40, 61), (20, 20), (1500, 1100)):
        picture = noise(*size, seed=3)
        path = tmp_path / f"{size[0]}.png"
        picture.save(path)
        label_page.find("#file").send_keys(str(path))
        label_page.wait_for_status(path.name)
        square = frame(picture.size, 32, "crop").framed(picture)
        label_page.shows(square, "#source")
        if size != (1500, 1100):  # That one is first made smaller.
            label_page.shows(label_site.translated(picture, target="sad"))


def test_a_picture_is_dropped_or_pasted(label_page, label_site):
    for kind, seed in (("drop", 4), ("paste", 5)):
        picture = noise(32, 32, seed)
        label_page.bring(kind, picture)
        label_page.wait_for_status(f"{kind}.png")
        label_page.shows(label_site.translated(picture, target="sad"))


def test_what_is_no_picture_is_said(label_page, tmp_path):
    (tmp_path / "it.png").write_bytes(b"no picture")
    before = label_page.levels()
    label_page.find("#file").send_keys(str(tmp_path / "it.png"))
    failure = label_page.find("#failure")
    label_page.wait(failure.is_displayed, "no word")
    assert "“it.png” cannot be read as a picture" in failure.text
    np.testing.assert_array_equal(label_page.levels(), before)
    label_page.find("#drawn button:nth-child(2)").click()
    label_page.wait(lambda: not failure.is_displayed(), "it is said for ever")


def test_the_camera_is_translated_until_it_is_stopped(label_page, label_site):
    before = label_page.levels()
    label_page.find("#camera").click()
    label_page.wait(lambda: "Stop" in label_page.text("#camera"), "no camera")
    first = label_page.levels()
    assert not np.array_equal(first, before)
    # The false camera's picture moves.
    label_page.wait(
        lambda: not np.array_equal(label_page.levels(), first), "it stands still"
    )
    label_page.click("#camera")
    source = Image.fromarray(label_page.levels("#source"))
    label_page.shows(label_site.translated(source, target="sad"))
    assert label_page.text("#camera") == "Use the camera"


def test_png(label_page, tmp_path):
    path = label_page.download("#png", tmp_path)
    assert path.name == "sad.png"
    with Image.open(path) as picture:
        assert picture.size == (256, 256)
        small = np.asarray(
            picture.convert("RGB").resize((32, 32), Image.Resampling.BOX)
        )
    difference = np.abs(small.astype(int) - label_page.levels())
    assert difference.mean() < 16


def test_a_gif_blends_there_and_back(label_page, tmp_path):
    with Image.open(label_page.download("#gif", tmp_path)) as gif:
        assert gif.size == (256, 256)
        assert gif.n_frames == 24
        assert gif.info["loop"] == 0


def test_the_keyboard_is_enough(label_page, label_site):
    label_page.script("document.querySelector('[data-name=angry]').focus()")
    label_page.press("\ue004", " ")  # Tab, then the space bar: on happy.
    label_page.settle()
    label_page.shows(label_site.translated(target="happy"))
    outline = label_page.script(
        "return getComputedStyle(document.activeElement).outlineStyle"
    )
    assert outline == "solid"
    label_page.script("document.querySelector('#blend').focus()")
    label_page.press("\ue011")  # Home.
    label_page.settle()
    assert label_page.script("return document.querySelector('#blend').value") == "0"
    assert label_page.find("#blend").get_attribute("aria-valuetext") == "0 %"


def test_every_control_has_a_name_and_is_in_the_tab_order(label_page):
    nameless = label_page.script(
        """const all = "button, select, input:not([hidden])";
           const named = (e) => e.ariaLabel || e.textContent.trim() ||
             Array.from(e.labels ?? []).some((label) => label.textContent.trim());
           return Array.from(document.querySelectorAll(all))
             .filter((e) => !named(e) || e.tabIndex < 0).map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_the_page_is_as_wide_as_the_screen(label_page):
    metrics = {"height": 800, "deviceScaleFactor": 1, "mobile": False}
    command = label_page.chromium.execute_cdp_cmd
    for width in (320, 390, 1280):
        command("Emulation.setDeviceMetricsOverride", {"width": width, **metrics})
        wide = label_page.script("return document.documentElement.scrollWidth")
        command("Emulation.clearDeviceMetricsOverride", {})
        assert wide <= width


def requests(chromium):
    """The addresses that the browser has asked for since the log was read."""
    messages = [
        json.loads(entry["message"])["message"]
        for entry in chromium.get_log("performance")
    ]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def test_nothing_is_asked_of_another_host(label_page, label_site, tmp_path):
    label_page.click_tile("happy")
    label_page.download("#gif", tmp_path)
    own = (label_site.address, f"blob:{label_site.address}", "data:")
    asked = requests(label_page.chromium)
    assert f"{label_site.address}/model/model.json" in asked
    assert [url for url in asked if not url.startswith(own)] == []


def test_the_page_itself_forbids_other_hosts(label_page, style_site):
    refused = label_page.chromium.execute_async_script(
        "const [url, done] = arguments;"
        "document.addEventListener('securitypolicyviolation', e => "
        "  e.disposition === 'enforce' && done(e.effectiveDirective));"
        "fetch(url, {mode: 'no-cors'}).catch(() => {});",
        style_site.address,
    )
    assert refused == "connect-src"


def test_the_browser_has_nothing_to_complain_about(label_page):
    label_page.click_tile("happy")
    assert label_page.chromium.get_log("browser") == []


def test_milliseconds_are_shown(label_page):
    number, unit = label_page.text("#speed").split()
    assert float(number) > 0
    assert unit == "ms"


def test_a_page_from_a_file_says_why_it_does_not_work(chromium, label_site):
    chromium.get(f"{label_site.folder.as_uri()}/index.html")
    end = time.monotonic() + WAIT
    while "keras-stargan demo --open" not in (
        text := chromium.find_element("css selector", "body").text
    ):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    chromium.get("about:blank")


# Binary labels.


def test_binary_labels_are_switched_and_the_others_stay(binary_page, binary_site):
    images = from_uint8(np.asarray(binary_site.pictures[0])[None])
    (own,) = binary_site.model.classify(images)
    binary_page.click("#undo")
    binary_page.shows(binary_site.translated(target=own[None]))
    binary_page.click_tile("Blond_Hair")
    expected = own.copy()
    expected[:2] = 0, 1  # Black excludes blond.
    binary_page.shows(binary_site.translated(target=expected[None]))
    binary_page.click_tile("Young")
    expected[2] = 1 - own[2]
    binary_page.shows(binary_site.translated(target=expected[None]))
    binary_page.click_tile("Black_Hair")
    expected[:2] = 1, 0
    binary_page.shows(binary_site.translated(target=expected[None]))
    binary_page.move("blend", 0.5)
    halfway = (own + expected) / 2
    binary_page.shows(binary_site.translated(target=halfway[None]))


# Styles.


def latent(site):
    return np.full((1, site.model.latent_dim), LATENT, "float32")


def test_a_button_for_each_domain_in_the_rolled_style(style_page, style_site):
    for domain in ("dog", "cat"):
        style_page.click_tile(domain)
        expected = style_site.translated(target=domain, latents=latent(style_site))
        style_page.shows(expected)
        style_page.shows(expected, f"[data-name='{domain}'] canvas")


def test_the_dice_give_another_style(style_page):
    before = style_page.levels()
    style_page.script("Math.random = () => 0.25")
    style_page.click("#dice")
    assert not np.array_equal(style_page.levels(), before)


def test_truncation(style_page, style_site):
    for psi in (0, 0.5):
        style_page.move("psi", psi)
        conditions = style_site.model.conditions(
            "cat", latents=latent(style_site), psi=psi
        )
        style_page.shows(style_site.translated(conditions=conditions))


def test_the_sliders_move_along_the_main_axes(style_page, style_site):
    before = style_page.levels()
    axes = json.loads((style_site.folder / "demo.json").read_text())["styles"][0]
    for i, (axis, deviation) in enumerate(
        zip(axes["axes"], axes["deviations"], strict=True)
    ):
        style_page.move(f"axis-{i + 1}", 2)
        style = style_site.model.conditions("cat", latents=latent(style_site))
        style = style + 2 * deviation * np.array(axis)
        style_page.shows(style_site.translated(conditions=style))
        assert not np.array_equal(style_page.levels(), before)
        style_page.click("#middle")
        np.testing.assert_array_equal(style_page.levels(), before)
    assert i == 3


def test_the_style_of_a_picture_of_the_page(style_page, style_site):
    style_page.click("[aria-label='The style of picture 2']")
    references = from_uint8(np.asarray(style_site.pictures[1])[None])
    style_page.shows(style_site.translated(target="cat", references=references))


def test_a_reference_is_dropped(style_page, style_site):
    picture = noise(40, 30, seed=5)
    style_page.bring("drop", picture, "#reference")
    pressed = "return document.querySelector('#reference').ariaPressed"
    style_page.wait(lambda: style_page.script(pressed) == "true", "not taken")
    style_page.settle()
    square = frame(picture.size, 16, "crop").framed(picture)
    references = from_uint8(square[None])
    style_page.shows(style_site.translated(target="cat", references=references))
    style_page.shows(np.asarray(style_site.pictures[0]), "#source")


def test_a_gif_moves_between_styles(style_page, tmp_path):
    style_page.script("let n = 0; Math.random = () => (n += 0.37) % 1")
    with Image.open(style_page.download("#gif", tmp_path)) as gif:
        assert gif.n_frames == 32

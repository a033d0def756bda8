"""Makes docs/demo.png again: a picture of the demo's page.

python tests/browser/demo_screenshot.py --picture=7 --label=happy docs/demo.png
"""

import argparse
import io
import pathlib
import tempfile
import threading

from conftest import start_chromium
from PIL import Image
from selenium.webdriver.support.ui import WebDriverWait

import keras_stargan
from keras_stargan.demo import make_server, write_demo
from keras_stargan.files.whole import whole_path

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="avatars")
parser.add_argument("--picture", default=1, type=int, help="number of a drawn picture")
parser.add_argument("--label", help="the button to press")
parser.add_argument("--size", default="1280x800", help="of the window, in pixels")
parser.add_argument("output")
flags = parser.parse_args()

SHOWN = "return document.querySelector('#pictures').ariaBusy === 'false'"
width, height = map(int, flags.size.split("x"))
with tempfile.TemporaryDirectory() as folder:
    page = pathlib.Path(folder, "page")
    write_demo(keras_stargan.load_model(flags.model), page)
    server = make_server(page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = start_chromium(pathlib.Path(folder, "profile"))
    try:
        metrics = {"deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, **metrics},
        )
        chromium.get(f"http://127.0.0.1:{server.server_address[1]}/")
        wait = WebDriverWait(chromium, 60)
        wait.until(lambda _: chromium.execute_script(SHOWN))
        pressed = [f"#drawn button:nth-child({flags.picture})"]
        if flags.label:
            pressed.append(f".tiles [data-name='{flags.label}']")
        for selector in pressed:
            chromium.find_element("css selector", selector).click()
            wait.until(lambda _: chromium.find_element("id", "status").text)
            wait.until(lambda _: chromium.execute_script(SHOWN))
        chromium.execute_script("document.activeElement.blur()")
        png = chromium.get_screenshot_as_png()
    finally:
        chromium.quit()
        server.shutdown()
with Image.open(io.BytesIO(png)) as picture, whole_path(flags.output) as path:
    picture.convert("RGB").quantize(256).save(path, optimize=True)

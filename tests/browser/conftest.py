"""What the tests of pages share: a real browser, headless Chromium, by Selenium."""

import shutil

import pytest

NEEDED = (
    "The pages are tested in a browser: install Chromium and its driver (Debian: "
    "apt-get install chromium chromium-driver; Ubuntu: snap install chromium) and "
    "Selenium (pip install selenium)."
)
FLAGS = (
    "--headless=new",
    "--window-size=1280,800",
    # Containers: no user but root, no GPU, and often no network.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A drawn picture instead of a camera, and nobody who is asked for it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def start_chromium(profile):
    """Starts a browser.

    Args:
        profile: a folder for what it keeps.

    Raises:
        RuntimeError: if something that it needs is not installed.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    try:
        from selenium import webdriver
    except ImportError:
        raise RuntimeError(f"Selenium is missing. {NEEDED}") from None
    if not (browser and driver):
        missing = "chromedriver" if browser else "Chromium"
        raise RuntimeError(f"{missing} is missing. {NEEDED}")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for all tests: it takes seconds to start."""
    try:
        chromium = start_chromium(tmp_path_factory.mktemp("profile"))
    except RuntimeError as error:
        pytest.fail(str(error))
    yield chromium
    chromium.quit()

"""The preference study's page in a real browser: headless Chromium, by Selenium."""

import csv
import http.server
import threading

import pytest
from PIL import Image

from keras_stargan.study.preference_server import make_server
from keras_stargan.study.preference_study import (
    PreferenceStudy,
    find_questions,
    read_votes,
)

METHODS = {"StarGAN": (200, 60, 60), "CycleGAN": (60, 200, 60), "DIAT": (60, 60, 200)}
TARGETS = ("Blond_Hair", "Male")
INPUTS = ("000001", "000002")
WAIT = 60.0  # Seconds that a page may take on a busy machine.


@pytest.fixture
def study(tmp_path):
    """Four questions; each method's outputs have a colour."""

    def save(path, colour):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), colour).save(path)

    for name in INPUTS:
        save(tmp_path / "inputs" / f"{name}.png", (128, 128, 128))
        for method, colour in METHODS.items():
            for target in TARGETS:
                save(tmp_path / method / target / f"{name}.png", colour)
    outputs = {method: tmp_path / method for method in METHODS}
    questions, _ = find_questions(tmp_path / "inputs", outputs)
    with PreferenceStudy(questions, tmp_path / "votes.csv") as study:
        study.path = tmp_path / "votes.csv"
        yield study


class Served:
    """A server that can be stopped and started again."""

    def __init__(self, study, port=0):
        self.server = make_server(study, port)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def served(study):
    served = Served(study)
    yield served
    if served.thread.is_alive():
        served.stop()


class Page:
    """What a participant sees and does."""

    def __init__(self, chromium):
        self.chromium = chromium

    def find_all(self, selector):
        return self.chromium.find_elements("css selector", selector)

    def text(self, selector):
        """The visible text of an element, empty if it is hidden."""
        return self.find_all(selector)[0].text

    def wait(self, condition, what):
        from selenium.common.exceptions import (
            StaleElementReferenceException,
            TimeoutException,
        )
        from selenium.webdriver.support.ui import WebDriverWait

        # Between two pages there are no elements.
        between = (IndexError, StaleElementReferenceException)
        try:
            WebDriverWait(self.chromium, WAIT, 0.02, between).until(
                lambda _: condition()
            )
        except TimeoutException:
            pytest.fail(f"{what}; the page: {self.text('body')!r}")

    def wait_for_question(self, number, votable=True):
        """Wait until a question is there, its pictures loaded."""
        self.wait(
            lambda: self.text("#count") == f"Question {number} of 4", f"no {number}"
        )
        if votable:
            self.wait(lambda: self.find_all("button.tile:enabled"), "no vote possible")

    def wait_for_refusal(self):
        self.wait(
            lambda: "already voted" in self.text("#message"), "no refusal to be seen"
        )

    def script(self, script, *arguments):
        return self.chromium.execute_script(script, *arguments)

    def pictures(self):
        """The colour in the middle of each picture, the input's first."""
        return self.script(
            """return Array.from(document.querySelectorAll("img"), image => {
                 if (!image.complete || image.naturalWidth === 0) return null;
                 const canvas = document.createElement("canvas");
                 const context = canvas.getContext("2d");
                 context.drawImage(image, 0, 0);
                 return Array.from(context.getImageData(8, 8, 1, 1).data).slice(0, 3);
               })"""
        )

    def order(self):
        """The methods in the order in which their colours are shown."""
        names = {colour: method for method, colour in METHODS.items()}
        return [names[tuple(colour)] for colour in self.pictures()[1:]]

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.chromium).send_keys(*keys).perform()

    def click(self, position):
        self.find_all("button.tile")[position].click()


@pytest.fixture
def page(chromium, served):
    """A new participant on the first question."""
    chromium.get(f"http://127.0.0.1:{served.port}/")
    chromium.delete_all_cookies()
    chromium.get("about:blank")  # Else only what follows # would change.
    chromium.get(f"http://127.0.0.1:{served.port}/")
    page = Page(chromium)
    page.wait_for_question(1)
    chromium.get_log("browser")
    yield page
    # Leave nothing that goes on asking the next test's server.
    while len(chromium.window_handles) > 1:
        chromium.switch_to.window(chromium.window_handles[-1])
        chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])
    chromium.get("about:blank")


def rows(study):
    """What is in the file: input, target, chosen, order of each vote."""
    with open(study.path, newline="") as file:
        return [row[2:] for row in csv.reader(file)][1:]


def test_the_page_shows_input_target_and_outputs(page):
    input_colour, *_ = page.pictures()
    assert input_colour == [128, 128, 128]
    assert sorted(page.order()) == sorted(METHODS)
    assert page.text("#target") in ("Blond Hair", "Male")
    assert page.text("h1").startswith("Change the input to:")
    assert [tile.text for tile in page.find_all("button.tile")] == ["1", "2", "3"]
    for hidden in ("#message", "#next", "#end", "#failure"):
        assert not page.find_all(hidden)[0].is_displayed()


def test_the_outputs_are_equal_tiles_right_of_the_input(page):
    first, *others = (image.rect for image in page.find_all("img"))
    for left, right in zip([first, *others], others, strict=False):
        assert right["x"] >= left["x"] + left["width"]
        for name in ("y", "width", "height"):
            assert right[name] == pytest.approx(left[name], abs=1)
    assert others[-1]["x"] + others[-1]["width"] <= 1280


def test_the_page_does_not_say_which_method_is_which(page, tmp_path):
    source = page.script("return document.documentElement.outerHTML").lower()
    assert source.count("/image/") >= 4
    for secret in (*METHODS, *INPUTS, str(tmp_path)):
        assert secret.lower() not in source


def test_a_click_votes_and_moves_on(page, study):
    order = page.order()
    target = page.text("#target")
    page.click(1)
    page.wait_for_question(2)
    (row,) = rows(study)
    assert row[1].replace("_", " ") == target
    assert row[2:] == [order[1], "|".join(order)]


def test_a_key_votes_and_moves_on(page, study):
    order = page.order()
    page.press("3")
    page.wait_for_question(2)
    assert [row[2] for row in rows(study)] == [order[2]]


def test_enter_on_a_tile_votes(page, study):
    order = page.order()
    page.script("document.querySelectorAll('button.tile')[1].focus()")
    page.press("\ue007")
    page.wait_for_question(2)
    assert [row[2] for row in rows(study)] == [order[1]]


def test_other_keys_do_nothing(page, study):
    order = page.order()
    page.press("4", "0", "a", " ")
    # Ctrl and a number is the browser's; a key held down is not pressed again.
    page.script(
        "dispatchEvent(new KeyboardEvent('keydown', {key: '1', ctrlKey: true}));"
        "dispatchEvent(new KeyboardEvent('keydown', {key: '1', repeat: true}));"
    )
    page.press("2")
    page.wait_for_question(2)
    assert [row[2] for row in rows(study)] == [order[1]]


def test_the_second_click_of_a_double_click_is_no_vote(page, study):
    order = page.order()
    page.script(
        "document.querySelector('button.tile')"
        ".dispatchEvent(new MouseEvent('click', {detail: 2}))"
    )
    page.click(1)
    page.wait_for_question(2)
    assert [row[2] for row in rows(study)] == [order[1]]


def test_a_reload_stays_at_the_question_and_its_order(page):
    page.click(0)
    page.wait_for_question(2)
    shown = page.chromium.current_url, page.text("#target"), page.order()
    page.chromium.refresh()
    page.wait_for_question(2)
    assert (page.chromium.current_url, page.text("#target"), page.order()) == shown


def test_the_address_without_a_question_goes_on_too(page, served):
    page.click(0)
    page.wait_for_question(2)
    order = page.order()
    page.chromium.get("about:blank")
    page.chromium.get(f"http://127.0.0.1:{served.port}/")
    page.wait_for_question(2)
    assert page.order() == order


def test_going_back_shows_that_the_vote_stays(page, study):
    page.click(1)
    page.wait_for_question(2)
    page.chromium.back()
    page.wait_for_question(1, votable=False)
    page.wait_for_refusal()
    voted = [
        "voted" in tile.get_attribute("class") for tile in page.find_all("button.tile")
    ]
    assert voted == [False, True, False]
    assert not page.find_all("button.tile:enabled")
    page.press("1")
    page.script("document.querySelectorAll('button.tile')[0].click()")
    page.chromium.refresh()
    page.wait_for_question(1, votable=False)
    page.wait_for_refusal()
    page.press("\ue007")  # Enter: on "Go on", which has the focus.
    page.wait_for_question(2)
    assert not page.find_all("#message")[0].is_displayed()
    assert len(rows(study)) == 1


def test_a_second_vote_from_another_tab_is_refused_visibly(page, study):
    chromium = page.chromium
    question = chromium.current_url
    first = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    chromium.get(question)
    page.wait_for_question(1)
    page.press("1")
    page.wait_for_question(2)
    content = study.path.read_bytes()
    chromium.switch_to.window(first)
    assert page.text("#message") == ""
    page.press("2")
    page.wait_for_refusal()
    assert study.path.read_bytes() == content


def test_the_last_question_the_end_and_another_person(page, study):
    chosen = []
    for number in range(1, 5):
        page.wait_for_question(number)
        order = page.order()
        chosen.append(order[number % 3])
        if number % 2:
            page.click(number % 3)
        else:
            page.press(str(number % 3 + 1))
    page.wait(lambda: "Thank you" in page.text("#end"), "no end")
    assert "4 votes" in page.text("#end")
    votes = read_votes(study.path)
    assert [vote.chosen for vote in votes] == chosen
    assert len({(vote.input, vote.target) for vote in votes}) == 4
    assert len({vote.participant for vote in votes}) == 1

    page.chromium.refresh()
    page.wait(lambda: "Thank you" in page.text("#end"), "no end after a reload")

    page.find_all("#another")[0].click()
    page.wait_for_question(1)
    page.press("1")
    page.wait_for_question(2)
    votes = read_votes(study.path)
    assert len(votes) == 5
    assert votes[4].participant != votes[0].participant


def test_a_stopped_server_is_said_and_no_vote_is_lost(page, study, served):
    order = page.order()
    served.stop()
    page.press("1")
    page.wait(lambda: "not saved" in page.text("#message"), "nothing said")
    again = Served(study, served.port)
    try:
        page.press("2")
        page.wait_for_question(2)
    finally:
        # Before the server goes: it would wait for this page's requests.
        page.chromium.get("about:blank")
        again.stop()
    assert [row[2] for row in rows(study)] == [order[1]]


def test_without_all_pictures_there_is_no_vote(page, study, tmp_path):
    for path in (tmp_path / "DIAT").rglob("*.png"):
        path.write_bytes(b"no picture")
    page.chromium.refresh()
    page.wait(lambda: "cannot be shown" in page.text("#failure"), "nothing said")
    page.press("1")
    assert not page.find_all("#ask")[0].is_displayed()
    assert rows(study) == []


def test_a_page_of_another_site_cannot_vote(page, study, served):
    """It knows all but the cookie, and that the browser does not give to it."""
    mark = page.chromium.current_url.rpartition("#")[2]

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        # Another port is another origin, and yet gets the cookie: the worst case.
        page.chromium.get(f"http://127.0.0.1:{server.server_address[1]}/")
        arrived = page.chromium.execute_async_script(
            """const [url, mark, done] = arguments;
               fetch(url, {method: "POST", mode: "no-cors", credentials: "include",
                           body: JSON.stringify({question: mark, position: 0})})
                 .then(() => done(true), () => done(false));""",
            f"http://127.0.0.1:{served.port}/vote",
            mark,
        )
        page.chromium.get("about:blank")
        server.shutdown()
        thread.join()
    assert arrived
    assert rows(study) == []


def test_the_browser_has_nothing_to_complain_about(page):
    page.click(0)
    page.wait_for_question(2)
    assert page.chromium.get_log("browser") == []

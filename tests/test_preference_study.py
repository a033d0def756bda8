"""The preference study: questions, votes on disk, the server, the table, the recipe."""

import concurrent.futures
import http.cookiejar
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from keras_stargan.study.preference_server import COOKIE, make_server
from keras_stargan.study.preference_study import (
    PreferenceStudy,
    Vote,
    find_questions,
    format_preference_table,
    preference_table,
    read_votes,
)

RECIPE = pathlib.Path(__file__).parents[1] / "recipes" / "preference_study.py"
METHODS = ("StarGAN", "CycleGAN", "DIAT")
TARGETS = ("Blond_Hair", "Male")
INPUTS = ("000001", "000002")


@pytest.fixture
def folders(tmp_path):
    """The folder of inputs and those of the methods; pictures say what they are."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for name in INPUTS:
        (inputs / f"{name}.png").write_text(f"input {name}")
    outputs = {}
    for method in METHODS:
        outputs[method] = tmp_path / f"of_{method}"
        for target in TARGETS:
            (outputs[method] / target).mkdir(parents=True)
            for name in INPUTS:
                path = outputs[method] / target / f"{name}.jpg"
                path.write_text(f"{method} {target} {name}")
    return inputs, outputs


@pytest.fixture
def questions(folders):
    return find_questions(*folders)[0]


@pytest.fixture
def votes_path(tmp_path):
    return tmp_path / "votes" / "votes.csv"


@pytest.fixture
def study(questions, votes_path):
    with PreferenceStudy(questions, votes_path) as study:
        yield study


@pytest.fixture
def url(study):
    with make_server(study) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Browser:
    """What a browser does for one participant: keeps the cookie, asks, votes."""

    def __init__(self, url):
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        keeper = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(keeper)
        self.seen = []

    def open(self, path, content=None, **headers):
        """The status and the content of an answer; a dict is sent as JSON."""
        if isinstance(content, dict):
            content = json.dumps(content).encode()
            headers = {"Content-Type": "application/json"} | headers
        request = urllib.request.Request(self.url + path, content, headers)
        try:
            with self.opener.open(request) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            answer, status, body = error, error.code, error.read()
        self.seen.append(f"{path} {answer.headers}")
        return status, body.decode()

    def question(self, mark="next"):
        return json.loads(self.open(f"/question/{mark}")[1])

    def vote(self, mark, position, **headers):
        content = {"question": mark, "position": position}
        return self.open("/vote", content, **headers)[0]

    @property
    def participant(self):
        return next(cookie.value for cookie in self.cookies if cookie.name == COOKIE)


@pytest.fixture
def browser(url):
    browser = Browser(url)
    browser.open("/")
    return browser


def make_votes(chosen_by_target):
    order = ("A", "B", "C")
    return [
        Vote("2018-06-18T09:00:00+00:00", "p", str(number), target, method, order)
        for target, chosen in chosen_by_target.items()
        for number, method in enumerate(chosen)
    ]


# Questions.


def test_a_question_is_an_input_and_a_target_that_all_methods_have(folders):
    inputs, outputs = folders
    (outputs["DIAT"] / "Male" / "000002.jpg").unlink()
    (inputs / "000001.png").unlink()
    questions, missing = find_questions(inputs, outputs)
    assert [(q.input, q.target) for q in questions] == [("000002", "Blond_Hair")]
    assert questions[0].input_path == inputs / "000002.png"
    assert questions[0].output_paths == {
        method: outputs[method] / "Blond_Hair" / "000002.jpg" for method in METHODS
    }
    assert len(missing) == 3
    assert any("Male/000002.*: DIAT" in line for line in missing)
    assert sum("000001.*: no such input" in line for line in missing) == 2


def test_what_is_no_picture_is_left_alone(folders):
    inputs, outputs = folders
    (inputs / "notes.txt").write_text("")
    (inputs / ".hidden.png").write_text("")
    (outputs["DIAT"] / "grid.png").write_text("")
    (outputs["DIAT"] / ".thumbnails").mkdir()
    (outputs["DIAT"] / ".thumbnails" / "000001.png").write_text("")
    questions, missing = find_questions(inputs, outputs)
    assert len(questions) == 4
    assert missing == []


@pytest.mark.parametrize("count", [0, 1, 6])
def test_too_few_or_too_many_methods(folders, count):
    inputs, outputs = folders
    outputs = {f"M{i}": outputs["DIAT"] for i in range(count)}
    with pytest.raises(ValueError, match=f"2 to 5 methods; received {count}"):
        find_questions(inputs, outputs)


@pytest.mark.parametrize("count", [2, 5])
def test_two_to_five_methods(folders, count):
    inputs, outputs = folders
    outputs = {f"M{i}": outputs["DIAT"] for i in range(count)}
    assert len(find_questions(inputs, outputs)[0]) == 4


def test_outputs_without_folders_of_targets(folders):
    inputs, outputs = folders
    flat = {name: folder / "Male" for name, folder in outputs.items()}
    with pytest.raises(ValueError, match=r"no question.*2 inputs.*Male: 0 outputs"):
        find_questions(inputs, flat)


def test_two_pictures_of_one_name(folders):
    (folders[1]["DIAT"] / "Male" / "000002.png").write_text("")
    with pytest.raises(ValueError, match=r"000002\.jpg and 000002\.png"):
        find_questions(*folders)


def test_a_name_that_would_break_a_line(folders):
    (folders[0] / "a\nb.png").write_text("")
    with pytest.raises(ValueError, match="cannot be printed"):
        find_questions(*folders)


def test_a_method_name_that_would_break_the_order(folders):
    inputs, outputs = folders
    with pytest.raises(ValueError, match="must not be empty nor contain"):
        find_questions(inputs, {"A|B": outputs["DIAT"], "C": outputs["DIAT"]})


# Orders.


def orders(study, participant):
    return [
        (question.input, question.target, study.order(mark))
        for mark, question in study.questions_of(participant).items()
    ]


def test_orders_follow_from_seed_participant_and_question(questions, tmp_path):
    with (
        PreferenceStudy(questions, tmp_path / "1.csv", seed=1) as first,
        PreferenceStudy(questions[::-1], tmp_path / "2.csv", seed=1) as same,
        PreferenceStudy(questions, tmp_path / "3.csv", seed=2) as other,
    ):
        for participant in "abc":
            assert orders(first, participant) == orders(same, participant)
        assert orders(first, "a") != orders(first, "b")
        assert orders(first, "a") != orders(other, "a")


def test_every_method_is_everywhere_equally_often(study):
    shown = [order for i in range(300) for *_, order in orders(study, str(i))]
    for position in range(3):
        for method in METHODS:
            share = sum(order[position] == method for order in shown) / len(shown)
            # 1200 draws: the standard deviation is 0.014.
            assert share == pytest.approx(1 / 3, abs=0.06)


# The server.


def test_a_whole_study_of_two_participants(url, votes_path):
    people = [Browser(url), Browser(url)]
    expected = []
    for person in people:
        person.open("/")
    assert people[0].participant != people[1].participant
    for number in range(1, 5):
        for person in people:
            question = person.question()
            assert (question["number"], question["total"]) == (number, 4)
            assert question["voted"] is None
            mark = question["question"]
            shown = [
                person.open(f"/image/{mark}/{position}")[1].split()
                for position in range(question["options"])
            ]
            assert sorted(method for method, _, _ in shown) == sorted(METHODS)
            position = (number + people.index(person)) % 3
            method, target, name = shown[position]
            assert person.open(f"/image/{mark}/input") == (200, f"input {name}")
            assert question["target"] == target.replace("_", " ")
            assert person.vote(mark, position) == 200
            order = "|".join(method for method, _, _ in shown)
            expected.append([person.participant, name, target, method, order])
            # On the disk before the answer, whole.
            header, *rows = votes_path.read_text().splitlines()
            assert header == "time,participant,input,target,chosen,order"
            assert [row.split(",")[1:] for row in rows] == expected
    for person in people:
        assert person.question() == {"question": None, "total": 4}
    assert len({tuple(row[:3]) for row in expected}) == 8


def test_the_target_in_words(folders, votes_path):
    inputs, outputs = folders
    for folder in outputs.values():
        (folder / "Male").rename(folder / "Brown_Hair,-Young")
    questions, _ = find_questions(inputs, outputs)
    with PreferenceStudy(questions, votes_path) as study, make_server(study) as server:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        browser = Browser(f"http://127.0.0.1:{server.server_address[1]}")
        browser.open("/")
        marks = study.questions_of(browser.participant)
        told = {browser.question(mark)["target"] for mark in marks}
        server.shutdown()
    assert told == {"Blond Hair", "Brown Hair, not Young"}


def test_nothing_tells_the_methods_apart(url, folders):
    browser = Browser(url)
    told = browser.open("/")[1]
    while mark := (question := browser.question())["question"]:
        told += json.dumps(question)
        for which in ("input", 0, 1, 2):
            browser.open(f"/image/{mark}/{which}")
        browser.vote(mark, 0)
    told += "".join(browser.seen)
    assert told.count("/image/") > 16
    for secret in (*METHODS, *INPUTS, "of_", str(folders[0].parent)):
        assert secret.lower() not in told.lower()


def test_a_reload_keeps_participant_question_and_order(browser):
    participant, question = browser.participant, browser.question()
    path = f"/image/{question['question']}/0"
    picture = browser.open(path)
    browser.open("/")
    assert browser.participant == participant
    assert browser.question() == question
    assert browser.open(path) == picture


def test_pictures_are_not_kept_for_the_next_participant(browser):
    browser.open(f"/image/{browser.question()['question']}/0")
    assert "Cache-Control: no-store" in browser.seen[-1]
    assert "Content-Type: image/jpeg" in browser.seen[-1]


def test_a_second_vote_is_refused(browser, votes_path):
    mark = browser.question()["question"]
    assert browser.vote(mark, 0) == 200
    content = votes_path.read_bytes()
    assert browser.vote(mark, 1) == 409
    assert votes_path.read_bytes() == content
    assert browser.question(mark)["voted"] == 0
    assert browser.question()["question"] != mark


def test_of_votes_at_the_same_time_one_counts(browser, votes_path):
    mark = browser.question()["question"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: browser.vote(mark, i % 3), range(8)))
    assert sorted(answers) == [200] + [409] * 7
    assert len(read_votes(votes_path)) == 1


def test_another_person_takes_over_the_browser(browser):
    first, marks = browser.participant, {browser.question()["question"]}
    browser.vote(*marks, 0)
    assert browser.open("/participant", {})[0] == 200
    assert browser.participant != first
    question = browser.question()
    assert question["number"] == 1
    assert question["question"] not in marks


@pytest.mark.parametrize("position", [-1, 3, "0", 1.0, True, None, [0]])
def test_a_bad_position(browser, study, position):
    assert browser.vote(browser.question()["question"], position) == 400
    assert study.votes == []


@pytest.mark.parametrize("mark", ["", "0", "next", None, ["0"], "../../etc/passwd"])
def test_a_vote_on_an_unknown_question(browser, study, mark):
    assert browser.vote(mark, 0) == 404
    assert study.votes == []


def test_another_participants_question_is_unknown(browser, url):
    other = Browser(url)
    other.open("/")
    mark = other.question()["question"]
    assert browser.vote(mark, 0) == 404
    assert browser.open(f"/question/{mark}")[0] == 404
    assert browser.open(f"/image/{mark}/0")[0] == 404


@pytest.mark.parametrize("which", ["3", "-1", "x", "", "00"])
def test_an_unknown_picture(browser, which):
    assert browser.open(f"/image/{browser.question()['question']}/{which}")[0] == 404


@pytest.mark.parametrize("path", ["/votes", "/image", "/../setup.cfg"])
def test_an_unknown_page(browser, path):
    assert browser.open(path)[0] == 404
    assert browser.open(path, {})[0] == 404


def test_a_picture_that_has_gone(browser, questions):
    for path in {question.input_path for question in questions}:
        path.unlink()
    assert browser.open(f"/image/{browser.question()['question']}/input")[0] == 404


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"{}" + b" " * 20_000])
def test_a_vote_that_is_no_small_json_object(browser, content):
    answer = browser.open("/vote", content, **{"Content-Type": "application/json"})
    assert answer[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "elsewhere.example:80"},
    ],
)
def test_other_sites_cannot_vote(browser, study, headers):
    assert browser.vote(browser.question()["question"], 0, **headers) == 403
    assert study.votes == []


def test_the_study_s_own_origin_can_vote(browser, url):
    assert browser.vote(browser.question()["question"], 0, Origin=url) == 200


def test_without_a_cookie_there_is_no_participant(url):
    browser = Browser(url)
    status, answer = browser.open("/question/next")
    assert status == 403
    assert "Allow cookies" in answer


def test_a_cookie_beside_odd_ones(browser, url):
    question = browser.question()
    cookies = f'a={{"b": 1}}; {COOKIE}={browser.participant}; c=d e'
    answer = Browser(url).open("/question/next", Cookie=cookies)
    assert json.loads(answer[1]) == question


def test_a_taken_port(study, url):
    port = url.rpartition(":")[2]
    with pytest.raises(OSError, match=f"Port {port} cannot be used"):
        make_server(study, int(port))


# Votes on disk.


def test_a_vote_that_cannot_be_saved_does_not_count(browser, votes_path, monkeypatch):
    mark = browser.question()["question"]
    content = votes_path.read_bytes()

    def full(_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert browser.vote(mark, 0) == 500
    assert votes_path.read_bytes() == content
    assert browser.question()["question"] == mark
    assert browser.vote(mark, 1) == 200
    assert len(read_votes(votes_path)) == 1


def voted_once(questions, votes_path):
    """A finished study with one vote; its question's mark."""
    with PreferenceStudy(questions, votes_path) as study:
        mark = next(iter(study.questions_of("me")))
        assert study.vote("me", mark, 2)
    return mark


def test_a_restart_goes_on(questions, votes_path):
    mark = voted_once(questions, votes_path)
    with PreferenceStudy(questions, votes_path) as study:
        assert not study.vote("me", mark, 0)
        assert study.vote("me", list(study.questions_of("me"))[1], 0)
        assert study.votes == read_votes(votes_path)
    assert len(read_votes(votes_path)) == 2


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_half_written_last_line_is_no_vote(questions, votes_path, kept):
    mark = voted_once(questions, votes_path)
    header, line = votes_path.read_bytes().splitlines(keepends=True)
    votes_path.write_bytes(header + line[:kept])
    assert read_votes(votes_path) == []
    with PreferenceStudy(questions, votes_path) as study:
        assert study.votes == []
        assert study.vote("me", mark, 1)
    (vote,) = read_votes(votes_path)
    assert vote.chosen == vote.order[1]


@pytest.mark.parametrize("content", [b"", b"time,part"])
def test_a_half_written_first_line(questions, votes_path, content):
    votes_path.parent.mkdir()
    votes_path.write_bytes(content)
    voted_once(questions, votes_path)
    assert len(read_votes(votes_path)) == 1


def test_names_with_commas_and_accents(folders, votes_path):
    inputs, outputs = folders
    (inputs / "000001.png").rename(inputs / 'Zoë, "1".png')
    outputs = {f"{name}, ours": folder for name, folder in outputs.items()}
    for folder in outputs.values():
        (folder / "Male" / "000001.jpg").rename(folder / "Male" / 'Zoë, "1".jpg')
    questions, _ = find_questions(inputs, outputs)
    with PreferenceStudy(questions, votes_path) as study:
        for mark in study.questions_of("me"):
            study.vote("me", mark, 0)
        assert read_votes(votes_path) == study.votes
    assert 'Zoë, "1"' in {vote.input for vote in study.votes}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"time,", b"date,", "first line should be"),
        (b"\n", b"\r", "first line should be"),
        (b"DIAT", b"IcGAN", "has votes on CycleGAN, IcGAN, StarGAN"),
        (b",00000", b",99999", "which this study does not ask"),
        (b"|", b"+", "Line 2 of .* is no vote"),
        (b",me", b"", "Line 2 of .* is no vote"),
    ],
)
def test_a_file_of_another_study_is_left_alone(
    questions, votes_path, old, new, message
):
    voted_once(questions, votes_path)
    content = votes_path.read_bytes().replace(old, new) + b"half"
    votes_path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        PreferenceStudy(questions, votes_path)
    assert votes_path.read_bytes() == content


def test_a_file_with_a_second_vote(questions, votes_path):
    voted_once(questions, votes_path)
    header, line = votes_path.read_bytes().splitlines(keepends=True)
    votes_path.write_bytes(header + line + line)
    with pytest.raises(ValueError, match=r"Line 3 of .* is a second vote"):
        read_votes(votes_path)


def test_a_file_of_two_studies(questions, votes_path):
    voted_once(questions, votes_path)
    header, line = votes_path.read_bytes().splitlines(keepends=True)
    other = line.replace(b"DIAT", b"IcGAN").replace(b",me", b",you")
    votes_path.write_bytes(header + line + other)
    with pytest.raises(ValueError, match=r"mixes studies: line 3 is on .*IcGAN"):
        read_votes(votes_path)


def test_two_studies_cannot_write_one_file(study, questions, votes_path):
    with pytest.raises(OSError, match="being written by another study"):
        PreferenceStudy(questions, votes_path)


# The table.


def test_the_table_of_percentages():
    table = preference_table(make_votes({"Hair": "AAB", "Age": "C"}))
    assert table == {
        "targets": {
            "Age": {"votes": 1, "percentages": {"A": 0, "B": 0, "C": 100}},
            "Hair": {
                "votes": 3,
                "percentages": {
                    "A": pytest.approx(66.667, abs=1e-3),
                    "B": pytest.approx(33.333, abs=1e-3),
                    "C": 0,
                },
            },
        },
        "all": {"votes": 4, "percentages": {"A": 50, "B": 25, "C": 25}},
    }
    assert format_preference_table(table).splitlines() == [
        "chosen, %    Age  Hair   all",
        "A            0.0  66.7  50.0",
        "B            0.0  33.3  25.0",
        "C          100.0   0.0  25.0",
        "votes          1     3     4",
    ]


def test_the_table_of_no_votes():
    table = preference_table([])
    assert table == {"targets": {}, "all": {"votes": 0, "percentages": {}}}
    assert format_preference_table(table) == "No votes yet."


# The recipe.


def start(*flags):
    return subprocess.Popen(
        [sys.executable, RECIPE, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_recipe_asks_and_prints_the_table(folders, questions, votes_path, tmp_path):
    inputs, outputs = folders
    (outputs["DIAT"] / "Male" / "000002.jpg").unlink()
    given = ",".join(f"{name}={folder}" for name, folder in outputs.items())
    earlier = tmp_path / "earlier.csv"
    voted_once(questions, earlier)
    # At once, for each spends seconds on importing TensorFlow.
    with (
        start("--table_only", f"--votes={earlier}") as printing,
        start(
            f"--inputs={inputs}",
            f"--outputs={given}",
            f"--votes={votes_path}",
            "--port=0",
        ) as asking,
    ):
        said = ""
        while "Open http" not in said:
            line = asking.stdout.readline()
            assert line, asking.communicate()
            said += line
        assert "Male/000002.*: DIAT" in said
        assert "3 questions, 2 targets, 3 methods; 0 votes so far" in said
        browser = Browser(said.split("Open ")[1].split("/ ")[0])
        browser.open("/")
        assert browser.vote(browser.question()["question"], 0) == 200
        asking.send_signal(signal.SIGINT)
        for process, path in ((asking, votes_path), (printing, earlier)):
            table, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
            votes = read_votes(path)
            assert len(votes) == 1
            assert table.strip() == format_preference_table(preference_table(votes))

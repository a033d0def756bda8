"""The web server of the preference study, for browsers on the same machine.

Nothing that the server sends shows which method an image is from.
"""

import http.server
import importlib.resources
import json
import pathlib
import re
import secrets
import sys
from http import HTTPStatus

from keras_stargan.study.preference_study import (
    CONTENT_TYPES,
    PreferenceStudy,
    Question,
)

HOST = "127.0.0.1"
COOKIE = "preference_study_participant"


def _in_words(target: str) -> str:
    """A target in words: "Blond_Hair,-Young" becomes "Blond Hair, not Young"."""
    parts = [re.sub("^-", "not ", part) for part in target.split(",")]
    return ", ".join(parts).replace("_", " ")


class _Refusal(Exception):
    """Raised to answer a request with an error."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers a browser's requests.

    GET /                        the page; sets a cookie for a new participant
    GET /question/next           the first question without a vote, as JSON
    GET /question/<mark>         a question, as JSON
    GET /image/<mark>/input      a question's input image
    GET /image/<mark>/<position> one of its output images
    POST /vote                   {"question": mark, "position": number from 0}
    POST /participant            {}: another person uses this browser from now on
    """

    server: "_Server"
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, respond) -> None:
        try:
            self._check_host()
            respond()
        except _Refusal as refusal:
            self._send_json({"error": str(refusal)}, refusal.status)

    def _check_host(self) -> None:
        # A web site could have a name that leads to this machine, and its pages could
        # then read the study.
        host = self.headers.get("Host", "").partition(":")[0]
        if host not in (HOST, "localhost"):
            raise _Refusal(HTTPStatus.FORBIDDEN, f"Open this study as http://{HOST}.")

    def _get(self) -> None:
        match self.path.split("/")[1:]:
            case [""]:
                page = importlib.resources.files(__package__) / "preference_study.html"
                new = None if self._cookie() else secrets.token_hex(16)
                self._send(page.read_bytes(), "text/html; charset=utf-8", new)
            case ["question", mark]:
                self._send_json(self._describe(self._participant(), mark))
            case ["image", mark, which]:
                path = self._image(mark, which)
                try:
                    content = path.read_bytes()
                except OSError:
                    raise _Refusal(
                        HTTPStatus.NOT_FOUND, "This picture is gone."
                    ) from None
                self._send(content, CONTENT_TYPES[path.suffix.lower()])
            case _:
                raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _post(self) -> None:
        # The request is read before it is refused. Otherwise the browser sees a broken
        # connection instead of the answer.
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > 10_000:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "The request has a wrong length.")
        body = self.rfile.read(int(length))
        # Pages of other web sites can send neither JSON nor this origin.
        own = f"http://{self.headers['Host']}"
        foreign = self.headers.get("Origin", own) != own
        if foreign or self.headers.get_content_type() != "application/json":
            raise _Refusal(HTTPStatus.FORBIDDEN, "Only the study's own page can vote.")
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "The request is no JSON object.")
        match self.path:
            case "/vote":
                self._vote(content)
            case "/participant":
                self._send(b"{}", "application/json", secrets.token_hex(16))
            case _:
                raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _vote(self, content: dict) -> None:
        participant = self._participant()
        mark, _ = self._question(participant, str(content.get("question")))
        try:
            counts = self.server.study.vote(participant, mark, content.get("position"))
        except ValueError as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
        except OSError as error:
            self.log_error("A vote could not be saved: %s", error)
            raise _Refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "Your vote could not be saved and does not count. Please tell the "
                "person who runs this study.",
            ) from None
        if not counts:
            raise _Refusal(
                HTTPStatus.CONFLICT,
                "You have already voted on this question. Your first vote counts.",
            )
        self._send_json({})

    def _describe(self, participant: str, mark: str) -> dict:
        study = self.server.study
        questions = study.questions_of(participant)
        if mark == "next":
            left = (
                m for m, q in questions.items() if not study.vote_of(participant, q)
            )
            mark = next(left, None)
            if mark is None:
                return {"question": None, "total": len(questions)}
        mark, question = self._question(participant, mark)
        vote = study.vote_of(participant, question)
        order = study.order(mark)
        return {
            "question": mark,
            "number": list(questions).index(mark) + 1,
            "total": len(questions),
            "target": _in_words(question.target),
            "options": len(order),
            "voted": order.index(vote.chosen) if vote else None,
        }

    def _image(self, mark: str, which: str) -> pathlib.Path:
        mark, question = self._question(self._participant(), mark)
        if which == "input":
            return question.input_path
        order = self.server.study.order(mark)
        if which not in map(str, range(len(order))):
            raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such picture.")
        return question.output_paths[order[int(which)]]

    def _question(self, participant: str, mark: str) -> tuple[str, Question]:
        question = self.server.study.questions_of(participant).get(mark)
        if question is None:
            raise _Refusal(
                HTTPStatus.NOT_FOUND, "This question is not among yours in this study."
            )
        return mark, question

    def _participant(self) -> str:
        participant = self._cookie()
        if participant is None:
            raise _Refusal(
                HTTPStatus.FORBIDDEN,
                "This study needs a cookie, to know whose vote it is. Allow cookies, "
                "then load the page again.",
            )
        return participant

    def _cookie(self) -> str | None:
        # Not by http.cookies: it reads no cookie at all if another program on this
        # host has set one that it considers invalid.
        cookie = re.search(
            rf"(?:^|;\s*){COOKIE}=([0-9a-f]{{32}})(?:;|$)",
            self.headers.get("Cookie", ""),
        )
        return cookie and cookie[1]

    def _send_json(self, content: dict, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(content).encode(), "application/json", status=status)

    def _send(
        self,
        content: bytes,
        content_type: str,
        participant: str | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        # The same address gives different images to different participants.
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if participant:
            self.send_header(
                "Set-Cookie",
                f"{COOKIE}={participant}; Path=/; Max-Age=31536000; HttpOnly; "
                "SameSite=Lax",
            )
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, *_) -> None:
        """Prints nothing: with a line for each image, errors would be overlooked."""


class _Server(http.server.ThreadingHTTPServer):
    # A page requests all its images at once, and many pages may be open.
    request_queue_size = 128

    def __init__(self, study: PreferenceStudy, port: int) -> None:
        self.study = study
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request, client_address) -> None:
        """Reports errors, except for a browser that has closed the connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def make_server(
    study: PreferenceStudy, port: int = 0
) -> http.server.ThreadingHTTPServer:
    """Makes a server for a study, which only browsers on this machine can reach.

    Args:
        study: the study.
        port: the port on 127.0.0.1 to listen on; 0 takes a free one.

    Returns:
        A listening server; its `server_address` is host and port. Call its
        `serve_forever()` to answer requests.

    Raises:
        OSError: if the port is taken or not allowed.
    """
    try:
        return _Server(study, port)
    except OSError as error:
        raise OSError(
            f"Port {port} cannot be used ({error.strerror}). Give another; 0 takes "
            "a free one."
        ) from None

"""The human preference study: which method's translations do people choose?

As in StarGAN's paper (section 5.4), a person sees an input image, a target and the
outputs of several methods in random order, and chooses one. `preference_server` has the
web page.
"""

import csv
import dataclasses
import datetime
import fcntl
import hashlib
import io
import os
import pathlib
import random
import threading
from collections.abc import Iterable, Mapping

METHODS_AT_ONCE = range(2, 6)
# Picture formats that every browser shows.
CONTENT_TYPES = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
COLUMNS = ["time", "participant", "input", "target", "chosen", "order"]
# Separates the methods in the column `order`.
SEPARATOR = "|"


@dataclasses.dataclass(frozen=True)
class Question:
    """One input, one target, and the methods' outputs.

    Args:
        input: name of the input picture, without its suffix.
        target: name of the target.
        input_path: the input picture.
        output_paths: the output of each method, by the method's name.
    """

    input: str
    target: str
    input_path: pathlib.Path
    output_paths: Mapping[str, pathlib.Path]


@dataclasses.dataclass(frozen=True)
class Vote:
    """One vote, a row of the CSV file.

    Args:
        time: when it was given, in UTC, as `2018-06-18T09:00:00+00:00`.
        participant: random name of the person who gave it.
        input: name of the input picture, without its suffix.
        target: name of the target.
        chosen: the method that was chosen.
        order: all methods, in the order in which their outputs were shown.
    """

    time: str
    participant: str
    input: str
    target: str
    chosen: str
    order: tuple[str, ...]


def find_questions(
    inputs: str | os.PathLike, outputs: Mapping[str, str | os.PathLike]
) -> tuple[list[Question], list[str]]:
    """Finds the inputs and targets for which all methods have an output.

    Args:
        inputs: folder of the input pictures, `<name>.png` (or .jpg, .jpeg, .webp,
            .gif, .bmp).
        outputs: maps the name of each of the 2 to 5 methods to the folder of its
            outputs, `<target>/<name of the input>.png` (or another of the suffixes).

    Returns:
        The questions, and a line for each missing picture because of which an input
        and target are left out.

    Raises:
        ValueError: for too few or too many methods, a name with characters that
            cannot be printed, two pictures with the same name, or if there is no
            question.
        OSError: for a folder that cannot be read.
    """
    _check_methods(outputs)
    input_paths = _pictures(inputs)
    output_paths = {method: _targets(folder) for method, folder in outputs.items()}
    questions, missing = [], []
    for target, name in sorted(set().union(*output_paths.values())):
        found = {
            method: paths[target, name]
            for method, paths in output_paths.items()
            if (target, name) in paths
        }
        lacking = [
            f"{outputs[method]}/{target}/{name}.*: {method} has no such output"
            for method in outputs
            if method not in found
        ]
        if name not in input_paths:
            lacking.append(f"{inputs}/{name}.*: no such input, for target {target}")
        missing += lacking
        if not lacking:
            questions.append(Question(name, target, input_paths[name], found))
    if not questions:
        counts = [f"{inputs}: {len(input_paths)} inputs"]
        counts += [
            f"{outputs[method]}: {len(paths)} outputs"
            for method, paths in output_paths.items()
        ]
        raise ValueError(
            "There is no question: no input <name>.png for which every method has an "
            f"output <target>/<name>.png. Found: {'; '.join(counts)}."
        )
    return questions, missing


def _check_methods(methods: Iterable[str]) -> None:
    methods = list(methods)
    if len(methods) not in METHODS_AT_ONCE:
        raise ValueError(
            f"A study compares {METHODS_AT_ONCE[0]} to {METHODS_AT_ONCE[-1]} methods; "
            f"received {len(methods)}: {', '.join(methods) or 'none'}."
        )
    for method in methods:
        if not method or SEPARATOR in method:
            raise ValueError(
                f"A method's name must not be empty nor contain {SEPARATOR!r}; "
                f"received {method!r}."
            )
        _check_name(method)


def _check_name(name: str) -> None:
    if not name.isprintable():
        raise ValueError(
            f"The name {name!r} has characters that cannot be printed, such as line "
            "breaks; rename it."
        )


def _pictures(folder: str | os.PathLike) -> dict[str, pathlib.Path]:
    """The pictures in a folder, by their names without suffixes."""
    pictures = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        if path.suffix.lower() not in CONTENT_TYPES or path.name.startswith("."):
            continue
        _check_name(path.stem)
        if path.stem in pictures:
            raise ValueError(
                f"{pictures[path.stem]} and {path.name} differ only in their suffixes; "
                "keep one of them."
            )
        pictures[path.stem] = path
    return pictures


def _targets(folder: str | os.PathLike) -> dict[tuple[str, str], pathlib.Path]:
    """The pictures in a folder with a folder for each target, by target and name."""
    pictures = {}
    for target in pathlib.Path(folder).iterdir():
        if target.is_dir() and not target.name.startswith("."):
            _check_name(target.name)
            for name, path in _pictures(target).items():
                pictures[target.name, name] = path
    return pictures


def read_votes(path: str | os.PathLike) -> list[Vote]:
    """Reads the votes that a study wrote.

    Args:
        path: the CSV file. A last line without a line end, which a killed program may
            leave, is ignored: its participant was not told that the vote counts.

    Returns:
        The votes in the order of the file.

    Raises:
        ValueError: for other columns, a row that is no vote, votes on different
            methods, or a second vote of a participant on one question.
        OSError: for a file that cannot be read.
    """
    content = pathlib.Path(path).read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    # The program was killed before it had written the first line.
    if not complete and _row(COLUMNS).startswith(content):
        return []
    text = io.StringIO(complete.decode("utf-8-sig", "replace"), newline="")
    try:
        header, *rows = list(csv.reader(text)) or [[]]
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV file: {error}.") from None
    if header != COLUMNS:
        raise ValueError(
            f"{path} was not written by a preference study: its first line should be "
            f"{','.join(COLUMNS)!r} and is {','.join(header)[:80]!r}. Nothing was "
            "changed; give another file."
        )
    votes, seen = [], set()
    for line, row in enumerate(rows, 2):
        order = tuple(row[-1].split(SEPARATOR)) if row else ()
        if len(row) != len(COLUMNS) or row[-2] not in order:
            raise ValueError(f"Line {line} of {path} is no vote: {','.join(row)!r}.")
        time, participant, name, target, chosen, _ = row
        vote = Vote(time, participant, name, target, chosen, order)
        if votes and set(order) != set(votes[0].order):
            raise ValueError(
                f"{path} mixes studies: line {line} is on {', '.join(sorted(order))}, "
                f"the lines before on {', '.join(sorted(votes[0].order))}."
            )
        if _key(vote) in seen:
            raise ValueError(
                f"Line {line} of {path} is a second vote of participant "
                f"{vote.participant} on {vote.input} to {vote.target}."
            )
        seen.add(_key(vote))
        votes.append(vote)
    return votes


def _key(vote: Vote) -> tuple[str, str, str]:
    return vote.participant, vote.input, vote.target


def _row(values: Iterable[str]) -> bytes:
    """A line of the CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def preference_table(votes: Iterable[Vote]) -> dict:
    """Counts how often each method was chosen, as in StarGAN's tables 1 and 2.

    Args:
        votes: the votes of one study.

    Returns:
        A dictionary of two entries. `"targets"` maps each target to `"votes"`, the
        number of votes, and `"percentages"`, which maps each method to its percentage
        of these votes (they sum to 100). `"all"` has the same two entries for all votes
        together. If there are no votes, there are no targets and no methods.
    """
    votes = list(votes)

    def column(chosen: list[str]) -> dict:
        return {
            "votes": len(chosen),
            "percentages": {
                method: 100 * chosen.count(method) / len(chosen)
                for method in (sorted(votes[0].order) if votes else ())
            },
        }

    return {
        "targets": {
            target: column([vote.chosen for vote in votes if vote.target == target])
            for target in sorted({vote.target for vote in votes})
        },
        "all": column([vote.chosen for vote in votes]),
    }


def format_preference_table(table: dict) -> str:
    """Formats a `preference_table` as text.

    Args:
        table: as `preference_table` gives it.

    Returns:
        Lines of aligned columns: a row for each method, in percent, and a row for the
        number of votes; a column for each target, and one for all votes.
    """
    if not table["all"]["votes"]:
        return "No votes yet."
    columns = [*table["targets"].items(), ("all", table["all"])]
    rows = [["chosen, %", *(name for name, _ in columns)]]
    for method in table["all"]["percentages"]:
        shares = [f"{column['percentages'][method]:.1f}" for _, column in columns]
        rows.append([method, *shares])
    rows.append(["votes", *(str(column["votes"]) for _, column in columns)])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    )


class PreferenceStudy:
    """The questions of a study, the votes on them, and the file of the votes.

    Each participant gets all questions in a random order, and each question shows the
    methods in a random order. Both orders follow from the seed, the participant and
    the question alone, so that they are the same after a reload or a restart. Safe to
    use from several threads. Close it, or use it in a `with` statement.

    Args:
        questions: as `find_questions` gives them.
        votes_path: CSV file for the votes. If it exists, the study continues with
            the votes in it.
        seed: decides all orders.

    Attributes:
        votes: all votes, in the order of the file.

    Raises:
        ValueError: if the file is not of this study. It is then not changed.
        OSError: if the file cannot be written, or another study is writing it.

    Example:
        >>> questions, missing = find_questions("in", {"A": "a", "B": "b"})
        >>> with PreferenceStudy(questions, "votes.csv") as study:
        ...     make_server(study, port=8000).serve_forever()
    """

    def __init__(
        self,
        questions: Iterable[Question],
        votes_path: str | os.PathLike,
        seed: int = 0,
    ) -> None:
        self._questions = {(item.input, item.target): item for item in questions}
        if not self._questions:
            raise ValueError("A study needs at least one question; received none.")
        self._methods = sorted(next(iter(self._questions.values())).output_paths)
        _check_methods(self._methods)
        self._seed = seed
        self._path = pathlib.Path(votes_path)
        self._lock = threading.Lock()
        self._participants = {}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        try:
            self.votes = self._open_votes()
        except BaseException:
            self._file.close()
            raise
        self._voted = {_key(vote): vote for vote in self.votes}

    def _open_votes(self) -> list[Vote]:
        """Checks and repairs the file; gives the votes in it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"{self._path} is being written by another study. Stop that one, or "
                "give another file."
            ) from None
        votes = read_votes(self._path)
        if votes and sorted(votes[0].order) != self._methods:
            raise ValueError(
                f"{self._path} has votes on {', '.join(sorted(votes[0].order))}; this "
                f"study compares {', '.join(self._methods)}. Give another file."
            )
        for vote in votes:
            if (vote.input, vote.target) not in self._questions:
                raise ValueError(
                    f"{self._path} has a vote on {vote.input} to {vote.target}, which "
                    "this study does not ask. Give another file, or the pictures of "
                    "that study."
                )
        # The text after the last line end is a vote that was never confirmed.
        content = self._path.read_bytes()
        self._file.truncate(content.rfind(b"\n") + 1)
        if b"\n" not in content:
            self._append(COLUMNS)
        return votes

    def _append(self, values: Iterable[str]) -> None:
        """Writes a line to the disk, whole or not at all."""
        line = _row(values)
        size = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) != len(line):
                raise OSError(f"{self._path} could not be written: is the disk full?")
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(size)
            raise

    def questions_of(self, participant: str) -> dict[str, Question]:
        """All questions in a participant's order.

        Args:
            participant: a participant's name.

        Returns:
            Maps marks to questions. A mark is a string of hexadecimal digits, which
            reveals nothing and differs between participants, methods and seeds.
        """
        # If two threads do this at once, setdefault keeps one of their equal results.
        if participant not in self._participants:
            marked = {}
            for item in self._questions.values():
                text = repr(
                    (self._seed, participant, item.input, item.target, self._methods)
                )
                marked[hashlib.sha256(text.encode()).hexdigest()[:20]] = item
            self._participants.setdefault(participant, dict(sorted(marked.items())))
        return self._participants[participant]

    def order(self, mark: str) -> tuple[str, ...]:
        """The methods in the order in which a question shows them.

        Args:
            mark: the question's mark, as `questions_of` gives it.

        Returns:
            The methods' names.
        """
        return tuple(random.Random(mark).sample(self._methods, len(self._methods)))

    def vote_of(self, participant: str, question: Question) -> Vote | None:
        """A participant's vote on a question; None if there is none yet."""
        return self._voted.get((participant, question.input, question.target))

    def vote(self, participant: str, mark: str, position: int | None) -> bool:
        """Takes a vote and writes it to the file.

        Args:
            participant: a participant's name.
            mark: the question's mark, as `questions_of` gives it.
            position: position of the chosen output in the question's order, from 0;
                None is refused.

        Returns:
            Whether the vote counts; False if the participant has voted on the question
            before.

        Raises:
            KeyError: if there is no such question.
            ValueError: if there is no such position.
            OSError: if the vote could not be written. It does not count then.
        """
        question = self.questions_of(participant)[mark]
        order = self.order(mark)
        if type(position) is not int or not 0 <= position < len(order):
            raise ValueError(
                f"position must be an integer from 0 to {len(order) - 1}; received "
                f"{position!r}."
            )
        with self._lock:
            if self.vote_of(participant, question):
                return False
            vote = Vote(
                datetime.datetime.now(datetime.timezone.utc).isoformat(
                    timespec="seconds"
                ),
                participant,
                question.input,
                question.target,
                order[position],
                order,
            )
            row = dataclasses.asdict(vote) | {"order": SEPARATOR.join(order)}
            self._append(row.values())
            self._voted[_key(vote)] = vote
            self.votes.append(vote)
        return True

    def close(self) -> None:
        """Closes the file, after a vote that is just being written."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> "PreferenceStudy":
        return self

    def __exit__(self, *_) -> None:
        self.close()

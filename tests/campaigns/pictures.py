"""Hostile picture files through everything that reads pictures.

    cd tests && python -m campaigns.pictures --number=100000 --output=../runs/pictures

Each file of `campaigns.mutated_pictures` is opened and framed, read in folders,
streamed and translated, one of 16 is taken as a reference, and all are sent to the
SavedModel's signature of bytes and to `keras-stargan serve`. Worker processes do 3,200
files each. Where one dies, or says nothing for a minute, its last files are tried again
one by one, so that the file is named. An interrupted campaign goes on where it stopped.
"""

import argparse
import base64
import collections
import contextlib
import io
import json
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from campaigns.mutated_pictures import picture_file, saved
from PIL import Image

SECONDS = 5.0  # of computing for one file, in any reader
MEMORY = 4 * 2**30  # bytes of a process that reads files, at most
_ADDRESS_SPACE = 24 * 2**30  # a worker that asks for more fails, not the machine
_SILENCE = 60.0  # seconds after which a worker is said to hang
_PER_PROCESS = 3200
_GROUP = 16  # files that are given to a reader at once
_TARGET = "happy"


def make_models(folder: pathlib.Path) -> None:
    """Writes a tiny model of each kind: guided by labels, exported, by references."""
    from keras_stargan import LabelSet, StarGAN, StarGANv2
    from keras_stargan.export import export_saved_model

    model = StarGAN(
        image_size=16,
        labels=LabelSet((_TARGET, "sad")),
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )
    model.save(folder / "labels.keras")
    export_saved_model(model, folder / "exported", warmup=False)
    by_reference = StarGANv2(
        image_size=16,
        domains=LabelSet(("cat", "dog")),
        latent_dim=4,
        style_dim=8,
        hidden_dim=8,
        base_dim=4,
        max_dim=8,
    )
    by_reference.save(folder / "references.keras")


class Readers:
    """Everything that reads pictures, with what it did to each kind of file.

    Args:
        models: the folder of `make_models`.
        client: of a server of the exported model.
        signatures: of the exported model.
        say: called with the name of a reader and the files that it is about to read.
    """

    def __init__(self, models, client, signatures, say=lambda reader, numbers: None):
        from keras_stargan import load_model

        self._client, self._signatures, self._say = client, signatures, say
        self._by_label = load_model(models / "labels.keras")
        self._by_reference = load_model(models / "references.keras")
        self.counts: collections.Counter = collections.Counter()
        self.slowest: dict[str, tuple[float, str]] = {}
        self.peak = (0, "")
        self.failures: list[str] = []
        self._good = saved(Image.new("RGB", (20, 20), "teal"), "PNG")
        (self._good_answer,) = self._answers([self._good])

    def read(self, files: dict[int, tuple[str, bytes]]) -> None:
        """Gives files to every reader.

        Args:
            files: for each number what `picture_file` gives.
        """
        with tempfile.TemporaryDirectory() as folder:
            paths = self._write(pathlib.Path(folder), files)
            sizes = {
                n: self._measured("open", {n: paths[n]}, self._open) for n in files
            }
            readable = {n for n in files if sizes[n]}
            every = {
                "folders": lambda given: self._folders(given, readable),
                "stream": lambda given: self._stream(given, readable),
                "translate": lambda given: self._translate(given, readable),
                "references": lambda given: self._references(given, readable),
                "signature": lambda given: self._check_answers(
                    "signature", given, self._answers
                ),
                "serve": lambda given: self._check_answers(
                    "serve", given, self._served_answers
                ),
            }
            for reader, function in every.items():
                seconds = self._measured(reader, paths, self._timed(function))
                if seconds is None or seconds > SECONDS:
                    for number in paths:  # Which of them was it?
                        self._measured(reader, {number: paths[number]}, function)

    def report(self) -> dict:
        """What was tried and found."""
        return {
            "counts": dict(self.counts),
            "slowest": self.slowest,
            "peak": self.peak,
            "failures": self.failures,
        }

    def _write(self, folder, files):
        self._kinds = {number: kind for number, (kind, _) in files.items()}
        paths = {}
        for number, (_, content) in files.items():
            path = folder / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            paths[number] = path
        for name in "ab":
            (folder / name).mkdir(exist_ok=True)
            for i in range(2):
                (folder / name / f"good{i}.png").write_bytes(self._good)
        return paths

    def _measured(self, reader, paths, function):
        """What a function gives; its time, memory and failure are noted."""
        self._say(reader, list(paths))
        what = ", ".join(f"{n} ({self._kinds[n]})" for n in paths)
        _reset_peak()
        start, result = time.process_time(), None
        try:
            result = function(paths)
        except Exception as error:
            self.failures.append(f"{reader}: {type(error).__name__}: {error}: {what}")
        seconds, peak = time.process_time() - start, _peak()
        if len(paths) == 1:
            self.slowest[reader] = max(
                self.slowest.get(reader, (0.0, "")), (seconds, what)
            )
            if seconds > SECONDS:
                self.failures.append(f"{reader}: {seconds:.1f} seconds: {what}")
        self.peak = max(self.peak, (peak, f"{reader}: {what}"))
        if peak > MEMORY:
            self.failures.append(f"{reader}: {peak / 2**30:.1f} GiB: {what}")
        return result

    def _timed(self, function):
        def timed(paths):
            start = time.process_time()
            function(paths)
            return time.process_time() - start

        return timed

    def _open(self, paths):
        """The size of a picture, or None; checks the message."""
        from keras_stargan.files.framing import FITS, frame
        from keras_stargan.files.pictures import open_picture

        ((number, path),) = paths.items()
        try:
            picture = open_picture(path)
        except ValueError as error:
            assert str(path) in str(error) and len(str(error)) > len(str(path)) + 30
            self.counts["open refused"] += 1
            return None
        self.counts["open read"] += 1
        assert picture.mode == "RGB"
        framing = frame(picture.size, 16, FITS[number % len(FITS)])
        assert framing.framed(picture).shape == (16, 16, 3)
        return picture.size

    def _folders(self, paths, readable):
        from keras_stargan.data.readers.folders import load_folders

        with (
            tempfile.TemporaryDirectory() as root,
            tempfile.TemporaryDirectory() as cache,
            _silent() as printed,
        ):
            for name in "ab":
                folder = pathlib.Path(root, name)
                folder.mkdir()
                for i in range(2):
                    (folder / f"good{i}.png").write_bytes(self._good)
            for number, path in paths.items():
                pathlib.Path(root, "ab"[number % 2], path.name).symlink_to(path)
            parts = load_folders(root, 16, 0.5, skip_unreadable=True, cache_dir=cache)
        assert sum(map(len, parts)) == 4 + len(set(paths) & readable)
        assert ("Left out" in printed.getvalue()) == bool(set(paths) - readable)
        self._count("folders", paths, readable)

    def _stream(self, paths, readable):
        from keras_stargan import LabelSet
        from keras_stargan.data import ImageFiles

        files = [str(path) for path in paths.values()]
        labels = np.eye(2)[[n % 2 for n in paths]]
        listed = ImageFiles(files, labels, LabelSet(("a", "b")), np.arange(len(files)))
        images = listed.stream(16).images
        for i, number in enumerate(paths):
            try:
                assert images[i].shape == (16, 16, 3)
                assert number in readable
            except ValueError as error:
                assert number not in readable and files[i] in str(error)
        self._count("stream", paths, readable)

    def _translate(self, paths, readable):
        from keras_stargan.use.translation import translate_files

        root = next(iter(paths.values())).parents[1]
        inputs = [*paths.values(), root / "a" / "good0.png"]
        with tempfile.TemporaryDirectory() as outputs, _silent():
            written = translate_files(
                self._by_label,
                inputs,
                _TARGET,
                outputs,
                source_labels=["sad"],
                skip_unreadable=True,
            )
        assert len(written) == 2 + len(readable & set(paths))
        self._count("translate", paths, readable)

    def _references(self, paths, readable):
        from keras_stargan.use.translation import translate_files

        number, path = next(iter(paths.items()))
        good = path.parents[1] / "a" / "good0.png"
        with tempfile.TemporaryDirectory() as outputs, _silent():
            try:
                translate_files(
                    self._by_reference, good, "dog", outputs, references=path
                )
                assert number in readable
            except ValueError as error:
                assert number not in readable and str(path) in str(error)
        self._count("references", [number], readable)

    def _check_answers(self, reader, paths, ask):
        contents = [path.read_bytes() for path in paths.values()]
        *answers, good = ask([*contents, self._good])
        assert good == self._good_answer, "the good file's answer changed"
        for number, (file, error) in zip(paths, answers, strict=True):
            assert bool(file) != bool(error), f"{number}: {file!r} and {error!r}"
            assert not error or error.startswith("encoded "), error
            self.counts[f"{reader} {'refused' if error else 'read'}"] += 1

    def _answers(self, contents):
        outputs = self._signatures["translate_bytes"].function(
            encoded=np.array([*contents, b""], object)[:-1],
            target=np.array([_TARGET.encode()] * len(contents), object),
        )
        files, errors = outputs["encoded_bytes"], outputs["error"]
        return [(f, e.decode()) for f, e in zip(files, errors, strict=True)]

    def _served_answers(self, contents):
        rows = [
            {"encoded": {"b64": base64.b64encode(one).decode()}, "target": _TARGET}
            for one in contents
        ]
        body = {"signature_name": "translate_bytes", "instances": rows}
        answer = self._client.post("/v1/models/faces:predict", body)
        assert answer.status == 200, answer.text[:300]
        return [
            (base64.b64decode(row["encoded_bytes"]["b64"]), row["error"])
            for row in answer.json()["predictions"]
        ]

    def _count(self, reader, numbers, readable):
        for number in numbers:
            self.counts[f"{reader} {'read' if number in readable else 'refused'}"] += 1


def try_files(
    models,
    numbers,
    seed,
    say=lambda reader, numbers: None,
    after=lambda report: None,
) -> dict:
    """Puts files through every reader, in this process.

    Args:
        models: the folder of `make_models`.
        numbers: which files.
        seed: of the mutations.
        say: as for `Readers`.
        after: called with what is returned, after each group of files.

    Returns:
        How many files each reader read and refused, the slowest file of each, the
        greatest memory of the process and where, and what failed.
    """
    from rest_server import served

    from keras_stargan.serving.signatures import load_signatures

    warnings.simplefilter("ignore")
    signatures = load_signatures(models / "exported")
    with served(signatures) as client:
        readers = Readers(models, client, signatures, say)
        for start in range(0, len(numbers), _GROUP):
            group = numbers[start : start + _GROUP]
            readers.read({number: picture_file(seed, number) for number in group})
            after(readers.report())
    return readers.report()


def _silent():
    return contextlib.redirect_stdout(io.StringIO())


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """The most memory that this process had since `_reset_peak`, in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _work(arguments: argparse.Namespace) -> None:
    """What a worker process does."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    notes = arguments.output / "now.json"

    def say(reader, numbers):
        notes.write_text(json.dumps([reader, numbers]))

    numbers = range(arguments.start, arguments.start + arguments.number)

    def write(report):
        arguments.result.write_text(json.dumps(report, indent=1))

    try_files(arguments.output / "models", numbers, arguments.seed, say, write)


def _run_worker(arguments, numbers, result) -> tuple[list[int], str] | None:
    """The files at which a worker failed and why; None if it did not."""
    notes, log = arguments.output / "now.json", arguments.output / "worker.log"
    notes.unlink(missing_ok=True)
    command = [sys.executable, "-m", "campaigns.pictures", f"--start={numbers.start}"]
    command += [f"--number={len(numbers)}", f"--seed={arguments.seed}"]
    command += [f"--output={arguments.output}", f"--result={result}"]
    why = ""
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        last = time.time()
        while process.poll() is None and not why:
            time.sleep(0.2)
            if notes.exists():
                last = max(last, notes.stat().st_mtime)
            if time.time() - last > _SILENCE:
                process.kill()
                process.wait()
                why = "hung"
    if process.returncode == 0:
        return None
    why = why or f"ended with {process.returncode}: {log.read_text()[-500:]}"
    reader, files = json.loads(notes.read_text()) if notes.exists() else ("start", [])
    return files, f"{reader} {files}: {why}"


def _run(arguments: argparse.Namespace) -> dict:
    """Runs the campaign in worker processes."""
    models = arguments.output / "models"
    if not models.exists():
        making = models.with_name("making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        make_models(making)
        making.rename(models)
    for start in range(0, arguments.number, _PER_PROCESS):
        end = min(start + _PER_PROCESS, arguments.number)
        result = arguments.output / f"{arguments.seed}-{start}-{end}.json"
        if not result.exists():
            found = _run_files(arguments, range(start, end))
            result.write_text(json.dumps(found))
            print(f"{end} files: {found['failures'] or 'nothing failed'}", flush=True)
    return summary(
        json.loads(path.read_text())
        for path in arguments.output.glob(f"{arguments.seed}-*.json")
    )


def _run_files(arguments: argparse.Namespace, numbers: range) -> dict:
    """What workers found; goes on behind files at which one died."""
    result, parts, failures = arguments.output / "part.json", [], []
    while numbers:
        result.unlink(missing_ok=True)
        at = _run_worker(arguments, numbers, result)
        if result.exists():
            parts.append(json.loads(result.read_text()))
        if at is None:
            break
        failures.append(at[1])
        suspects = at[0] or list(numbers)
        for number in suspects if len(suspects) > 1 else ():
            if _run_worker(arguments, range(number, number + 1), result):
                kind = picture_file(arguments.seed, number)[0]
                failures.append(f"alone: {number} ({kind})")
        numbers = range(max(suspects) + 1, numbers.stop)
    return summary([*parts, {"failures": failures}])


def summary(parts) -> dict:
    """The results of several processes as one."""
    counts: collections.Counter = collections.Counter()
    slowest: dict[str, list] = {}
    peak, failures = [0, ""], []
    for part in parts:
        counts.update(part.get("counts", {}))
        peak = max(peak, part.get("peak", peak))
        failures += part["failures"]
        for reader, one in part.get("slowest", {}).items():
            slowest[reader] = max(slowest.get(reader, one), one)
    return {
        "counts": dict(sorted(counts.items())),
        "slowest": slowest,
        "peak": peak,
        "failures": failures,
    }


def main() -> None:
    """Runs the campaign, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=100_000, help="files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--start", type=int, default=0, help="the first file's number")
    parser.add_argument("--result", type=pathlib.Path, help="of a worker")
    arguments = parser.parse_args()
    if arguments.result:
        _work(arguments)
        return
    found = _run(arguments)
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["failures"]))


if __name__ == "__main__":
    main()

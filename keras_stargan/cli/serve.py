r"""Answers requests for translations over HTTP, as TensorFlow Serving's REST port does.

    keras-stargan serve --model=runs/v1_rafd --name=faces
    keras-stargan serve --model=models/faces/1 --port=8080

--model is a trained model or a SavedModel that `keras-stargan export` wrote. A client
of TensorFlow Serving needs no change:

    GET  /v1/models/faces             its state
    GET  /v1/models/faces/metadata    its signatures, inputs and outputs
    POST /v1/models/faces:predict     {"signature_name": ..., "instances": [...]}

/healthz, /readyz and /metrics (Prometheus) are for those who run it. Requests that
arrive together are translated together. Beyond --max_waiting, requests get 429 and are
to be sent again later. SIGTERM or Ctrl-C ends the server when the open requests are
answered. It has no encryption and knows no users: outside of one machine, put it behind
a proxy that does.

Needs FastAPI, uvicorn and more: pip install 'keras-stargan[serve]'.
"""

import pathlib
import urllib.parse

from keras_stargan.cli.command import Command, Flags


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        None,
        "A .keras file; the folder of a run; a checkpoint of the published code; or "
        "the folder of a SavedModel, or one with numbered versions of it.",
    )
    flags.string(
        "discriminator",
        None,
        "If --model is the published code's 200000-G.ckpt: its 200000-D.ckpt, which "
        "guesses the labels that a picture has now.",
    )
    flags.string("name", None, "The model's name in URLs. Default: from --model.")
    flags.string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 is all.")
    flags.integer(
        "port", 8501, "Port to listen at; 0 takes a free one.", least=0, most=65535
    )
    flags.integer("max_batch", 16, "Pictures in a batch, at most.", least=1)
    flags.integer(
        "at_once",
        2,
        "Batches translated at the same time: files of one are read while the other is "
        "computed. 1 needs less memory.",
        least=1,
    )
    flags.number(
        "batch_wait", 2.0, "Milliseconds for which a picture waits for others."
    )
    flags.integer(
        "max_waiting",
        256,
        "Pictures that may wait for the model; further requests get 429.",
        least=1,
    )
    flags.number("max_request_mb", 16.0, "Size of a request in MB; larger: 413.")
    flags.number(
        "max_open_mb", 256.0, "Size of all open requests together; beyond it: 429."
    )
    flags.number(
        "max_megapixels", 16.0, "Size of a picture; a larger one is not decoded."
    )
    flags.number("timeout", 30.0, "Seconds for a request; then it gets 504.")


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and serves it until SIGTERM or Ctrl-C."""
    if not flags.model:
        raise ValueError("Give --model. See --help.")
    for name in ("max_request_mb", "max_megapixels", "timeout"):
        if getattr(flags, name) <= 0:
            raise ValueError(
                f"--{name} must be more than 0; received {getattr(flags, name):g}."
            )
    if flags.batch_wait < 0:
        raise ValueError(f"--batch_wait must be 0 or more; received {flags.batch_wait}")
    if flags.max_open_mb < flags.max_request_mb:
        raise ValueError(
            f"--max_open_mb must be at least --max_request_mb; received "
            f"{flags.max_open_mb:g} and {flags.max_request_mb:g}."
        )
    name = flags.name or name_of(flags.model)
    if not name or set(name) & set("/:"):
        raise ValueError(
            f"--name must have one letter or more, no / and no :; received {name!r}."
        )
    from keras_stargan.serving.samples import curl_line, target_names, warm_up
    from keras_stargan.serving.server import bind, make_server
    from keras_stargan.serving.service import Limits, Service
    from keras_stargan.serving.signatures import load_signatures, saved_model_folder

    limits = Limits(
        max_batch=flags.max_batch,
        at_once=flags.at_once,
        batch_wait=flags.batch_wait / 1000,
        max_waiting=flags.max_waiting,
        max_request=int(flags.max_request_mb * 2**20),
        max_open=int(flags.max_open_mb * 2**20),
        max_pixels=int(flags.max_megapixels * 10**6),
        timeout=flags.timeout,
    )
    with bind(flags.host, flags.port) as bound:
        companions = [flags.discriminator] if flags.discriminator else []
        signatures = load_signatures(flags.model, *companions)
        names = target_names(signatures)
        for warning in warm_up(signatures, names, flags.max_batch):
            print(f"Warning: {warning}")
        folder = saved_model_folder(flags.model)
        numbered = folder is not None and folder.name.isdecimal()
        version = int(folder.name) if folder is not None and numbered else 1
        service = Service(name, signatures, limits, version)
        port = bound.getsockname()[1]
        host = f"[{flags.host}]" if ":" in flags.host else flags.host
        url = f"http://{host}:{port}/v1/models/{urllib.parse.quote(name)}"

        def say() -> None:
            print(f"{url} (Ctrl-C ends the server)")
            print(f"Signatures: {', '.join(signatures)}")
            if names:
                print(f"Targets: {', '.join(names)}")
            print(f"Try: {curl_line(url, signatures, names)}", flush=True)

        make_server(service, say).run(sockets=[bound])


def name_of(model: str) -> str:
    """A model's name in URLs: models/faces/1 and runs/faces are faces.

    Args:
        model: a path.
    """
    path = pathlib.PurePath(model)
    return path.parent.name if path.name.isdecimal() else path.stem


COMMAND = Command("keras-stargan serve", __doc__, define, run)

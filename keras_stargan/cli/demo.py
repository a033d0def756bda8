"""Writes a web page to play with a model, which runs in the browser alone.

    keras-stargan demo --open

The folder --output_dir has the page, the model and all that the browser needs. Any web
server can offer it: put it on one, or let --open show it here. Pictures are translated
by the browser itself: they stay where they are, and the page asks nothing of any host.
"""

import pathlib

from keras_stargan.cli.command import Command, Flags


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        "avatars",
        "A model that comes with the package; a .keras file; the folder of a run; or a "
        "checkpoint of the published code.",
    )
    flags.string("output_dir", "demo", "The folder to write.")
    flags.alias("output", "output_dir")
    flags.string(
        "pictures",
        None,
        "A folder: the page begins with its first 12 pictures instead of drawn ones.",
    )
    flags.boolean("overwrite", False, "Replace a page that is there already.")
    flags.boolean("open", False, "Show the page in the browser, until Ctrl-C.")
    flags.integer(
        "port",
        8000,
        "With --open: the page's port, on this machine only; 0 takes a free port.",
        least=0,
        most=65535,
    )


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model, writes the page and shows it."""
    if pathlib.Path(flags.output_dir).exists() and not flags.overwrite:
        raise ValueError(f"{flags.output_dir} exists already; --overwrite replaces it.")
    import keras_stargan
    from keras_stargan.demo import make_server, write_demo

    model = keras_stargan.load_model(flags.model)
    write_demo(model, flags.output_dir, flags.pictures, flags.overwrite)
    print(f"Wrote {flags.output_dir}.")
    if not flags.open:
        print(
            "Show it by a web server, such as: python -m http.server "
            f"--bind 127.0.0.1 --directory {flags.output_dir}"
        )
        return
    import webbrowser

    from keras_stargan.demo.server import HOST

    with make_server(flags.output_dir, flags.port) as server:
        address = f"http://{HOST}:{server.server_address[1]}/"
        print(f"Open {address} (Ctrl-C ends it)", flush=True)
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


COMMAND = Command("keras-stargan demo", __doc__, define, run)

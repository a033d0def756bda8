r"""Asks people which method's translations they prefer, on a page in the browser.

    keras-stargan study --inputs=inputs \
        --outputs=StarGAN=translations/stargan,CycleGAN=translations/cyclegan

--inputs is a folder of pictures, inputs/000123.png; each method has a folder of its
outputs, <target>/<name of the input>: translations/stargan/Blond_Hair/000123.png, as
`keras-stargan translate` writes them. Each input and target for which all methods have
an output is a question. The page shows the input, the target and the outputs, these in
random order and without the methods' names.

Each vote is in the --votes file (CSV) before the next question appears. Ctrl-C prints
the table of percentages; started again with the same flags, the study goes on.
People can vote at the same time, each in a browser (or a private window) of their own.
"""

from collections.abc import Sequence

from keras_stargan.cli.command import Command, Flags

# At most so many missing pictures are named.
NAMED = 10


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string("inputs", None, "Folder of the input pictures.")
    flags.words(
        "outputs",
        None,
        "The name of each of 2 to 5 methods and the folder of its outputs: "
        "StarGAN=folder,CycleGAN=folder.",
    )
    flags.string(
        "votes",
        "preference_votes.csv",
        "CSV file of the votes; new votes are added to it.",
    )
    flags.integer(
        "port",
        8000,
        "The page's port, on this machine only; 0 takes a free port.",
        least=0,
        most=65535,
    )
    flags.integer("seed", 0, "Decides the orders of questions and outputs.")
    flags.boolean("table_only", False, "Print the table of --votes, and ask nobody.")


def folders_by_method(items: Sequence[str]) -> dict[str, str]:
    """Reads what --outputs says.

    Args:
        items: such as `"StarGAN=folder"`.

    Returns:
        The methods' folders, by the methods' names.

    Raises:
        ValueError: for an item of another form, or a method that is named twice.
    """
    outputs: dict[str, str] = {}
    for item in items:
        method, equals, folder = item.partition("=")
        if not (method and equals and folder):
            raise ValueError(
                f"--outputs must be name=folder,name=folder; received {item!r}."
            )
        if method in outputs:
            raise ValueError(f"--outputs names {method} twice.")
        outputs[method] = folder
    return outputs


def run(flags: Flags, inputs: list[str]) -> None:
    """Serves the page until Ctrl-C, then prints the table."""
    outputs = folders_by_method(flags.outputs or [])
    if not flags.inputs and not flags.table_only:
        raise ValueError("Give --inputs, the folder of the input pictures.")
    from keras_stargan.study.preference_server import HOST, make_server
    from keras_stargan.study.preference_study import (
        PreferenceStudy,
        find_questions,
        format_preference_table,
        preference_table,
        read_votes,
    )

    if flags.table_only:
        print(format_preference_table(preference_table(read_votes(flags.votes))))
        return
    questions, missing = find_questions(flags.inputs, outputs)
    if missing:
        print(f"Left out, as {len(missing)} pictures are missing:")
        for line in missing[:NAMED]:
            print(f"  {line}")
        if len(missing) > NAMED:
            print(f"  and {len(missing) - NAMED} more")
    targets = {question.target for question in questions}
    with (
        PreferenceStudy(questions, flags.votes, flags.seed) as study,
        make_server(study, flags.port) as server,
    ):
        print(
            f"{len(questions)} questions, {len(targets)} targets, {len(outputs)} "
            f"methods; {len(study.votes)} votes so far in {flags.votes}.\n"
            f"Open http://{HOST}:{server.server_address[1]}/ (Ctrl-C ends the study)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    print(format_preference_table(preference_table(study.votes)))


COMMAND = Command("keras-stargan study", __doc__, define, run)

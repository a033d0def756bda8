r"""Asks people which method's translations they prefer, on a page in the browser.

    python recipes/preference_study.py --inputs=inputs \
        --outputs=StarGAN=translations/stargan,CycleGAN=translations/cyclegan

--inputs is a folder of pictures, inputs/000123.png; each method has a folder of its
outputs, <target>/<name of the input>: translations/stargan/Blond_Hair/000123.png, as
recipes/translate.py writes them.
Every input and target of which all methods have an output is a question. The page
shows input, target and outputs, these in random order and without the methods' names.

Each vote is in the --votes file (CSV) before the next question appears. Ctrl-C prints
the table of percentages; started again with the same flags, the study goes on.
People can vote at the same time, each in a browser (or a private window) of their own.
"""

import program  # isort: skip

from absl import flags

from keras_stargan.study.preference_server import HOST, make_server
from keras_stargan.study.preference_study import (
    PreferenceStudy,
    find_questions,
    format_preference_table,
    preference_table,
    read_votes,
)

flags.DEFINE_string("inputs", None, "Folder of the input pictures.")
flags.DEFINE_list(
    "outputs",
    None,
    "For each of 2 to 5 methods its name and the folder of its outputs, as "
    "StarGAN=folder,CycleGAN=folder.",
)
flags.DEFINE_string(
    "votes", "preference_votes.csv", "CSV file of the votes. It is added to."
)
flags.DEFINE_integer(
    "port",
    8000,
    "Where the page is, on this machine only; 0 takes a free port.",
    lower_bound=0,
    upper_bound=65535,
)
flags.DEFINE_integer("seed", 0, "Decides the orders of questions and outputs.")
flags.DEFINE_bool("table_only", False, "Print the table of --votes, and ask nobody.")
FLAGS = flags.FLAGS

# Of missing pictures, at most so many are named.
NAMED = 10


def chosen_outputs() -> dict[str, str]:
    """The methods' folders, by the methods' names."""
    outputs = {}
    for item in FLAGS.outputs or []:
        method, equals, folder = item.partition("=")
        if not (method and equals and folder):
            raise ValueError(
                f"--outputs must be name=folder,name=folder; received {item!r}."
            )
        if method in outputs:
            raise ValueError(f"--outputs names {method} twice.")
        outputs[method] = folder
    return outputs


def main(argv: list[str]) -> None:
    """Serves the page until Ctrl-C, then prints the table."""
    program.refuse_arguments(argv)
    if FLAGS.table_only:
        print(format_preference_table(preference_table(read_votes(FLAGS.votes))))
        return
    outputs = chosen_outputs()
    if not FLAGS.inputs:
        raise ValueError("Give --inputs, the folder of the input pictures.")
    questions, missing = find_questions(FLAGS.inputs, outputs)
    if missing:
        print(f"Left out, as {len(missing)} pictures are missing:")
        for line in missing[:NAMED]:
            print(f"  {line}")
        if len(missing) > NAMED:
            print(f"  and {len(missing) - NAMED} more")
    targets = {question.target for question in questions}
    with (
        PreferenceStudy(questions, FLAGS.votes, FLAGS.seed) as study,
        make_server(study, FLAGS.port) as server,
    ):
        print(
            f"{len(questions)} questions, {len(targets)} targets, {len(outputs)} "
            f"methods; {len(study.votes)} votes so far in {FLAGS.votes}.\n"
            f"Open http://{HOST}:{server.server_address[1]}/ (Ctrl-C ends the study)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    print(format_preference_table(preference_table(study.votes)))


if __name__ == "__main__":
    program.run(main)

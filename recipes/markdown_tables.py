"""Tables, as the evaluating recipes write them."""


def markdown(lines: list[list[str]]) -> str:
    """A table in Markdown; the first line has the titles."""
    lines = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""The command line: `keras-stargan`, and what the recipes begin and end with."""

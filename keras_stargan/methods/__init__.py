"""The methods, one in a folder each."""

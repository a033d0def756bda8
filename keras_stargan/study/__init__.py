"""Which translations people prefer: a page in the browser."""

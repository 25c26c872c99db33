"""Arrays in, arrays out: the conventions and the arithmetic, knowing no deal and no file."""

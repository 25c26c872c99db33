"""One deal: what its papers say, and what follows from them."""

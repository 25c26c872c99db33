"""``python -m notecalc``: the same as the command ``notecalc``."""

from notecalc.cli import main

if __name__ == "__main__":
    main()

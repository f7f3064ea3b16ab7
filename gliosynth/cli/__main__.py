"""``python -m gliosynth.cli``: the same as ``gliosynth``."""

from gliosynth.cli import main

if __name__ == "__main__":
    main()

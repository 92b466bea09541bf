"""``python -m roadwarden`` is ``roadwarden``."""

from roadwarden.cli import main

if __name__ == "__main__":
    main()

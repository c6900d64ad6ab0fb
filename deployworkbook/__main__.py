"""``python -m deployworkbook`` is the command ``deployworkbook``."""

from deployworkbook.cli import main

if __name__ == "__main__":
    main()

"""Start a command: ``python -m cfmrestore``."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main()

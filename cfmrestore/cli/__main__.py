"""Start a command: ``python -m cfmrestore.cli``, ``torchrun -m cfmrestore.cli``."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main()

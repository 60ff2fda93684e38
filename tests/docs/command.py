"""The command ``cfmrestore``, for ``run_tool``."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main()

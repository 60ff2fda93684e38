"""Command line: one command a file, with a docstring, ``add_arguments(parser)`` and ``run(args)``.

Nothing heavy is imported above ``run``: help and wrong flags are answered at once.
"""

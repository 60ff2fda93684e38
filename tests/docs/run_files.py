"""Run Python files one after the other in this process, each as if it were alone."""

import runpy
import sys

if __name__ == "__main__":
    for file in sys.argv[1:]:
        print(file, flush=True)
        runpy.run_path(file, run_name="example")

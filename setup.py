"""Build hook: the configs travel in the package as ``cfmrestore/.mim``, where OpenMMLab's tools look for them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCES = ["model-index.yml", *sorted(str(p) for p in Path("configs").rglob("*") if p.suffix in {".py", ".yml", ".md"})]


class BuildWithConfigs(build_py):
    """What is built gets a copy; an editable install reads them where they lie, and a source distribution too."""

    def run(self) -> None:
        super().run()
        shutil.rmtree(Path(self.build_lib, "cfmrestore", ".mim"), ignore_errors=True)  # of an older build
        for source, target in self._copies().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *SOURCES]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._copies().values()]

    def _copies(self) -> dict[str, str]:
        folder = Path(self.build_lib, "cfmrestore", ".mim")
        return {} if self.editable_mode else {source: str(folder / source) for source in SOURCES}


setup(cmdclass={"build_py": BuildWithConfigs})

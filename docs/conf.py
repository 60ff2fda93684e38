"""Settings of the pages, for Sphinx; what is made of code and result files is made by docs/_generate."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from cfmrestore import __version__  # noqa: E402

project, author, copyright = "cfmrestore", "The cfmrestore contributors", "The cfmrestore contributors"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "_generate",
]
exclude_patterns = ["_build", "_generate", "examples", "study/set14.md", "generated/examples/*.ipynb"]
language = "en"

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries = False
python_display_short_literal_types = True

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path, templates_path = ["_static"], ["_templates"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
html_show_copyright = html_show_sourcelink = html_copy_source = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "versions.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "generated/examples",
    "filename_pattern": r"/\w+\.py",
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "matplotlib_animations": False,
    "abort_on_example_error": True,
}

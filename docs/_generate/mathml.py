"""Equations as MathML, which browsers draw themselves: no script, and no file from another place."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def markup(text: str, *, as_block: bool = False) -> str:
    """MathML of an equation; bars of a norm keep their height, by which a power stands beside them."""
    return str(tex2mathml(text, as_block=as_block)).replace("<mo>‖</mo>", '<mo stretchy="false">‖</mo>')


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(markup(node.astext()))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    text = node.astext().strip()
    if "\\\\" in text or "&" in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    translator.body.append(f'<div class="equation">{markup(text, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))

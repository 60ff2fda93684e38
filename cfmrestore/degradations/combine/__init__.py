"""Combinators: operators made of operators."""

"""Sweeps, studies, benchmarks and the publishing of models: what trains and evaluates many times."""

"""What things cost, against their floor or a peer, in turn in one run.

Each is measured in two cases, the second beside ``busy`` processes that keep a core each busy; ``out`` is a JSON file
for the figures.
"""

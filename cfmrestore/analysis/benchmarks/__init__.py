"""What things cost, against their floor or a peer, in turn in one run."""

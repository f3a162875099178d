"""What follows from the evidence, worked out once for all causes: pure functions of a snapshot."""

"""What tests of software for Talos need: a fake node, a conformance suite, strategies."""

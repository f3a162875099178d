"""The whole mesh at a glance, and what is wrong with it: pure functions of resources."""

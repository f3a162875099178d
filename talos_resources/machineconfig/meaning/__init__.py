"""What a configuration means, whichever form it has."""

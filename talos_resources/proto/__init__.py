"""The protocol definitions (.proto) and the command that turns them into Python."""

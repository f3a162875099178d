"""Resources to text, HTML or rich objects. Views are pure: they never fetch and never print."""

"""Resources that describe resources."""

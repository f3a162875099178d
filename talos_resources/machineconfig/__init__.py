"""Machine configuration: documents, patches, validation, generation, and what Cilium needs of it."""

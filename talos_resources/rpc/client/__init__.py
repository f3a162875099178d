"""The client: any `cosi.resource.State` server as a State."""

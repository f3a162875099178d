"""The discovery service: nodes of a cluster find each other through sealed messages that it keeps for a while."""

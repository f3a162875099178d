"""Expressions in the Common Expression Language, which choose disks, volumes and links: are they right, and do they say yes or no?

Only what Talos refuses when it reads a configuration is looked for: syntax, names, types. Nothing is evaluated.
(No library fits: cel-python does not check types, and Google's binding brings 50 MB.)

Source: CEL specification (syntax, standard definitions); Talos v1.14.0-rc.1 for the variables.
"""

from talos_resources.machineconfig.cel.scopes import DISK, LINK, OUT_OF_MEMORY, VOLUME, Scope, fault_of

__all__ = ["DISK", "LINK", "OUT_OF_MEMORY", "VOLUME", "Scope", "fault_of"]

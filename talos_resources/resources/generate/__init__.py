"""Writes the classes of the resource types: `python -m talos_resources.resources.generate [--check]`.

`fields-1.14.json` is the table of types and fields; `descriptions/*.toml` says in words what they are.
"""

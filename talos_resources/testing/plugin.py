"""The pytest plugin: a fake Talos node for other people's tests."""

from __future__ import annotations

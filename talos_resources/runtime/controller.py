"""What a controller is: declarations and one function.

Source: COSI runtime v1.16.2, controllers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from talos_resources.runtime.context import Context
from talos_resources.runtime.declarations import Declared, Input, Output

__all__ = ["Controller", "Input", "Output"]


class Controller(Declared, ABC):
    """Keeps its outputs in line with its inputs.

    It has no thread: the runtime calls `reconcile` once at the start, after every change of an input
    (several changes at once are one call), and when a time that it asked for has come. Between calls it
    may remember things in its attributes; what it must not forget belongs into a resource.
    """

    @abstractmethod
    def reconcile(self, context: Context) -> None:
        """Looks at the inputs and writes the outputs that follow from them.

        Called again it must change nothing. An exception is logged, and after a while, which grows with
        every failure in a row, the controller starts anew.
        """

    def release(self) -> None:
        """Lets go of what lies outside of the State: called when the runtime stops, and after a failure."""
        return

"""Whether Talos would accept a machine configuration, and why not."""

from talos_resources.machineconfig.validate.config import MODES, Mode, validate
from talos_resources.machineconfig.validate.report import Fault, Report

__all__ = ["MODES", "Fault", "Mode", "Report", "validate"]

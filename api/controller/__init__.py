"""The shell around the brain: it reads the log, carries out commands and keeps the time."""

from api.controller.controller import Controller
from api.controller.settings import ControllerSettings, ControllerStatus

__all__ = ["Controller", "ControllerSettings", "ControllerStatus"]

"""Control: the kill switch of an environment. Serves the phases Reliable and Scalable."""

from mlops_constructs.control.control import PlatformControl

__all__ = ["PlatformControl"]

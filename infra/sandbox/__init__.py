"""A GitHub for trying and testing: a stand-in on this machine, which says on every page that it is one."""

from infra.sandbox.hooks import Delivery
from infra.sandbox.records import App
from infra.sandbox.rest import Recorded, Violation
from infra.sandbox.sandbox import Sandbox

__all__ = ["App", "Delivery", "Recorded", "Sandbox", "Violation"]

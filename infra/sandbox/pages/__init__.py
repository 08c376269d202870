"""The sandbox's web pages: what GitHub would show, clearly labelled as a stand-in."""

from infra.sandbox.pages.site import Pages

__all__ = ["Pages"]

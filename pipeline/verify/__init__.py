"""Prove that nothing was lost or doubled: account for every offset, and hold each table against raw."""

from pipeline.verify.check import StreamBehind, verify
from pipeline.verify.report import Finding, Report

__all__ = ["Finding", "Report", "StreamBehind", "verify"]

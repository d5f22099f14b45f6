"""Instances in, one CT perfusion series out, or a refusal that says why not."""

from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Header, Instance
from node.series.reading import read_header, read_source

__all__ = ["CtpSeries", "Geometry", "Header", "Instance", "read_header", "read_source"]

"""Instances in, one CT perfusion series out, or a refusal that says why not."""

from node.series.cautions import header_checks, source_checks
from node.series.completeness import Completeness, completeness
from node.series.eligibility import Eligibility
from node.series.frames import CtpSeries
from node.series.geometry import Geometry
from node.series.header import Header, Instance, images_of
from node.series.joining import put_together, scans_among
from node.series.pixels import read_hu
from node.series.reading import read_context, read_header, read_source
from node.series.recognition import recognise
from node.series.rules import Rule, Trial, deciding_rule, tried
from node.series.stacking import Stacked, analysed, stack
from node.series.survey import Survey, survey
from node.series.volumes import Volume, volume_of

__all__ = [
    "Completeness",
    "CtpSeries",
    "Eligibility",
    "Geometry",
    "Header",
    "Instance",
    "Rule",
    "Stacked",
    "Survey",
    "Trial",
    "Volume",
    "analysed",
    "completeness",
    "deciding_rule",
    "header_checks",
    "images_of",
    "put_together",
    "read_context",
    "read_header",
    "read_hu",
    "read_source",
    "recognise",
    "scans_among",
    "source_checks",
    "stack",
    "survey",
    "tried",
    "volume_of",
]

"""How right exported weights are: a first score, through the same path that serves a PACS."""

from models.scoring.score import CaseScore, score_case, summary

__all__ = ["CaseScore", "score_case", "summary"]

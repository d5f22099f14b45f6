"""Simulated CT perfusion scans whose truth is known, and their DICOM files."""

from models.simulator.acquisition import ACQUISITIONS, Acquisition
from models.simulator.bolus import Bolus
from models.simulator.cohort import cohort
from models.simulator.dicom_writer import StudyHeader, images, write_dicom
from models.simulator.further import FURTHER
from models.simulator.kudo import RESIDUES as KUDO_RESIDUES
from models.simulator.kudo import KudoPhantom, kudo_phantom
from models.simulator.pathology import PATHOLOGIES
from models.simulator.plans import Plan, any_patient
from models.simulator.realism import Faults, Movement, Realism
from models.simulator.residue import FAMILIES, RHO_OVER_KH, SliceTable, TissueTable
from models.simulator.scan import DEMO_SEED, SimulatedScan, simulate
from models.simulator.truth import Curves, Masks, Truth, lesion
from models.simulator.vendors import VENDORS

__all__ = [
    "ACQUISITIONS",
    "DEMO_SEED",
    "FAMILIES",
    "FURTHER",
    "KUDO_RESIDUES",
    "PATHOLOGIES",
    "RHO_OVER_KH",
    "VENDORS",
    "Acquisition",
    "Bolus",
    "Curves",
    "Faults",
    "KudoPhantom",
    "Masks",
    "Movement",
    "Plan",
    "Realism",
    "SimulatedScan",
    "SliceTable",
    "StudyHeader",
    "TissueTable",
    "Truth",
    "any_patient",
    "cohort",
    "images",
    "kudo_phantom",
    "lesion",
    "simulate",
    "write_dicom",
]

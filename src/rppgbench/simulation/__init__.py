"""Simulated recordings: faces with a known pulse."""

from rppgbench.simulation.recorded import SimulatedRecording, simulate
from rppgbench.simulation.scene import (
    Colour,
    Difficulty,
    Expressions,
    HeartRate,
    Light,
    Motion,
    Scene,
    SimulationPlan,
    frame_times,
    generator,
    spread_heart_rates,
)

__all__ = [
    "Colour",
    "Difficulty",
    "Expressions",
    "HeartRate",
    "Light",
    "Motion",
    "Scene",
    "SimulatedRecording",
    "SimulationPlan",
    "frame_times",
    "generator",
    "simulate",
    "spread_heart_rates",
]

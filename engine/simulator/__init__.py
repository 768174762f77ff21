"""FE2 and GREYHOUND stand-ins on the loopback: real HTTP, strict by the vendors' pages, with faults on demand."""

from engine.simulator.fe2 import Fe2Simulator
from engine.simulator.greyhound import Call, GreyhoundSimulator
from engine.simulator.server import Answer, Fault, Request, Simulator

__all__ = ["Answer", "Call", "Fault", "Fe2Simulator", "GreyhoundSimulator", "Request", "Simulator"]

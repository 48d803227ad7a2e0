"""A pretend Microsoft: login, Defender and Graph on one origin, with a control interface. Shares no code with the rest."""

from ringfence.simulator.authority import Authority, AuthorityError
from ringfence.simulator.control_client import SimulatorControl
from ringfence.simulator.scenario import ScenarioError
from ringfence.simulator.server import Tls, create_app, run, serve
from ringfence.simulator.state import StateError, StateFile
from ringfence.simulator.world import Simulator

__all__ = [
    "Authority",
    "AuthorityError",
    "ScenarioError",
    "Simulator",
    "SimulatorControl",
    "StateError",
    "StateFile",
    "Tls",
    "create_app",
    "run",
    "serve",
]

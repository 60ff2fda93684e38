"""ODE and SDE solvers, which integrate a velocity."""

from cfmrestore.solvers.ab2 import AB2
from cfmrestore.solvers.base import Solution, Solver, Step
from cfmrestore.solvers.dopri5 import DoPri5
from cfmrestore.solvers.euler import Euler
from cfmrestore.solvers.euler_maruyama import EulerMaruyama
from cfmrestore.solvers.flow_map_euler import FlowMapEuler
from cfmrestore.solvers.heun import Heun
from cfmrestore.solvers.midpoint import Midpoint
from cfmrestore.solvers.rk4 import RK4

__all__ = [
    "AB2",
    "RK4",
    "DoPri5",
    "Euler",
    "EulerMaruyama",
    "FlowMapEuler",
    "Heun",
    "Midpoint",
    "Solution",
    "Solver",
    "Step",
]

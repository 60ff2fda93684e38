"""
What a solver's evaluations buy
===============================

A flow between two Gaussians is known in closed form, so that the error of every solver can be measured: the slope of a
line is its order.
"""

import matplotlib.pyplot as plt
import torch

from cfmrestore.paths import GVP
from cfmrestore.solvers import AB2, RK4, Euler, Heun, Midpoint
from cfmrestore.solvers.grids import UniformGrid

# %%
# Data N(m, s²) and a source N(0, 1): at each time the points are normal too, and where a point belongs among them does
# not change on the way. So the velocity is that of the mean and of the standard deviation.

path, m, s = GVP(), 2.0, 0.3


def velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    c = path.coefficients(t)
    std = (c.alpha**2 * s**2 + c.sigma**2).sqrt()
    d_std = (c.alpha * c.d_alpha * s**2 + c.sigma * c.d_sigma) / std
    return c.d_alpha * m + d_std * (x - c.alpha * m) / std


x_0 = torch.randn(256, 1, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
exact = m + s * x_0

# %%
# Evaluations are counted by the solver, and are what a restoration costs.

figure, axis = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
for solver in (Euler(), Midpoint(), Heun(), AB2(), RK4()):
    ends = [solver.solve(velocity, x_0, UniformGrid()(count)) for count in (2, 4, 8, 16, 32, 64)]
    errors = [float((end.x - exact).pow(2).mean().sqrt()) for end in ends]
    axis.loglog([end.nfe for end in ends], errors, "o-", label=f"{type(solver).__name__}, order {solver.order}")
axis.set(xlabel="evaluations", ylabel="error of the end (root mean square)")
axis.legend()
axis.grid(alpha=0.3)
plt.show()

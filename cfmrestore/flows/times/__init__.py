"""Which times are trained."""

from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.flows.times.logit_normal import LogitNormal
from cfmrestore.flows.times.stratified import Stratified
from cfmrestore.flows.times.uniform import Uniform

__all__ = ["LogitNormal", "Stratified", "TimeSampler", "Uniform"]

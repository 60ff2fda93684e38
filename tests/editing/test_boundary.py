"""Boundaries as files, and moves along several of them."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from cfmrestore.editing import Boundary
from cfmrestore.editing.boundary import displacement


def boundary(normal: Tensor | None = None, *, seed: int = 0, **keys: object) -> Boundary:
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(3, 2, 2, generator=generator) if normal is None else normal
    unit = normal / normal.norm()
    told = {"intercept": 0.3, "std": 1.5, "time": 0.4, "attribute": f"a{seed}", "accuracy": 0.9, "model": "1234"}
    return Boundary(**{"normal": unit, "direction": unit, **told, **keys})


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    one = boundary(space="bottleneck", guidance=0.0)
    one.save(tmp_path / "a.safetensors")
    back = Boundary.load(tmp_path / "a.safetensors")
    assert torch.equal(one.normal, back.normal)
    assert torch.equal(one.direction, back.direction)
    assert replace(one, normal=back.normal, direction=back.direction) == back or one.attribute == back.attribute
    for name in ("intercept", "std", "time", "attribute", "accuracy", "space", "model", "guidance"):
        assert getattr(one, name) == getattr(back, name)


def test_distance_is_that_of_the_plane() -> None:
    one = boundary()
    points = torch.randn(5, 3, 2, 2)
    moved = points + 0.7 * one.normal
    assert torch.allclose(one.distance(moved) - one.distance(points), torch.full((5,), 0.7), atol=1e-5)
    on_plane = -one.intercept * one.normal[None]
    assert abs(float(one.distance(on_plane))) < 1e-6
    with pytest.raises(ValueError, match=r"points of shape \(3, 2, 2\), these have \(3, 4, 4\)"):
        one.distance(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"time": 1.5}, "time and accuracy in"),
        ({"std": 0.0}, "std > 0"),
        ({"std": "much"}, "std"),
        ({"intercept": float("nan")}, "are numbers"),
        ({"space": "pixels"}, "space is one of latent, bottleneck"),
        ({"surplus": 1}, "it tells accuracy, attribute"),
        ({"shape": [3, 4]}, r"its normal has the shape \[3, 2, 2\], and it says \[3, 4\]"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, change: dict, complaint: str) -> None:
    one, file = boundary(), tmp_path / "a.safetensors"
    told = {key: getattr(one, key) for key in ("intercept", "std", "time", "attribute", "accuracy", "space", "model")}
    text = json.dumps({**told, "guidance": 1.0, "shape": [3, 2, 2], **change})
    save_file({"normal": one.normal, "direction": one.direction.clone()}, file,
              metadata={"format": "cfmrestore-boundary-1", "boundary": text})  # fmt: skip
    with pytest.raises(ValueError, match=complaint):
        Boundary.load(file)


def test_other_files_are_refused_and_nothing_in_them_runs(tmp_path: Path) -> None:
    (tmp_path / "a.sav").write_bytes(pickle.dumps({"coef": 1}))
    with pytest.raises(ValueError, match="is no file of a boundary"):
        Boundary.load(tmp_path / "a.sav")
    save_file({"weight": torch.ones(2)}, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="is no boundary: fit one with cfmrestore fit-boundary"):
        Boundary.load(tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="is no file of a boundary"):
        Boundary.load(tmp_path / "absent.safetensors")
    with pytest.raises(ValueError, match="normal has length 1; got 2"):
        replace(boundary(), normal=2 * boundary().normal)
    with pytest.raises(ValueError, match="the distance grows by 1; got 2"):
        replace(boundary(), direction=2 * boundary().direction)


@pytest.mark.parametrize("oblique", [False, True])
def test_moving_one_leaves_the_others(oblique: bool) -> None:
    """Mutant: the sum of the moves along each normal, which moves the others as far as normals agree."""
    several = [boundary(seed=seed) for seed in range(3)]
    if oblique:
        several = [
            replace(one, direction=one.normal + 0.3 * (other.normal - one.normal * (one.normal * other.normal).sum()))
            for one, other in zip(several, several[1:] + several[:1], strict=True)
        ]
    changes = torch.tensor([[1.0, -2.0], [0.0, 0.0], [0.5, 0.0]])
    points = torch.randn(2, 3, 2, 2)
    moved = points + displacement(several, changes)
    after = torch.stack([one.distance(moved) - one.distance(points) for one in several])
    assert torch.allclose(after, changes, atol=1e-5)
    mutant = sum(c[:, None, None, None] * one.direction for c, one in zip(changes, several, strict=True))
    spoiled = torch.stack([one.distance(points + mutant) - one.distance(points) for one in several])
    assert not torch.allclose(spoiled, changes, atol=1e-2)


def test_of_one_boundary_it_goes_along_its_direction_and_of_normals_it_is_the_shortest() -> None:
    one, other = boundary(seed=0), boundary(seed=1)
    assert torch.allclose(displacement([one], torch.tensor([[2.0]])), 2 * one.normal[None], atol=1e-6)
    shortest = displacement([one, other], torch.tensor([[1.0], [0.0]]))
    stacked = torch.stack([one.normal.flatten(), other.normal.flatten()])
    least = torch.linalg.lstsq(stacked, torch.tensor([[1.0], [0.0]])).solution
    assert torch.allclose(shortest.flatten(), least.flatten(), atol=1e-5)
    with pytest.raises(ValueError, match="boundaries of a0, b are parallel"):
        displacement([one, replace(one, attribute="b")], torch.tensor([[1.0], [0.0]]))

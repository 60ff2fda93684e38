"""Conjugate gradients: as many steps as there are eigenvalues, each system of a batch by itself."""

import torch

from cfmrestore.ops.conjugate_gradients import conjugate_gradients


def systems(count: int = 3, n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(count, n, n, generator=generator, dtype=torch.float64)
    return root @ root.mT + torch.eye(n), torch.randn(count, n, generator=generator, dtype=torch.float64)


def test_it_solves() -> None:
    a, b = systems()
    x = conjugate_gradients(lambda u: (a @ u[..., None])[..., 0], b, tolerance=1e-12)
    assert torch.allclose(x, torch.linalg.solve(a, b), atol=1e-9)


def test_a_system_does_not_see_its_batch() -> None:
    a, b = systems()
    a[1] = torch.eye(6)  # is done after one step
    together = conjugate_gradients(lambda u: (a @ u[..., None])[..., 0], b, iterations=4)
    for i in range(3):
        alone = conjugate_gradients(lambda u, i=i: (a[i : i + 1] @ u[..., None])[..., 0], b[i : i + 1], iterations=4)
        assert torch.allclose(alone[0], together[i], atol=1e-12)
    assert torch.allclose(together[1], b[1])


def test_a_singular_system_with_an_answer_has_the_shortest() -> None:
    a = torch.diag(torch.tensor([4.0, 1.0, 0.0], dtype=torch.float64))[None]
    b = torch.tensor([[8.0, 3.0, 0.0]], dtype=torch.float64)
    x = conjugate_gradients(lambda u: (a @ u[..., None])[..., 0], b, tolerance=1e-12)
    assert torch.allclose(x, torch.tensor([[2.0, 3.0, 0.0]], dtype=torch.float64))


def test_nothing_to_solve_is_zero() -> None:
    assert torch.equal(conjugate_gradients(lambda u: u, torch.zeros(2, 3)), torch.zeros(2, 3))

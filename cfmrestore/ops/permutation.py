"""Permutations that are computed place by place, and never stored."""

from cfmrestore.ops.rng import mix

_ROUNDS = 4
_HALF_BITS = 3  # at least: of fewer, a network of Feistel's has too few permutations to choose from


class Permutation:
    r"""A bijection of :math:`\{0, \ldots, n-1\}` in constant memory, chosen by a seed.

    A Feistel network on two halves of h bits each,

    .. math:: (l, r) \mapsto (r,\; l \oplus F_k(r)), \qquad k = 1 \ldots 4,

    can be undone round by round, :math:`(a, b) \mapsto (b \oplus F_k(a),\, a)`, whatever the functions
    :math:`F_k`; so it permutes the :math:`4^h \ge n` numbers of 2h bits. It is walked until it comes to a number below
    n: the walk stays on one cycle of the permutation, which leads back to its own start, below n, at the latest; what
    it skips are numbers of n and above alone, and leaving those out of the cycles of a permutation leaves a permutation
    of the others. As :math:`4^{h-1} < n` for all but the smallest n, four steps suffice on average.

    References: Luby and Rackoff, 1988 (four rounds of random functions are a pseudorandom permutation); Black and
    Rogaway, 2002, section 4 (cycle walking).

    Args:
        size: How many numbers are permuted.
        seed: Which permutation.
    """

    def __init__(self, size: int, seed: int) -> None:
        if size < 1:
            raise ValueError(f"a permutation needs 1 number or more; got {size}")
        self.size = size
        self.half = max(((size - 1).bit_length() + 1) // 2, _HALF_BITS)
        self.keys = [mix(seed, number) for number in range(_ROUNDS)]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.size:
            raise IndexError(f"{place} is no place among {self.size}")
        place = self._step(place)
        while place >= self.size:
            place = self._step(place)
        return place

    def _step(self, number: int) -> int:
        mask = (1 << self.half) - 1
        left, right = number >> self.half, number & mask
        for key in self.keys:
            left, right = right, left ^ (mix(key, right) & mask)
        return left << self.half | right

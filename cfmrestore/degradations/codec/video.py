"""Video compression: frames of a compressed video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import IntRange, check_whole
from cfmrestore.degradations.codec.still_codec import Codec
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.suggestions import nearest
from cfmrestore.typing import Frame, IntPerImage

# Not libx265 (4.2): its bytes change from run to run, and with small frames it writes past its memory.
_DECODERS = {"libx264": "h264", "mpeg4": "mpeg4", "mpeg2video": "mpeg2video"}
_SMALLEST = 16  # pixels on a side: one macroblock
_CONVERSION = 0x2 | 0x2000 | 0x4000 | 0x40000 | 0x80000  # SWS_BILINEAR, FULL_CHR_H_INT, _INP, ACCURATE_RND, BITEXACT


@dataclass(frozen=True)
class VideoParams:
    crf: IntPerImage
    codec: IntPerImage  # its place in the list of codecs
    motion: Int[Tensor, "b 2"]  # pixels down and to the right, a frame


@DEGRADATIONS.register_module()
class VideoCodec(Codec[VideoParams]):
    """Round to 8 bits, and take the last frame of a video that pans to this image; chroma is halved, clips to [0, 1].

    MPEG-2 and MPEG-4 know no constant rate factor: their quantizer, from 1 to 31, is the one whose steps are as large
    as those of H.264, ``0.3125 * 2 ** (crf / 6)``.

    Args:
        crf: Range of the constant rate factor, drawn uniformly from the integers; 51 is the worst.
        codecs: Encoders to draw from, equally likely: ``"libx264"`` (H.264), ``"mpeg4"`` and ``"mpeg2video"``.
        frames: How many frames the video has. Those after the first are predicted from decoded ones.
        motion: Most pixels on each axis that the picture moves a frame, drawn uniformly from the integers; without
            motion the codecs skip all frames but the first.
    """

    def __init__(
        self,
        *,
        crf: IntRange = (18, 40),
        codecs: Sequence[str] = ("libx264", "mpeg4", "mpeg2video"),
        frames: int = 1,
        motion: int = 3,
    ) -> None:
        if unknown := [name for name in codecs if name not in _DECODERS]:
            raise ValueError(f"VideoCodec knows no codec {unknown[0]!r}; {nearest(unknown[0], _DECODERS)}")
        if not codecs or frames < 1 or motion < 0:
            raise ValueError(f"VideoCodec needs a codec, frames >= 1, motion >= 0; got {codecs=}, {frames=}, {motion=}")
        self.crf, self.codecs = check_whole("crf", crf, 0, 51), tuple(codecs)
        self.frames, self.motion = frames, motion

    def sample(self, frame: Frame, rng: ImageRng) -> VideoParams:
        crf, codec = rng.integers(*self.crf), rng.integers(0, len(self.codecs) - 1)
        return VideoParams(crf, codec, rng.integers(-self.motion, self.motion, 2))

    def code(self, pixels: np.ndarray, crf: int, codec: int, motion: list[int]) -> np.ndarray:
        (h, w), (down, right) = pixels.shape[:2], motion
        rows, columns = (max(_SMALLEST - n, n % 2) for n in (h, w))
        padded = np.pad(pixels, ((0, rows), (0, columns), (0, 0)), mode="edge")
        clip = [_moved(padded, (n * down, n * right)) for n in reversed(range(self.frames))]
        return _last_frame(clip, self.codecs[codec], crf)[:h, :w]


def _moved(pixels: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Before the picture moved down and to the right by so many pixels; the border is repeated."""
    rows, columns = (np.clip(np.arange(n) + by, 0, n - 1) for n, by in zip(pixels.shape, shift, strict=False))
    return np.ascontiguousarray(pixels[rows][:, columns])


def _last_frame(clip: list[np.ndarray], codec: str, crf: int) -> np.ndarray:
    """Encode and decode in memory; one thread, so that the bytes do not depend on the machine's cores."""
    try:
        import av
    except ImportError as error:
        raise ValueError('VideoCodec needs the package av: pip install "cfmrestore[video]"') from error
    encoder, decoder = _context(av, codec, "w"), _context(av, _DECODERS[codec], "r")
    encoder.height, encoder.width = clip[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, 25), _options(codec, crf)
    packets = [*_packets(av, encoder, clip), None]
    decoded = [frame for packet in packets for frame in decoder.decode(packet)]
    return np.asarray(decoded[-1].to_ndarray(format="rgb24", interpolation=_CONVERSION))


def _packets(av: ModuleType, encoder: Any, clip: list[np.ndarray]) -> Iterator[Any]:
    for time, pixels in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame = frame.reformat(format="yuv420p", interpolation=_CONVERSION)
        frame.pts = time
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def _options(codec: str, crf: int) -> dict[str, str]:
    if codec == "libx264":
        return {"crf": str(crf), "x264-params": "mbtree=0"}  # the tree reads memory that was never written
    quantizer = str(min(max(round(0.3125 * 2 ** (crf / 6)), 1), 31))
    return {"qmin": quantizer, "qmax": quantizer}


def _context(av: ModuleType, name: str, mode: str) -> Any:
    try:
        context = av.CodecContext.create(name, mode)
    except av.codec.codec.UnknownCodecError as error:
        raise ValueError(
            f"this build of the package av has no {name!r}: leave it out of VideoCodec's codecs"
        ) from error
    context.thread_count = 1
    return context

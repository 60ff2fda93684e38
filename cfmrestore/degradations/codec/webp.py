"""WebP compression by the codec itself."""

from cfmrestore.degradations.codec.still_codec import StillCodec
from cfmrestore.registry import DEGRADATIONS


@DEGRADATIONS.register_module()
class WebP(StillCodec):
    """Round to 8 bits, encode and decode with libwebp (lossy); clips to [0, 1].

    Args:
        quality: Range of the quality factor, drawn uniformly from the integers.
    """

    extension = ".webp"
    flag = 64  # cv2.IMWRITE_WEBP_QUALITY

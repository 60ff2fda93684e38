"""JPEG compression by the codec itself."""

from cfmrestore.degradations.codec.still_codec import StillCodec
from cfmrestore.registry import DEGRADATIONS


@DEGRADATIONS.register_module()
class JPEG(StillCodec):
    """Round to 8 bits, encode and decode with libjpeg, chroma halved (4:2:0); clips to [0, 1].

    Args:
        quality: Range of the quality factor, drawn uniformly from the integers.
    """

    extension = ".jpg"
    flag = 1  # cv2.IMWRITE_JPEG_QUALITY

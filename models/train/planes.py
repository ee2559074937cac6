# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures (height x width x 3, R'G'B' code values) to the planes that an encoder takes and back, in the same way as the plugin
(core/frame/convert.cpp, core/frame/chroma.cpp), so that what is learnt of chroma fits what it will see."""
import numpy as np

CODECS = ["h264", "hevc", "mpeg2", "mpeg4", "jpeg", "vp8", "vp9"]  # a codec's number is its place

MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}  # weights of red and blue in luma
CODES = {False: (16, 219, 224, 1, 254), True: (0, 255, 255, 0, 255)}  # of full range or not: black, scales of luma and chroma, limits


def halved(plane, axis, cosited):
    """An even number of samples to half of them."""
    x = np.moveaxis(plane, axis, 0)
    even, odd = x[::2], x[1::2]
    out = even / 2 + (np.concatenate([odd[:1], odd[:-1]]) + odd) / 4 if cosited else (even + odd) / 2
    return np.moveaxis(out, 0, axis)


def doubled(plane, axis, cosited):
    """halved() of the result is `plane` again."""
    c = np.moveaxis(plane, axis, 0)
    out = np.empty((2 * len(c), *c.shape[1:]), c.dtype)
    if cosited:
        odd = out[1::2]
        odd[:-1], odd[-1] = (c[:-1] + c[1:]) / 2, c[-1]
        out[::2] = 2 * c - (np.concatenate([odd[:1], odd[:-1]]) + odd) / 2
    else:
        q = np.concatenate([(c[1:2] - c[:1]) / 4, (c[2:] - c[:-2]) / 8, (c[-1:] - c[-2:-1]) / 4])
        out[::2], out[1::2] = c - q, c + q
    return np.moveaxis(out, 0, axis)


def to_planes(picture, matrix, full, cosited):
    """Luma, Cb, Cr of 4:2:0, uint8; sides even. cosited: whether chroma lies on the even columns of luma (else between them);
    of lines it always lies between two."""
    kr, kb = MATRICES[matrix]
    black, luma_scale, chroma_scale, low, high = CODES[full]
    codes = lambda x: np.clip(x, low, high).round().astype(np.uint8)
    x = picture / np.float32(255)
    luma = kr * x[..., 0] + (1 - kr - kb) * x[..., 1] + kb * x[..., 2]
    chroma = ((x[..., 2] - luma) / (2 * (1 - kb)), (x[..., 0] - luma) / (2 * (1 - kr)))
    small = (halved(halved(c, 1, cosited), 0, False) for c in chroma)
    return [codes(black + luma_scale * luma), *(codes(128 + chroma_scale * c) for c in small)]


def to_picture(planes, matrix, full, cosited):
    """float32, not clipped; chroma planes of half or of all the sides of luma."""
    kr, kb = MATRICES[matrix]
    black, luma_scale, chroma_scale, _, _ = CODES[full]
    luma = (planes[0].astype(np.float32) - black) / luma_scale
    cb, cr = ((p.astype(np.float32) - 128) / chroma_scale for p in planes[1:])
    if cb.shape[0] != luma.shape[0]:
        cb, cr = (doubled(c, 0, False) for c in (cb, cr))
    if cb.shape[1] != luma.shape[1]:
        cb, cr = (doubled(c, 1, cosited) for c in (cb, cr))
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return 255 * np.stack([red, green, blue], 2)
